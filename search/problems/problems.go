// Package problems has search problems with known fronts, on which samplers
// are tested and compared, and the runner that compares them. Nothing in it is
// measured, except what a Table recorded.
//
// Objectives are minimised unless a problem says otherwise.
package problems

import (
	"fmt"
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
	// Best is the hypervolume of the true front. With one objective it is the
	// distance from the reference to the optimum.
	Best float64
	// Constraints is the number of constraints that every outcome has.
	Constraints int
	// Noise is the relative standard deviation of what is observed of each
	// objective; nil is none. Scores are of the values without it.
	Noise []float64
	// Predict is what is known before a trial; nil is nothing.
	Predict func(study.Assignment) search.Prediction
	// Key is the identity of what an assignment is tried as (search.Config.Key);
	// nil is the assignment itself.
	Key func(study.Assignment) (string, error)
	// Trial returns the outcome of an assignment, without noise.
	Trial func(study.Assignment) search.Outcome
}

// pure makes a trial of a function. A nil slice of values is infeasible.
func pure(f func(study.Assignment) []float64) func(study.Assignment) search.Outcome {
	return func(a study.Assignment) search.Outcome {
		values := f(a)
		return search.Outcome{Values: values, Infeasible: values == nil}
	}
}

// real makes a problem of a function of real variables between low and high.
func real(name string, variables int, low, high float64, reference []float64, f func(x []float64) []float64) Problem {
	p := Problem{Name: name, Knobs: floats(variables, low, high), Directions: minimise(len(reference)), Reference: reference}
	p.Trial = pure(func(a study.Assignment) []float64 { return f(vector(p.Knobs, a)) })
	return p
}

// floats returns knobs of real numbers.
func floats(n int, low, high float64) []study.Knob {
	knobs := make([]study.Knob, n)
	for i := range knobs {
		knobs[i] = study.Knob{Name: knobName("x", i), Float: &[2]float64{low, high}}
	}
	return knobs
}

// vector returns the numbers of an assignment in the order of the knobs.
func vector(knobs []study.Knob, a study.Assignment) []float64 {
	x := make([]float64, len(knobs))
	for i, k := range knobs {
		x[i] = a[k.Name].Float()
	}
	return x
}

func minimise(objectives int) []study.Direction {
	d := make([]study.Direction, objectives)
	for i := range d {
		d[i] = study.Min
	}
	return d
}

func knobName(prefix string, i int) string { return fmt.Sprintf("%s.%02d", prefix, i) }

// samples is the number of points by which curves are integrated.
const samples = 20_000

// under returns the hypervolume under a reference (right, top) of the lower
// left hull of the curve y(x) for x from 0 to 1: the integral of the distance
// from the lowest y so far to the top. The error is of second order in the
// width of a sample.
func under(y func(float64) float64, right, top float64) float64 {
	lowest := math.Inf(1)
	sum, before := 0.0, 0.0
	for i := range samples + 1 {
		lowest = min(lowest, y(float64(i)/samples))
		height := max(0, top-lowest)
		if i > 0 {
			sum += (before + height) / 2 / samples
		}
		before = height
	}
	return sum + (right-1)*before
}

// hypervolume is that of points that are feasible and as they are told.
func (p Problem) hypervolume(points [][]float64) float64 {
	oriented := make([][]float64, len(points))
	for i, v := range points {
		oriented[i] = pareto.Orient(v, p.Directions)
	}
	return pareto.Hypervolume(oriented, p.Reference)
}
