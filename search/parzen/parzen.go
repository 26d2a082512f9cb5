// Package parzen estimates where points of a grid are dense from some of them
// (Parzen 1962), for tree-structured Parzen estimators (Bergstra et al. 2011).
// There are two estimates: Joint keeps the levels of a point together (as
// Falkner et al. 2018), Product takes the knobs for independent.
//
// Densities are relative to the even draw: a density of 2 is twice what that
// has. Each estimate also mixes in the even draw with the weight of one point,
// so that no density is 0.
package parzen

import (
	"math"
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/space"
)

// Density is an estimate. It is not safe for concurrent use.
type Density interface {
	// Draw returns a point of the density; it has a level for every knob.
	Draw(rng *rand.Rand) space.Point
	// Log returns the logarithm of the density at a point. Absent levels do
	// not count.
	Log(p space.Point) float64
}

// joint is a mixture of one component for each point.
type joint struct {
	space   *space.Space
	points  []space.Point
	kernels []kernel
	terms   []float64
}

// Joint estimates from points that are each spread as a whole. An absent level
// is spread evenly.
func Joint(sp *space.Space, points []space.Point) Density {
	j := &joint{space: sp, points: points, terms: make([]float64, len(points)+1)}
	for i, d := range sp.Dims() {
		j.kernels = append(j.kernels, newKernel(d, column(points, i)))
	}
	return j
}

// column is the levels that knob i has in the points.
func column(points []space.Point, i int) []int {
	levels := make([]int, 0, len(points))
	for _, p := range points {
		if p[i] != space.Absent {
			levels = append(levels, p[i])
		}
	}
	return levels
}

func (j *joint) Draw(rng *rand.Rand) space.Point {
	c := rng.IntN(len(j.points) + 1)
	if c == len(j.points) {
		return j.space.Random(rng)
	}
	p := make(space.Point, len(j.kernels))
	for i := range p {
		if l := j.points[c][i]; l != space.Absent {
			p[i] = j.kernels[i].draw(l, rng.Float64(), rng.Float64())
		} else {
			p[i] = j.kernels[i].dim.At(rng.Float64())
		}
	}
	return p
}

func (j *joint) Log(p space.Point) float64 {
	for c, q := range j.points {
		sum := 0.0
		for i, x := range p {
			if x != space.Absent && q[i] != space.Absent {
				sum += j.kernels[i].log(q[i], x)
			}
		}
		j.terms[c] = sum
	}
	j.terms[len(j.points)] = 0 // the even draw
	return logMean(j.terms)
}

// logMean is the logarithm of the mean of what the terms are logarithms of.
func logMean(terms []float64) float64 {
	most, sum := math.Inf(-1), 0.0
	for _, t := range terms {
		most = max(most, t)
	}
	for _, t := range terms {
		sum += math.Exp(t - most)
	}
	return most + math.Log(sum/float64(len(terms)))
}

// product is a mixture for each knob.
type product struct {
	space *space.Space
	knobs []marginal
}

// marginal is the mixture of one knob.
type marginal struct {
	kernel
	observed []int     // levels, as often as observed
	levels   []int     // levels, once each
	counts   []float64 // how often
	known    map[int]float64
}

// Product estimates from points whose levels are spread independently. A point
// in which a knob is absent does not count for that knob.
func Product(sp *space.Space, points []space.Point) Density {
	p := &product{space: sp}
	for i, d := range sp.Dims() {
		observed := column(points, i)
		m := marginal{kernel: newKernel(d, observed), observed: observed, known: map[int]float64{}}
		at := map[int]int{}
		for _, l := range observed {
			if _, ok := at[l]; !ok {
				at[l] = len(m.levels)
				m.levels, m.counts = append(m.levels, l), append(m.counts, 0)
			}
			m.counts[at[l]]++
		}
		p.knobs = append(p.knobs, m)
	}
	return p
}

func (p *product) Draw(rng *rand.Rand) space.Point {
	out := make(space.Point, len(p.knobs))
	for i, m := range p.knobs {
		if c := rng.IntN(len(m.observed) + 1); c < len(m.observed) {
			out[i] = m.draw(m.observed[c], rng.Float64(), rng.Float64())
		} else {
			out[i] = m.dim.At(rng.Float64())
		}
	}
	return out
}

func (p *product) Log(at space.Point) float64 {
	sum := 0.0
	for i, x := range at {
		if x != space.Absent {
			sum += p.knobs[i].log(x)
		}
	}
	return sum
}

// log is the logarithm of the density of a level.
func (m *marginal) log(x int) float64 {
	if l, ok := m.known[x]; ok {
		return l
	}
	sum := 1.0 // the even draw
	for i, c := range m.levels {
		sum += m.counts[i] * math.Exp(m.kernel.log(c, x))
	}
	m.known[x] = math.Log(sum / float64(len(m.observed)+1))
	return m.known[x]
}
