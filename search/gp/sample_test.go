package gp_test

import (
	"math"
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/gp"
)

// mixed has an ordered knob, two categorical ones, one with unevenly spaced
// levels, one with more levels than are tabled, one with a single level, and
// two that are active at some levels of others alone (parents).
func mixed() (dims []gp.Dim, parents map[int]int) {
	many := make([]float64, 100)
	for i := range many {
		many[i] = float64(i) / 99
	}
	return []gp.Dim{
		{At: []float64{0.1, 0.3, 0.5, 0.7, 0.9}},
		{Categorical: true, At: make([]float64, 3)},
		{At: []float64{0, 0.05, 0.4, 1}},
		{At: many},
		{At: []float64{0.5}},
		{Categorical: true, At: make([]float64, 2)},
		{Categorical: true, At: make([]float64, 3)},
		{At: []float64{0, 0.5, 1}},
		{Categorical: true, At: make([]float64, 80)},
	}, map[int]int{6: 5, 7: 1}
}

// draw returns a random input; a knob with a parent is inactive where that is
// at level 0.
func draw(rng *rand.Rand, dims []gp.Dim, parents map[int]int, features int) gp.Input {
	x := gp.Input{Levels: make([]int, len(dims)), Features: make([]float64, features)}
	for i, d := range dims {
		x.Levels[i] = rng.IntN(len(d.At))
		if parent, ok := parents[i]; ok && x.Levels[parent] == 0 {
			x.Levels[i] = gp.Inactive
		}
	}
	for f := range x.Features {
		x.Features[f] = 100 + 20*float64(f)*rng.NormFloat64() + float64(x.Levels[0])
	}
	return x
}

// sample returns random inputs with values of a smooth function of all knobs
// and features, with interactions and noise.
func sample(rng *rand.Rand, dims []gp.Dim, parents map[int]int, features, n int) gp.Data {
	var d gp.Data
	for range n {
		x := draw(rng, dims, parents, features)
		y := 50.0
		for i, l := range x.Levels {
			u := float64(l) / float64(len(dims[i].At))
			y += math.Sin(3*u+float64(i)) + u*float64(x.Levels[0])/float64(len(dims[0].At))
		}
		for f, v := range x.Features {
			y += 0.1 * v / float64(f+1)
		}
		d.X = append(d.X, x)
		d.Y = append(d.Y, y+0.05*rng.NormFloat64())
	}
	return d
}
