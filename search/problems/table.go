package problems

import (
	"encoding/json"
	"io"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Table is a recorded study: outcomes of some assignments of a space.
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
}

// ReadTable reads a table as JSON and checks that its rows fit its knobs.
func ReadTable(r io.Reader) (*Table, error) {
	t := &Table{}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return nil, fault.New(fault.Invalid, "cannot read the table").Because(err)
	}
	feasible, seen := 0, map[string]bool{}
	for i, row := range t.Rows {
		key := row.Assignment.Key()
		switch {
		case seen[key]:
			return nil, fault.New(fault.Invalid, "cannot use the table: row %d repeats the assignment of another", i+1)
		case !row.Infeasible && len(row.Values) != len(t.Directions):
			return nil, fault.New(fault.Invalid, "cannot use the table: row %d has %d values for %d objectives", i+1, len(row.Values), len(t.Directions))
		}
		for _, k := range t.Knobs {
			if v, ok := row.Assignment[k.Name]; ok && !k.Contains(v) {
				return nil, fault.New(fault.Invalid, "cannot use the table: in row %d knob %s cannot be %s", i+1, k.Name, v)
			}
		}
		if seen[key] = true; !row.Infeasible {
			feasible++
		}
	}
	if feasible == 0 {
		return nil, fault.New(fault.Invalid, "cannot use the table: no row is feasible")
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

// Problem makes a search problem of the table. Its reference is the table's, or
// the worst feasible value of each objective; its best the front of all rows. A
// suggestion that is not in the table stands for the nearest row that had no
// trial yet; the first of equally near rows. After every row had a trial, rows
// are used again. The outcome is that of the row, and so is the assignment that
// is told.
//
// The row nearest to an assignment, whether it had a trial or not, is also its
// identity (Key): a sampler that asks for no recipe twice gets the row that it
// is nearest to, and does not ask for the same row in another guise.
//
// The problem predicts with the table's plan, if it has one. A plan is exact
// for every assignment, also for those that have no row; so what a search knows
// of a suggestion before it is asked is what it would know in a real study.
func (t *Table) Problem(name string) Problem {
	var points [][]float64
	byKey := make(map[string]int, len(t.Rows))
	for i, row := range t.Rows {
		byKey[row.Assignment.Key()] = i
		if !row.Infeasible {
			points = append(points, pareto.Orient(row.Values, t.Directions))
		}
	}
	_, reference := pareto.Bounds(points)
	if t.Reference != nil {
		reference = pareto.Orient(t.Reference, t.Directions)
	}
	near := newNearness(t)
	p := Problem{Name: name, Knobs: t.Knobs, Directions: t.Directions, Neutral: t.Neutral, Reference: reference}
	p.Best = pareto.Hypervolume(points, reference)
	if t.Plan != nil {
		p.Predict = func(a study.Assignment) search.Prediction { return t.Plan.predict(t.Knobs, a) }
	}
	p.Key = func(a study.Assignment) (string, error) {
		return t.Rows[near.nearest(a, nil)].Assignment.Key(), nil
	}
	p.Trial = func(a study.Assignment, used func(study.Assignment) bool) (study.Assignment, search.Outcome) {
		i, ok := byKey[a.Key()]
		if !ok || used(a) {
			i = near.nearest(a, used)
		}
		row := t.Rows[i]
		return row.Assignment, search.Outcome{Values: row.Values, Infeasible: row.Infeasible}
	}
	return p
}
