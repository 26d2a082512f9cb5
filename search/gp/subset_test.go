package gp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/gp"
)

func TestSubset(t *testing.T) {
	dims, parents := mixed()
	rng := rand.New(rand.NewPCG(1, 1))
	d := sample(rng, dims, parents, 0, 1000)
	d.Y[17], d.Y[18] = math.NaN(), math.Inf(1)
	keep := make([]bool, 1000)
	for i := 0; i < 1000; i += 50 {
		keep[i] = true
	}
	copy(d.X[501].Levels, d.X[500].Levels) // at distance 0 from a kept point
	keep[17] = true
	for _, limit := range []int{0, 1, 5, 21, 100, 998, 2000} {
		got := gp.Subset(dims, d.X, d.Y, keep, limit)
		if len(got) != min(limit, 998) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("of 998 usable points, %d at most: %v", limit, got)
		}
		if slices.Contains(got, 17) || slices.Contains(got, 18) {
			t.Error("a point without a value is chosen")
		}
		for i := 0; i < 1000 && limit >= 20; i += 50 {
			if !slices.Contains(got, i) {
				t.Errorf("with room for %d, kept point %d is not chosen", limit, i)
			}
		}
		if limit >= 21 && !slices.Contains(got, 501) {
			t.Errorf("with room for %d, the nearest point is not chosen", limit)
		}
	}
	all := gp.Subset(dims, d.X, d.Y, nil, 10)
	best := slices.MinFunc(all, func(i, j int) int { return int(math.Copysign(1, d.Y[i]-d.Y[j])) })
	for _, y := range d.Y {
		if y < d.Y[best] {
			t.Fatalf("without points to keep, the best is not chosen")
		}
	}
}

func TestRelevance(t *testing.T) {
	dims := []gp.Dim{{At: []float64{0, 0.5, 1}}, {Categorical: true, At: make([]float64, 3)}, {At: []float64{0, 0.5, 1}}, {At: []float64{0.5}}}
	rng := rand.New(rand.NewPCG(2, 2))
	var d gp.Data
	for range 60 {
		x := draw(rng, dims, nil, 1)
		x.Features[0] = rng.NormFloat64()
		d.X = append(d.X, x)
		d.Y = append(d.Y, float64(x.Levels[0])+3*float64(x.Levels[1]%2)+0.5*x.Features[0]+0.01*rng.NormFloat64())
	}
	_, p := fit(t, dims, 1, d, gp.Hyper{}, 60)
	knobs, features := p.Relevance()
	sum := features[0]
	for _, r := range knobs {
		sum += r
	}
	near(t, "sum of shares", sum, 1, 1e-12)
	if !(knobs[1] > knobs[0] && knobs[0] > 10*knobs[2] && features[0] > 5*knobs[2]) || knobs[3] != 0 {
		t.Errorf("shares %.4f and %.4f", knobs, features)
	}
	_, p = fit(t, dims[3:], 0, gp.Data{X: []gp.Input{{Levels: []int{0}}}, Y: []float64{1}}, gp.Hyper{}, 0)
	if knobs, _ := p.Relevance(); knobs[0] != 0 {
		t.Errorf("a knob of one level has share %g", knobs[0])
	}
}
