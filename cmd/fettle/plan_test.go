//go:build bench

package main

import (
	"maps"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

// known returns what is known of an assignment before it is measured: bytes of
// weights, bytes of the cache, operations for each token, damage of the half
// blocks that are left out.
func (r *recorder) known() func(study.Assignment) []float64 {
	return func(a study.Assignment) []float64 {
		_, p, err := r.model.Plan(&r.spec, r.ranking, a)
		check(r.t, err)
		return []float64{float64(p.WeightBytes), float64(p.KVBytes), float64(p.OpsPerToken), p.Damage}
	}
}

// plan adds what is known to the table. The terms are found by planning their
// assignments with all other knobs at their first value, and checked by planning
// every assignment.
func (r *recorder) plan(known func(study.Assignment) []float64) {
	r.table.Plan = &problems.Plan{
		Features: []string{"size.weights", "size.kv", "operations", "damage"},
		Known:    map[int]int{1: 0}, // the second objective is size.weights
	}
	for _, names := range gridTerms {
		r.table.Plan.Terms = append(r.table.Plan.Terms, findTerm(r.table, names, known))
	}
	for _, row := range r.table.Rows {
		got, want := r.table.Plan.Of(gridKnobs, row.Assignment), known(row.Assignment)
		for f := range want {
			if math.Abs(got[f]-want[f]) > 1e-12*math.Abs(want[f]) {
				r.t.Fatalf("the terms of %v give %v, its plan %v", row.Assignment, got, want)
			}
		}
	}
}

// findTerm is what the knobs of a term add to the terms before it.
func findTerm(table *problems.Table, names []string, know func(study.Assignment) []float64) problems.Term {
	term := problems.Term{Knobs: names}
	rows, err := term.Rows(table.Knobs)
	if err != nil {
		panic(err)
	}
	term.Values = make([][]float64, rows)
	for i := range term.Values {
		term.Values[i] = make([]float64, len(table.Plan.Features))
	}
	eachAssignment(table.Knobs, names, study.Assignment{}, func(a study.Assignment) {
		row := term.Row(table.Knobs, a)
		before := table.Plan.Of(table.Knobs, a)
		for f, x := range know(a) {
			term.Values[row][f] = x - before[f]
		}
	})
	return term
}

// eachAssignment visits the assignments in which the named knobs have every
// value and the others their first; no names are all. Knobs come after those
// that they depend on.
func eachAssignment(knobs []study.Knob, names []string, a study.Assignment, visit func(study.Assignment)) {
	if len(knobs) == 0 {
		visit(maps.Clone(a))
		return
	}
	k := knobs[0]
	if !k.Active(a) {
		eachAssignment(knobs[1:], names, a, visit)
		return
	}
	size := int(k.Size())
	if names != nil && !slices.Contains(names, k.Name) {
		size = 1
	}
	for l := range size {
		if k.Int != nil {
			a[k.Name] = study.Number(float64(k.Int[0] + l))
		} else {
			a[k.Name] = k.Choice[l]
		}
		eachAssignment(knobs[1:], names, a, visit)
	}
	delete(a, k.Name)
}
