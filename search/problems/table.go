package problems

import (
	"encoding/json"
	"io"
	"math"

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
	if t.Plan != nil {
		if err := t.Plan.check(t.Knobs, len(t.Directions)); err != nil {
			return nil, fault.New(fault.Invalid, "cannot use the table's plan").Because(err)
		}
	}
	return t, nil
}

// Problem makes a search problem of the table. Its reference is the worst
// feasible value of each objective, its best the front of all rows. A
// suggestion that is not in the table stands for the nearest row that had no
// trial yet: the number of choices that differ, plus the differences of
// numbers as a share of their range; the first of equally near rows. After
// every row had a trial, rows are used again.
//
// The problem predicts with the table's plan, if it has one. A plan is exact
// for every assignment, also for those that have no row; so what a search knows
// of a suggestion before it is asked is what it would know in a real study. The
// outcome is that of the row, and so is the assignment that is told.
func (t *Table) Problem(name string) Problem {
	var points [][]float64
	byKey := make(map[string]int, len(t.Rows))
	for i, row := range t.Rows {
		byKey[row.Assignment.Key()] = i
		if !row.Infeasible {
			points = append(points, pareto.Orient(row.Values, t.Directions))
		}
	}
	_, worst := pareto.Bounds(points)
	p := Problem{Name: name, Knobs: t.Knobs, Directions: t.Directions, Neutral: t.Neutral, Reference: worst}
	p.Best = pareto.Hypervolume(points, worst)
	if t.Plan != nil {
		p.Predict = func(a study.Assignment) search.Prediction { return t.Plan.predict(t.Knobs, a) }
	}
	p.Trial = func(a study.Assignment, used func(study.Assignment) bool) (study.Assignment, search.Outcome) {
		i, ok := byKey[a.Key()]
		if !ok || used(a) {
			i = t.nearest(a, used)
		}
		row := t.Rows[i]
		return row.Assignment, search.Outcome{Values: row.Values, Infeasible: row.Infeasible}
	}
	return p
}

// nearest returns the row nearest to a, unused ones before used ones.
func (t *Table) nearest(a study.Assignment, used func(study.Assignment) bool) int {
	best, least := 0, math.Inf(1)
	for i, row := range t.Rows {
		d := t.distance(a, row.Assignment)
		if used(row.Assignment) {
			d += float64(len(t.Knobs) + 1) // further than any unused row
		}
		if d < least {
			best, least = i, d
		}
	}
	return best
}

func (t *Table) distance(a, b study.Assignment) float64 {
	sum := 0.0
	for _, k := range t.Knobs {
		x, inA := a[k.Name]
		y, inB := b[k.Name]
		low, high := 0.0, 1.0
		switch {
		case inA == inB && x == y:
			continue
		case inA != inB || k.Choice != nil:
			sum++
			continue
		case k.Int != nil:
			low, high = float64(k.Int[0]), float64(k.Int[1])
		case k.Float != nil:
			low, high = k.Float[0], k.Float[1]
		}
		sum += math.Abs(x.Float()-y.Float()) / (high - low)
	}
	return sum
}
