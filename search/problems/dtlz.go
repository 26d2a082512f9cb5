package problems

import (
	"fmt"
	"math"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// dtlzDistance is the number of variables of DTLZ2 that measure the distance
// from the front.
const dtlzDistance = 5

// DTLZ2 is the second problem of Deb, Thiele, Laumanns and Zitzler (2002) with
// five distance variables: the front is the part of the unit sphere where all
// objectives are positive. Its hypervolume is that of a cube less that of the
// part of a ball.
func DTLZ2(objectives int) Problem {
	p := real(fmt.Sprintf("dtlz2-%d", objectives), objectives-1+dtlzDistance, 0, 1, repeat(1.1, objectives),
		func(x []float64) []float64 { return dtlz2Values(x, objectives) })
	m := float64(objectives)
	ball := math.Pow(math.Pi, m/2) / math.Gamma(m/2+1)
	p.Best = math.Pow(1.1, m) - ball/math.Exp2(m)
	return p
}

func dtlz2Values(x []float64, objectives int) []float64 {
	g := 0.0
	for _, v := range x[objectives-1:] {
		g += (v - 0.5) * (v - 0.5)
	}
	f := repeat(1+g, objectives)
	for m := range f {
		for _, v := range x[:objectives-1-m] {
			f[m] *= math.Cos(v * math.Pi / 2)
		}
		if m > 0 {
			f[m] *= math.Sin(x[objectives-1-m] * math.Pi / 2)
		}
	}
	return f
}

func repeat(x float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// DTLZ7 is the seventh problem of the same paper: the front has 2^(m-1) parts.
// Its last objective is 2·(m - Σ φ(fᵢ)) on the front, with
// φ(t) = t/2·(1 + sin 3πt), so that the hypervolume follows from the integral
// of the highest φ so far.
func DTLZ7(objectives, variables int) Problem {
	const top = 6 // reference of the last objective, for each objective
	last := objectives - 1
	reference := append(repeat(1.1, last), top*float64(objectives))
	p := real(fmt.Sprintf("dtlz7-%d", objectives), variables, 0, 1, reference, func(x []float64) []float64 {
		g := 0.0
		for _, v := range x[last:] {
			g += v
		}
		g = 1 + 9*g/float64(variables-last)
		h := float64(objectives)
		for _, v := range x[:last] {
			h -= v / (1 + g) * (1 + math.Sin(3*math.Pi*v))
		}
		f := make([]float64, 0, objectives)
		return append(append(f, x[:last]...), (1+g)*h)
	})
	// under returns the area between the lowest -φ and 0.
	phi := under(func(t float64) float64 { return -t / 2 * (1 + math.Sin(3*math.Pi*t)) }, 1.1, 0)
	m := float64(objectives)
	p.Best = math.Pow(1.1, m-1)*(top*m-2*m) + 2*(m-1)*math.Pow(1.1, m-2)*phi
	return p
}

// c2Radius is the radius of the feasible discs of C2DTLZ2.
const c2Radius = 0.2

// C2DTLZ2 is DTLZ2 with two objectives, four variables and one constraint
// (Jain and Deb 2014, type 2): feasible is what lies in a disc about the ends
// of the front or about its middle. With this radius the front is in three
// parts.
func C2DTLZ2() Problem {
	p := real("c2dtlz2", 4, 0, 1, repeat(1.1, 2), nil)
	p.Constraints = 1
	p.Trial = func(a study.Assignment) search.Outcome {
		f := dtlz2Values(vector(p.Knobs, a), 2)
		return search.Outcome{Values: f, Constraints: []float64{c2Constraint(f)}}
	}
	var front [][]float64
	for i := range samples + 1 {
		f := dtlz2Values([]float64{float64(i) / samples, 0.5}, 2)
		if c2Constraint(f) <= 0 {
			front = append(front, f)
		}
	}
	p.Best = pareto.Hypervolume(front, p.Reference)
	return p
}

// c2Constraint is the squared distance from the nearest centre less the
// squared radius.
func c2Constraint(f []float64) float64 {
	nearest := math.Inf(1)
	middle := 1 / math.Sqrt(2)
	for _, c := range [][2]float64{{1, 0}, {0, 1}, {middle, middle}} {
		nearest = min(nearest, (f[0]-c[0])*(f[0]-c[0])+(f[1]-c[1])*(f[1]-c[1]))
	}
	return nearest - c2Radius*c2Radius
}
