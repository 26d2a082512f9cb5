// Package problems has search problems with known fronts, on which samplers
// are tested and compared. Nothing in it is measured, except what a Table
// recorded.
package problems

import (
	"math"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// Problem is a space with outcomes.
type Problem struct {
	Name       string
	Knobs      []study.Knob
	Directions []study.Direction
	Neutral    study.Assignment // the baseline; may be nil
	// Reference is the corner that hypervolume is measured from, oriented so
	// that less is better (pareto.Orient).
	Reference []float64
	// Best is the hypervolume of the true front.
	Best float64
	// Trial returns the outcome of a suggestion and the assignment that it
	// belongs to. used is true for assignments that had a trial before.
	Trial func(a study.Assignment, used func(study.Assignment) bool) (study.Assignment, search.Outcome)
}

// ZDT1 is the first problem of Zitzler, Deb and Thiele (2000) with each of its
// variables on so many levels from 0 to 1: the front is convex, and all
// variables but the first want to be 0.
func ZDT1(variables, levels int) Problem {
	p := Problem{Name: "zdt1", Directions: []study.Direction{study.Min, study.Min}, Reference: []float64{1.1, 10}}
	for i := range variables {
		p.Knobs = append(p.Knobs, study.Knob{Name: knobName("x", i), Int: &[2]int{0, levels - 1}})
	}
	at := func(a study.Assignment, i int) float64 { return a[p.Knobs[i].Name].Float() / float64(levels-1) }
	p.Trial = pure(func(a study.Assignment) []float64 {
		sum := 0.0
		for i := 1; i < variables; i++ {
			sum += at(a, i)
		}
		g := 1 + 9*sum/float64(variables-1)
		return []float64{at(a, 0), g * (1 - math.Sqrt(at(a, 0)/g))}
	})
	var front [][]float64
	for l := range levels {
		x := float64(l) / float64(levels-1)
		front = append(front, []float64{x, 1 - math.Sqrt(x)})
	}
	p.Best = pareto.Hypervolume(front, p.Reference)
	return p
}

// pure makes a trial of a function that takes every assignment as it is.
func pure(f func(study.Assignment) []float64) func(study.Assignment, func(study.Assignment) bool) (study.Assignment, search.Outcome) {
	return func(a study.Assignment, _ func(study.Assignment) bool) (study.Assignment, search.Outcome) {
		values := f(a)
		return a, search.Outcome{Values: values, Infeasible: values == nil}
	}
}

func knobName(prefix string, i int) string {
	return prefix + "." + string(rune('a'+i/26)) + string(rune('a'+i%26))
}
