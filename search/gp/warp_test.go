package gp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/study/fault"
)

var kinds = []gp.Kind{gp.Identity, gp.Log, gp.Rank}

// checkWarp wants an increasing map with an inverse around the values.
func checkWarp(t *testing.T, w gp.Warp, values []float64) {
	t.Helper()
	y := slices.Clone(values)
	slices.Sort(y)
	low, high := y[0], y[len(y)-1]
	width := max(high-low, math.Abs(low)*1e-3, 1e-9)
	for i := range 400 {
		y = append(y, low-width+3*width*float64(i)/400)
	}
	slices.Sort(y)
	before := math.Inf(-1)
	for _, v := range y {
		f := w.Forward(v)
		if !(f >= before) || math.IsInf(f, 0) {
			t.Fatalf("%s of %v: %v comes after %v", w.Kind(), v, f, before)
		}
		before = f
		// What rounding on the scale hides cannot come back.
		blur := math.Abs(w.Inverse(math.Nextafter(f, math.Inf(1))) - w.Inverse(math.Nextafter(f, math.Inf(-1))))
		if back := w.Inverse(f); !(math.Abs(back-v) <= 1e-9*(math.Abs(v)+width)+16*blur) {
			t.Fatalf("%s: %v becomes %v and that %v", w.Kind(), v, f, back)
		}
	}
}

func TestWarpsIncreaseAndHaveAnInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	draws := map[string]func() float64{
		"normal":       rng.NormFloat64,
		"log-normal":   func() float64 { return math.Exp(3 * rng.NormFloat64()) },
		"few values":   func() float64 { return float64(rng.IntN(4)) + 1 },
		"half equal":   func() float64 { return max(1, 1+rng.NormFloat64()) },
		"constant":     func() float64 { return 7 },
		"bytes":        func() float64 { return 1e9 + float64(rng.IntN(1000)) },
		"near a value": func() float64 { return 1 + 1e-12*rng.NormFloat64() },
		"with outlier": func() float64 { return 1 + rng.Float64() + 1e6*float64(rng.IntN(20)/19) },
	}
	for name, draw := range draws {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 10, 200} {
				values := make([]float64, n)
				for i := range values {
					values[i] = draw()
				}
				for _, kind := range kinds {
					checkWarp(t, gp.NewWarp(kind, values), values)
				}
			}
		})
	}
}

func FuzzWarp(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, 4.0)
	f.Add(-1.0, 1e-9, 1e9, 1e9)
	f.Add(5.0, 5.0, 5.0, 6.0)
	f.Fuzz(func(t *testing.T, a, b, c, d float64) {
		values := []float64{a, b, c, d}
		for _, v := range values {
			if !(math.Abs(v) < 1e100) || v != 0 && math.Abs(v) < 1e-100 {
				t.Skip()
			}
		}
		for _, kind := range kinds {
			checkWarp(t, gp.NewWarp(kind, values), values)
		}
	})
}

func TestWarpShapes(t *testing.T) {
	y := []float64{1, 2, 3, 4, 5, 6, 7, 100}
	id, log, rank := gp.NewWarp(gp.Identity, y), gp.NewWarp(gp.Log, y), gp.NewWarp(gp.Rank, y)
	for _, v := range y[:7] {
		if id.Forward(v) != v || !id.Linear(v) {
			t.Errorf("%g becomes %g", v, id.Forward(v))
		}
		near(t, "logarithm", log.Forward(v), math.Log(v), 1e-15)
	}
	if f := id.Forward(100); f < 13 || f > 30 || id.Linear(100) {
		t.Errorf("the outlier becomes %g", f)
	}
	if id.Forward(-1e6) != -1e6 {
		t.Error("a good value is compressed")
	}
	near(t, "sum of opposite ranks", rank.Forward(1)+rank.Forward(100), 0, 1e-9)
	near(t, "the middle rank", rank.Forward(4.5), 0, 1e-9)
	if f := log.Forward(-5); math.IsNaN(f) || f > log.Forward(1e-9) {
		t.Errorf("the logarithm of a negative value is %g", f)
	}
	if k := gp.NewWarp(gp.Log, []float64{0, 1}).Kind(); k != gp.Identity {
		t.Errorf("a logarithm of 0 is %s", k)
	}
	if k := gp.NewWarp(gp.Rank, []float64{1, 1, 2}).Kind(); k != gp.Identity {
		t.Errorf("ranks of two values are %s", k)
	}
	if w := (gp.Warp{}); w.Kind() != gp.Identity || w.Forward(3) != 3 || w.Inverse(3) != 3 || !w.Linear(1e300) {
		t.Error("the zero warp is not the identity")
	}
}

func TestApplyWarpsTheNoise(t *testing.T) {
	d := gp.Data{Y: []float64{10, 20, 40}, Noise: []float64{0.01, 0, 0.16}}
	w := gp.NewWarp(gp.Log, d.Y).Apply(d)
	for i, y := range d.Y { // first order: sd/y
		near(t, "value", w.Y[i], math.Log(y), 1e-15)
		near(t, "noise", w.Noise[i], d.Noise[i]/(y*y), 1e-7)
	}
	if gp.NewWarp(gp.Log, d.Y).Apply(gp.Data{Y: d.Y}).Noise != nil {
		t.Error("unknown noise becomes known")
	}
}

func TestChooseWarp(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	dims := make([]gp.Dim, 8)
	for i := range dims {
		dims[i].At = []float64{0, 0.25, 0.5, 0.75, 1}
	}
	var d gp.Data
	for range 40 {
		d.X = append(d.X, draw(rng, dims, nil, 0))
	}
	costs, risks := make([]float64, 40), make([]float64, 40)
	for i, x := range d.X {
		for k, l := range x.Levels {
			costs[i] += float64(l * (k + 1))
		}
		risks[i] = math.Exp(costs[i] / 6)
	}
	d.Y = costs
	if w, _, err := gp.ChooseWarp(dims, 0, d, gp.Hyper{}, 20); err != nil || w.Kind() != gp.Identity {
		t.Errorf("for a sum the choice is %s, %v", w.Kind(), err)
	}
	d.Y = risks
	w, h, err := gp.ChooseWarp(dims, 0, d, gp.Hyper{}, 20)
	if err != nil || w.Kind() == gp.Identity {
		t.Errorf("for a product the choice is %s, %v", w.Kind(), err)
	}
	if _, err := gp.New(dims, 0, w.Apply(d), h); err != nil {
		t.Error(err)
	}
	d.Y = make([]float64, 40)
	if w, _, err := gp.ChooseWarp(dims, 0, d, gp.Hyper{}, 5); err != nil || w.Kind() != gp.Identity {
		t.Errorf("for a constant the choice is %s, %v", w.Kind(), err)
	}
	d.Y[3] = math.NaN()
	if _, _, err := gp.ChooseWarp(dims, 0, d, gp.Hyper{}, 5); fault.KindOf(err) != fault.Invalid {
		t.Errorf("for a value that is no number the error is %v", err)
	}
}
