package history

import (
	"fmt"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
)

// Outcome is what is told of a trial. Slices may be nil, which is the same as
// nothing but NaN; the values may be only if the trial is infeasible. A number
// that is infinite counts as NaN, but for a constraint broken without end.
type Outcome struct {
	// Values has one for each objective, in base units. NaN is a value that was
	// not measured: the trial is infeasible, or was ended early.
	Values []float64
	// Noise is the standard error of each value, in the value's unit: 0 is
	// exact, NaN or a negative number not known.
	Noise []float64
	// Constraints has one for each constraint of the search: 0 or less is
	// feasible, NaN not known.
	Constraints []float64
	// Infeasible tells that the trial is infeasible, whatever its numbers say.
	Infeasible bool
}

// Evidence is an outcome as strategies see it: values are oriented so that
// less is better, every slice has its full length, and NaN is what is not
// known.
type Evidence struct {
	Values      []float64 // finite or NaN
	Noise       []float64 // not negative, finite or NaN
	Constraints []float64 // never -Inf
	Infeasible  bool      // told so, a constraint is broken or a value beyond its limit
}

// read checks and orients an outcome.
func (t Terms) read(o Outcome) (Evidence, error) {
	m := len(t.Directions)
	if !(len(o.Values) == m || len(o.Values) == 0 && o.Infeasible) {
		return Evidence{}, fmt.Errorf("%d values for %d objectives", len(o.Values), m)
	}
	if len(o.Noise) != m && len(o.Noise) != 0 {
		return Evidence{}, fmt.Errorf("the noise of %d values for %d objectives", len(o.Noise), m)
	}
	if len(o.Constraints) != t.Constraints && len(o.Constraints) != 0 {
		return Evidence{}, fmt.Errorf("%d values for %d constraints", len(o.Constraints), t.Constraints)
	}
	e := Evidence{Values: unknown(m), Noise: unknown(m), Constraints: unknown(t.Constraints), Infeasible: o.Infeasible}
	for i, x := range pareto.Orient(o.Values, t.Directions) {
		if !math.IsInf(x, 0) {
			e.Values[i] = x
		}
	}
	for i, x := range o.Noise {
		if x >= 0 && !math.IsInf(x, 0) {
			e.Noise[i] = x
		}
	}
	for i, x := range o.Constraints {
		if !math.IsInf(x, -1) {
			e.Constraints[i] = x
		}
	}
	for i := range t.bounds() {
		e.Infeasible = e.Infeasible || t.excess(e, i) > 0
	}
	return e, nil
}

// complete reports whether nothing that decides on the front is missing.
func (e Evidence) complete() bool {
	return !slices.ContainsFunc(e.Values, math.IsNaN) && !slices.ContainsFunc(e.Constraints, math.IsNaN)
}

// Feasible reports whether a trial counts for the front: it is not infeasible,
// and nothing that decides on the front is missing.
func (e Evidence) Feasible() bool { return !e.Infeasible && e.complete() }

func unknown(n int) []float64 { return slices.Repeat([]float64{math.NaN()}, n) }
