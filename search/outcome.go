package search

import (
	"fmt"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// terms are what outcomes are judged by.
type terms struct {
	directions  []study.Direction
	constraints int
	limits      []float64 // one for each objective, oriented; NaN: none
}

func newTerms(cfg Config) (terms, error) {
	t := terms{directions: cfg.Directions, constraints: cfg.Constraints, limits: pareto.Orient(cfg.Limits, cfg.Directions)}
	if len(cfg.Directions) == 0 {
		return t, fault.New(fault.Invalid, "cannot search without an objective").Trying("give at least one objective")
	}
	for _, d := range cfg.Directions {
		if d != study.Min && d != study.Max {
			return t, fault.New(fault.Invalid, "cannot search in direction %q", d).Trying("%s or %s", study.Min, study.Max)
		}
	}
	if cfg.Constraints < 0 {
		return t, fault.New(fault.Invalid, "cannot search with %d constraints", cfg.Constraints).Trying("0 or more")
	}
	switch {
	case len(t.limits) == 0:
		t.limits = unknown(len(cfg.Directions))
	case len(t.limits) != len(cfg.Directions):
		return t, fault.New(fault.Invalid, "cannot search with %d limits for %d objectives", len(t.limits), len(cfg.Directions)).
			Trying("one limit for each objective, NaN where there is none")
	case slices.ContainsFunc(t.limits, func(x float64) bool { return math.IsInf(x, 0) }):
		return t, fault.New(fault.Invalid, "cannot search with a limit that is infinite").Trying("NaN where there is no limit")
	}
	return t, nil
}

// evidence is an outcome as strategies see it: values are oriented so that
// less is better, every slice has its full length, and NaN is what is not
// known.
type evidence struct {
	values      []float64 // finite or NaN
	noise       []float64 // not negative, finite or NaN
	constraints []float64 // never -Inf
	infeasible  bool      // told so, a constraint is broken or a value beyond its limit
}

// read checks and orients an outcome.
func (t terms) read(o Outcome) (evidence, error) {
	m := len(t.directions)
	if !(len(o.Values) == m || len(o.Values) == 0 && o.Infeasible) {
		return evidence{}, fmt.Errorf("%d values for %d objectives", len(o.Values), m)
	}
	if len(o.Noise) != m && len(o.Noise) != 0 {
		return evidence{}, fmt.Errorf("the noise of %d values for %d objectives", len(o.Noise), m)
	}
	if len(o.Constraints) != t.constraints && len(o.Constraints) != 0 {
		return evidence{}, fmt.Errorf("%d values for %d constraints", len(o.Constraints), t.constraints)
	}
	e := evidence{values: unknown(m), noise: unknown(m), constraints: unknown(t.constraints), infeasible: o.Infeasible}
	for i, x := range pareto.Orient(o.Values, t.directions) {
		if !math.IsInf(x, 0) {
			e.values[i] = x
		}
	}
	for i, x := range o.Noise {
		if x >= 0 && !math.IsInf(x, 0) {
			e.noise[i] = x
		}
	}
	for i, x := range o.Constraints {
		if !math.IsInf(x, -1) {
			e.constraints[i] = x
		}
	}
	for i := range t.bounds() {
		e.infeasible = e.infeasible || t.excess(e, i) > 0
	}
	return e, nil
}

// bounds is the number of constraints and limits.
func (t terms) bounds() int { return t.constraints + len(t.limits) }

// excess is by how much e breaks a bound: 0 or less if it keeps it, NaN if
// that is not known or there is no bound. Constraints come first, then limits.
func (t terms) excess(e evidence, bound int) float64 {
	if bound < t.constraints {
		return e.constraints[bound]
	}
	i := bound - t.constraints
	return e.values[i] - t.limits[i]
}

// measured reports whether it is known by how much an infeasible trial is so.
func (t terms) measured(e evidence) bool {
	for i := range t.bounds() {
		if x := t.excess(e, i); x > 0 && !math.IsInf(x, 0) {
			return true
		}
	}
	return false
}

// complete reports whether nothing that decides on the front is missing.
func (e evidence) complete() bool {
	return !slices.ContainsFunc(e.values, math.IsNaN) && !slices.ContainsFunc(e.constraints, math.IsNaN)
}

func unknown(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.NaN()
	}
	return x
}
