package problems

import (
	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// osyHigh and osyLow are the ranges of the variables of OSY.
var (
	osyLow  = [...]float64{0, 0, 1, 0, 1, 0}
	osyHigh = [...]float64{10, 10, 5, 6, 5, 10}
)

// OSY is the problem of Osyczka and Kundu (1995): six variables, two
// objectives, six constraints. About one point of thirty is feasible, and the
// front lies on their borders, in five parts (Deb 2001, section 8.3.3).
func OSY() Problem {
	p := Problem{Name: "osy", Directions: minimise(2), Reference: []float64{0, 150}, Constraints: 6}
	for i := range osyLow {
		p.Knobs = append(p.Knobs, study.Knob{Name: knobName("x", i), Float: &[2]float64{osyLow[i], osyHigh[i]}})
	}
	p.Trial = func(a study.Assignment) search.Outcome {
		x := vector(p.Knobs, a)
		return search.Outcome{Values: osyValues(x), Constraints: osyConstraints(x)}
	}
	var front [][]float64
	for _, x := range osyFront(samples / 5) {
		front = append(front, osyValues(x))
	}
	p.Best = pareto.Hypervolume(front, p.Reference)
	return p
}

func osyValues(x []float64) []float64 {
	square := func(x float64) float64 { return x * x }
	f1 := -(25*square(x[0]-2) + square(x[1]-2) + square(x[2]-1) + square(x[3]-4) + square(x[4]-1))
	f2 := 0.0
	for _, v := range x {
		f2 += v * v
	}
	return []float64{f1, f2}
}

// osyConstraints are feasible at 0 or below.
func osyConstraints(x []float64) []float64 {
	return []float64{
		2 - x[0] - x[1],
		x[0] + x[1] - 6,
		x[1] - x[0] - 2,
		x[0] - 3*x[1] - 2,
		(x[2]-3)*(x[2]-3) + x[3] - 4,
		4 - (x[4]-3)*(x[4]-3) - x[5],
	}
}

// osyFront returns n points of each part of the front; x4 and x6 are 0 on all
// of it.
func osyFront(n int) [][]float64 {
	var points [][]float64
	for i := range n {
		t := float64(i) / float64(n-1)
		third := 1 + 4*t             // x3 from 1 to 5
		first := 4.056 + (5-4.056)*t // x1 of the third part
		fourth := 1 + (3.732-1)*t    // x3 of the fourth part
		points = append(points,
			[]float64{5, 1, third, 0, 5, 0},
			[]float64{5, 1, third, 0, 1, 0},
			[]float64{first, (first - 2) / 3, 1, 0, 1, 0},
			[]float64{0, 2, fourth, 0, 1, 0},
			[]float64{t, 2 - t, 1, 0, 1, 0},
		)
	}
	return points
}
