package problems

import (
	"math"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// zdtTop is the reference of the second objective of ZDT1-3: about what a
// random point has.
const zdtTop = 6

// ZDT1 is the first problem of Zitzler, Deb and Thiele (2000): the front is
// convex, and all variables but the first want to be 0. With levels above 0
// each variable is an integer knob of so many levels from 0 to 1, and the true
// front is that of the grid; with 0 they are real numbers.
func ZDT1(variables, levels int) Problem {
	curve := func(t float64) float64 { return 1 - math.Sqrt(t) }
	p := zdt("zdt1", variables, curve)
	p.Best = p.Reference[0]*p.Reference[1] - 1.0/3 // the area under the curve is 1/3
	if levels == 0 {
		return p
	}
	for i := range p.Knobs {
		p.Knobs[i] = study.Knob{Name: p.Knobs[i].Name, Int: &[2]int{0, levels - 1}}
	}
	p.Trial = pure(func(a study.Assignment) []float64 {
		x := vector(p.Knobs, a)
		for i := range x {
			x[i] /= float64(levels - 1)
		}
		return zdtValues(x, curve)
	})
	var front [][]float64
	for l := range levels {
		t := float64(l) / float64(levels-1)
		front = append(front, []float64{t, curve(t)})
	}
	p.Best = pareto.Hypervolume(front, p.Reference)
	return p
}

// ZDT2 is the second problem: its front is concave.
func ZDT2(variables int) Problem {
	p := zdt("zdt2", variables, func(t float64) float64 { return 1 - t*t })
	p.Best = p.Reference[0]*p.Reference[1] - 2.0/3
	return p
}

// ZDT3 is the third problem: its front is in five parts.
func ZDT3(variables int) Problem {
	p := real("zdt3", variables, 0, 1, []float64{1.1, zdtTop}, func(x []float64) []float64 {
		g := zdtG(x)
		return []float64{x[0], g * (1 - math.Sqrt(x[0]/g) - x[0]/g*math.Sin(10*math.Pi*x[0]))}
	})
	p.Best = under(func(t float64) float64 { return 1 - math.Sqrt(t) - t*math.Sin(10*math.Pi*t) }, p.Reference[0], p.Reference[1])
	return p
}

// zdt is the problem f1 = x1, f2 = g·curve(f1/g).
func zdt(name string, variables int, curve func(float64) float64) Problem {
	return real(name, variables, 0, 1, []float64{1.1, zdtTop}, func(x []float64) []float64 { return zdtValues(x, curve) })
}

func zdtValues(x []float64, curve func(float64) float64) []float64 {
	g := zdtG(x)
	return []float64{x[0], g * curve(x[0]/g)}
}

// zdtG is 1 on the front and up to 10 away from it.
func zdtG(x []float64) float64 {
	sum := 0.0
	for _, v := range x[1:] {
		sum += v
	}
	return 1 + 9*sum/float64(len(x)-1)
}
