package history

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Terms are what outcomes are judged by.
type Terms struct {
	Directions  []study.Direction // one for each objective
	Constraints int               // how many there are
	Limits      []float64         // one for each objective, oriented; NaN: none
}

// NewTerms checks what the user gave: limits in the direction of each
// objective, nil if there are none.
func NewTerms(directions []study.Direction, constraints int, limits []float64) (Terms, error) {
	t := Terms{Directions: directions, Constraints: constraints, Limits: pareto.Orient(limits, directions)}
	if len(directions) == 0 {
		return t, fault.New(fault.Invalid, "cannot search without an objective").Trying("give at least one objective")
	}
	for _, d := range directions {
		if d != study.Min && d != study.Max {
			return t, fault.New(fault.Invalid, "cannot search in direction %q", d).Trying("%s or %s", study.Min, study.Max)
		}
	}
	if constraints < 0 {
		return t, fault.New(fault.Invalid, "cannot search with %d constraints", constraints).Trying("0 or more")
	}
	switch {
	case len(t.Limits) == 0:
		t.Limits = unknown(len(directions))
	case len(t.Limits) != len(directions):
		return t, fault.New(fault.Invalid, "cannot search with %d limits for %d objectives", len(t.Limits), len(directions)).
			Trying("one limit for each objective, NaN where there is none")
	case slices.ContainsFunc(t.Limits, func(x float64) bool { return math.IsInf(x, 0) }):
		return t, fault.New(fault.Invalid, "cannot search with a limit that is infinite").Trying("NaN where there is no limit")
	}
	return t, nil
}

// bounds is the number of constraints and limits.
func (t Terms) bounds() int { return t.Constraints + len(t.Limits) }

// excess is by how much e breaks a bound: 0 or less if it keeps it, NaN if
// that is not known or there is no bound. Constraints come first, then limits.
func (t Terms) excess(e Evidence, bound int) float64 {
	if bound < t.Constraints {
		return e.Constraints[bound]
	}
	i := bound - t.Constraints
	return e.Values[i] - t.Limits[i]
}

// Measured reports whether it is known by how much an infeasible trial is so.
func (t Terms) Measured(e Evidence) bool {
	for i := range t.bounds() {
		if x := t.excess(e, i); x > 0 && !math.IsInf(x, 0) {
			return true
		}
	}
	return false
}

// beyondWorst is how far a reference lies beyond the worst value, as a share of
// the front's range.
const beyondWorst = 0.05

// Reference is the point that hypervolumes of values are measured from: the
// user's limit of each objective, and where there is none the worst value with a
// margin. Others count for the worst, but not for the margin; they may hold NaN.
func (t Terms) Reference(values, others [][]float64) []float64 {
	var front [][]float64
	for _, i := range pareto.Front(values) {
		front = append(front, values[i])
	}
	best, worst := pareto.Bounds(values)
	low, high := pareto.Bounds(front)
	for _, v := range others {
		for j, x := range v {
			if x > worst[j] {
				worst[j] = x
			}
		}
	}
	for j, limit := range t.Limits {
		if !math.IsNaN(limit) {
			worst[j] = limit
			continue
		}
		width := max(high[j]-low[j], 0.02*(worst[j]-best[j]))
		if width == 0 { // all equal: any distance serves
			width = max(1, math.Abs(worst[j]))
		}
		worst[j] += beyondWorst * width
	}
	return worst
}
