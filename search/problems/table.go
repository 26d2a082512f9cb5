package problems

import (
	"encoding/json"
	"io"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Table is a recorded study: the outcomes of every assignment of a space.
type Table struct {
	Knobs      []study.Knob      `json:"knobs"`
	Directions []study.Direction `json:"directions"`
	Rows       []Row             `json:"rows"`
	// Neutral is the baseline's assignment; it may be left out.
	Neutral study.Assignment `json:"neutral,omitempty"`
	// Reference is the corner that hypervolume is measured from, as values are
	// told; it may be left out. Worse rows add nothing.
	Reference []float64 `json:"reference,omitempty"`
	// Plan is what was known of every assignment before it was measured; it may
	// be left out.
	Plan *Plan `json:"plan,omitempty"`
}

// Row is one recorded trial. Values are in base units, one for each objective;
// none if infeasible.
type Row struct {
	Assignment study.Assignment `json:"assignment"`
	Values     []float64        `json:"values"`
	Infeasible bool             `json:"infeasible"`
	// Variant numbers rows whose assignments make the same recipe; 0 is a
	// recipe that no other row has.
	Variant int `json:"variant,omitempty"`
}

// ReadTable reads a table as JSON and checks that it has one row for every
// assignment of its knobs.
func ReadTable(r io.Reader) (*Table, error) {
	t := &Table{}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return nil, fault.New(fault.Invalid, "cannot read the table").Because(err)
	}
	if err := t.checkRows(); err != nil {
		return nil, err
	}
	if t.Reference != nil && len(t.Reference) != len(t.Directions) {
		return nil, fault.New(fault.Invalid, "cannot use the table: its reference has %d values for %d objectives", len(t.Reference), len(t.Directions))
	}
	if t.Plan != nil {
		if err := t.Plan.check(t.Knobs, len(t.Directions)); err != nil {
			return nil, fault.New(fault.Invalid, "cannot use the table's plan").Because(err)
		}
	}
	return t, nil
}

// checkRows checks every row by itself, and that they are all assignments of
// the knobs, each once.
func (t *Table) checkRows() error {
	sp, err := space.New(t.Knobs, t.Neutral)
	if err != nil {
		return fault.New(fault.Invalid, "cannot use the table's knobs").Because(err)
	}
	feasible, seen, first := false, make(map[string]bool, len(t.Rows)), t.first()
	for i, row := range t.Rows {
		for _, k := range t.Knobs {
			if v, ok := row.Assignment[k.Name]; ok && !k.Contains(v) {
				return fault.New(fault.Invalid, "cannot use the table: in row %d knob %s cannot be %s", i+1, k.Name, v)
			}
		}
		key := row.Assignment.Key()
		switch at := sp.Assignment(sp.Point(row.Assignment)); {
		case at.Key() != key:
			return fault.New(fault.Invalid, "cannot use the table: row %d has %s, which lies on the grid at %s", i+1, text(row.Assignment), text(at))
		case seen[key]:
			return fault.New(fault.Invalid, "cannot use the table: row %d repeats the assignment of another", i+1)
		case !row.Infeasible && len(row.Values) != len(t.Directions):
			return fault.New(fault.Invalid, "cannot use the table: row %d has %d values for %d objectives", i+1, len(row.Values), len(t.Directions))
		}
		seen[key], feasible = true, feasible || first[i] == i && !row.Infeasible
	}
	if !feasible {
		return fault.New(fault.Invalid, "cannot use the table: no row is feasible")
	}
	// Points that differ in inactive knobs alone have one row.
	for n := 0; float64(n) < sp.Size(); n++ {
		if a := sp.Assignment(nth(sp, n)); !seen[a.Key()] {
			return fault.New(fault.Invalid, "cannot use the table: it has no row for %s", text(a))
		}
	}
	return nil
}

// nth is the n-th point of a space in the order of space.Space.All, which
// would be too long a list if a table has few of the points.
func nth(sp *space.Space, n int) space.Point {
	dims := sp.Dims()
	p := make(space.Point, len(dims))
	for i := len(dims) - 1; i >= 0; i-- {
		p[i], n = n%dims[i].Levels, n/dims[i].Levels
	}
	return p
}

// text writes an assignment as in a table's file.
func text(a study.Assignment) string {
	b, err := json.Marshal(a)
	if err != nil {
		return a.Key()
	}
	return string(b)
}

// first returns, for every row, the first row of its variant.
func (t *Table) first() []int {
	rows, variants := make([]int, len(t.Rows)), map[int]int{}
	for i, row := range t.Rows {
		first, again := variants[row.Variant]
		if row.Variant == 0 || !again {
			first = i
			variants[row.Variant] = i
		}
		rows[i] = first
	}
	return rows
}

// Problem makes a search problem of a table that ReadTable accepts. Its
// reference is the table's, or the worst feasible value of each objective; its
// best the front of all rows. Rows of one variant count as the first of them:
// that is their identity (Key), and its outcome is theirs.
//
// The problem predicts with the table's plan, if it has one.
func (t *Table) Problem(name string) Problem {
	var points [][]float64
	rows := make(map[string]Row, len(t.Rows)) // by the key of the assignment
	for i, first := range t.first() {
		row := t.Rows[first]
		rows[t.Rows[i].Assignment.Key()] = row
		if i == first && !row.Infeasible {
			points = append(points, pareto.Orient(row.Values, t.Directions))
		}
	}
	_, reference := pareto.Bounds(points)
	if t.Reference != nil {
		reference = pareto.Orient(t.Reference, t.Directions)
	}
	p := Problem{Name: name, Knobs: t.Knobs, Directions: t.Directions, Neutral: t.Neutral, Reference: reference}
	p.Best = pareto.Hypervolume(points, reference)
	if t.Plan != nil {
		p.Predict = func(a study.Assignment) search.Prediction { return t.Plan.predict(t.Knobs, a) }
	}
	p.Key = func(a study.Assignment) (string, error) { return rows[a.Key()].Assignment.Key(), nil }
	p.Trial = func(a study.Assignment) search.Outcome {
		row := rows[a.Key()]
		return search.Outcome{Values: row.Values, Infeasible: row.Infeasible}
	}
	return p
}
