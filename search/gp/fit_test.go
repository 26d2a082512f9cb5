package gp_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/study/fault"
)

func TestMinimise(t *testing.T) {
	rosenbrock := func(x, g []float64) float64 {
		f := 0.0
		clear(g)
		for i := range len(x) - 1 {
			a, b := x[i+1]-x[i]*x[i], 1-x[i]
			f += 100*a*a + b*b
			g[i] += -400*a*x[i] - 2*b
			g[i+1] += 200 * a
		}
		return f
	}
	x, f := gp.Minimise(rosenbrock, []float64{-1.2, 1, -1.2, 1}, 200, 1e-9)
	if f > 1e-3 {
		t.Errorf("Rosenbrock's function ends at %v with %g", x, f)
	}
	hole := func(x, g []float64) float64 { // infinite left of -1
		g[0] = 2 * (x[0] + 0.9)
		if x[0] < -1 {
			return math.Inf(1)
		}
		return (x[0] + 0.9) * (x[0] + 0.9)
	}
	if x, _ := gp.Minimise(hole, []float64{30}, 100, 1e-9); math.Abs(x[0]+0.9) > 0.05 {
		t.Errorf("the minimum beside a hole is at %v", x)
	}
	nowhere := func(_, g []float64) float64 { return math.Inf(1) }
	if x, f := gp.Minimise(nowhere, []float64{3}, 100, 1e-9); x[0] != 3 || !math.IsInf(f, 1) {
		t.Errorf("without a value at the start it went to %v", x)
	}
}

func TestFitFindsASummit(t *testing.T) {
	dims, parents := mixed()
	d := sample(rand.New(rand.NewPCG(1, 1)), dims, parents, 2, 60)
	at, start, _ := gp.LogPosterior(dims, 2, d)
	z, value := gp.Minimise(at, start, 300, 1e-6)
	grad := make([]float64, len(z))
	if before := at(start, grad); value >= before {
		t.Errorf("the density went from %g to %g", before, value)
	}
	for _, g := range grad {
		if at(z, grad); math.Abs(g) > 0.3 {
			t.Errorf("at the end the gradient is %v", grad)
			break
		}
	}
	rng := rand.New(rand.NewPCG(2, 2))
	other := make([]float64, len(z))
	for range 200 { // nothing nearby is better
		for i := range other {
			other[i] = z[i] + 0.3*rng.NormFloat64()
		}
		if v := at(other, grad); v < value-0.05 {
			t.Errorf("nearby the density is %g, at the summit %g", v, value)
		}
	}
}

func TestFitPredicts(t *testing.T) {
	dims, parents := mixed()
	rng := rand.New(rand.NewPCG(3, 3))
	d := sample(rng, dims, parents, 2, 220)
	_, p := fit(t, dims, 2, gp.Data{X: d.X[:120], Y: d.Y[:120]}, gp.Hyper{}, 50)
	h := p.Hyper()
	mean, sd := make([]float64, 100), make([]float64, 100)
	p.Predict(d.X[120:], mean, sd)
	var miss, spread, within float64
	for i, y := range d.Y[120:] {
		miss += (y - mean[i]) * (y - mean[i])
		spread += (y - h.Center) * (y - h.Center)
		if math.Abs(y-mean[i]) < 2*math.Hypot(sd[i], math.Sqrt(h.Noise)*h.Scale) {
			within++
		}
	}
	if miss/spread > 0.05 { // the knob of 80 categories cannot be learned
		t.Errorf("the share of variance not explained is %g", miss/spread)
	}
	if within < 88 {
		t.Errorf("%g of 100 values are within two standard deviations", within)
	}
}

func TestFitIsReproducibleAndSerialisable(t *testing.T) {
	dims, parents := mixed()
	d := sample(rand.New(rand.NewPCG(4, 4)), dims, parents, 2, 40)
	a, _ := fit(t, dims, 2, d, gp.Hyper{}, 10)
	b, _ := fit(t, dims, 2, d, gp.Hyper{}, 10)
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var c gp.Hyper
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a, c) {
		t.Errorf("hyperparameters\n%v\n%v\n%v", a, b, c)
	}
}

func TestWarmStart(t *testing.T) {
	dims, parents := mixed()
	d := sample(rand.New(rand.NewPCG(5, 5)), dims, parents, 1, 60)
	h, _ := fit(t, dims, 1, d, gp.Hyper{}, 100)
	if again, _ := fit(t, dims, 1, d, h, 100); math.Abs(math.Log(again.Noise/h.Noise)) > 0.2 {
		t.Errorf("from the summit the noise goes from %g to %g", h.Noise, again.Noise)
	}
	same, _ := fit(t, dims, 1, d, h, 0)
	if !slices.Equal(h.Rate, same.Rate) || h.Noise != same.Noise {
		t.Error("no iteration changes the hyperparameters")
	}
	half := gp.Data{X: d.X[:30], Y: d.Y[:30]}
	moved, _ := fit(t, dims, 1, half, h, 0)
	if moved.Center == h.Center || moved.Scale == h.Scale || moved.FeatureScale[0] == h.FeatureScale[0] {
		t.Error("the scales are not those of the data")
	}
}

func TestOddData(t *testing.T) {
	dims := []gp.Dim{{At: []float64{0, 0.5, 1}}, {Categorical: true, At: make([]float64, 3)}}
	x := func(a, b int) gp.Input { return gp.Input{Levels: []int{a, b}} }
	wide := []gp.Input{x(0, 0), x(1, 1), x(2, 2), x(0, 2)}
	for name, d := range map[string]gp.Data{
		"one":                {X: wide[:1], Y: []float64{3}},
		"constant":           {X: wide, Y: []float64{5e8, 5e8, 5e8, 5e8}},
		"constant 0":         {X: wide, Y: make([]float64, 4)},
		"equal duplicates":   {X: []gp.Input{x(1, 1), x(1, 1), x(1, 1)}, Y: []float64{2, 2, 2}},
		"unequal duplicates": {X: []gp.Input{x(1, 1), x(1, 1), x(0, 1)}, Y: []float64{1, 2, 3}},
		"tiny":               {X: wide, Y: []float64{1e-300, 2e-300, 3e-300, 4e-300}},
		"huge":               {X: wide, Y: []float64{1e150, -2e150, 3e150, 4e150}},
		"one far out":        {X: wide, Y: []float64{1, 2, 3, 1e12}},
		"loud":               {X: wide, Y: []float64{1, 2, 3, 4}, Noise: []float64{1e9, 1e9, 1e9, 1e9}},
		"inactive":           {X: []gp.Input{x(-1, -1), x(-1, 0), x(-1, -1)}, Y: []float64{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			h, p := fit(t, dims, 0, d, gp.Hyper{}, 30)
			low, high := slices.Min(d.Y), slices.Max(d.Y)
			for a := gp.Inactive; a < 3; a++ {
				for b := gp.Inactive; b < 3; b++ {
					m, s := predict(p, x(a, b))
					if !(m >= low-(high-low)-h.Scale && m <= high+(high-low)+h.Scale) || !(s > 0) || math.IsInf(s, 1) {
						t.Errorf("at %d, %d it predicts %g ± %g", a, b, m, s)
					}
				}
			}
			mean, sd := p.LeaveOneOut()
			for i := range mean {
				if math.IsNaN(mean[i]) || !(sd[i] > 0) {
					t.Errorf("left out: %g ± %g", mean[i], sd[i])
				}
			}
		})
	}
}

// TestFitsOfAnything fits data without sense: few points for many knobs,
// repeated points with values orders of magnitude apart.
func TestFitsOfAnything(t *testing.T) {
	dims, parents := mixed()
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(6, seed))
		features := rng.IntN(3)
		var d gp.Data
		for range 1 + rng.IntN(25) {
			x := draw(rng, dims, parents, features)
			if len(d.X) > 0 && rng.IntN(3) == 0 {
				x = d.X[rng.IntN(len(d.X))]
			}
			d.X = append(d.X, x)
			d.Y = append(d.Y, rng.NormFloat64()*math.Pow(10, 6*rng.NormFloat64()))
			d.Noise = append(d.Noise, math.Pow(10, 4*rng.NormFloat64())*float64(rng.IntN(2)))
		}
		for _, kind := range kinds {
			w := gp.NewWarp(kind, d.Y)
			_, p := fit(t, dims, features, w.Apply(d), gp.Hyper{}, 15)
			m, s := predict(p, draw(rng, dims, parents, features))
			if math.IsNaN(w.Inverse(m)) || !(s > 0) || math.IsInf(s, 1) {
				t.Errorf("seed %d, %s: %g ± %g", seed, kind, m, s)
			}
		}
	}
}

func TestFeaturesAreATrend(t *testing.T) {
	dims, d := layers(60, 1)
	rng := rand.New(rand.NewPCG(7, 7))
	for i, x := range d.X { // a cost that the knobs explain by a sum only
		x.Features[0] = 0
		for k, l := range x.Levels {
			x.Features[0] += float64(l) * (1 + math.Sin(float64(k*k)))
		}
		d.Y[i] = 1e6 - 3e3*x.Features[0] + 100*rng.NormFloat64()
	}
	_, p := fit(t, dims, 1, gp.Data{X: d.X[:12], Y: d.Y[:12]}, gp.Hyper{}, 30)
	mean, sd := make([]float64, 48), make([]float64, 48)
	p.Predict(d.X[12:], mean, sd)
	for i, y := range d.Y[12:] {
		if math.Abs(mean[i]-y) > 0.01*y {
			t.Errorf("after 12 points %g is predicted as %g ± %g", y, mean[i], sd[i])
		}
	}
	far := gp.Input{Levels: d.X[0].Levels, Features: []float64{300}} // four times as far as any datum
	if m, _ := predict(p, far); math.Abs(m-1e5) > 1e5 {
		t.Errorf("far out 100000 is predicted as %g", m)
	}
}

func TestNoKnobs(t *testing.T) {
	_, p := fit(t, nil, 0, gp.Data{X: make([]gp.Input, 3), Y: []float64{1, 2, 3}}, gp.Hyper{}, 20)
	if m, s := predict(p, gp.Input{}); math.Abs(m-2) > 0.3 || !(s > 0 && s < 1) {
		t.Errorf("the mean of 1, 2, 3 is predicted as %g ± %g", m, s)
	}
}

func TestSingularKernel(t *testing.T) {
	dims := []gp.Dim{{At: []float64{0, 1}}}
	d := gp.Data{X: []gp.Input{{Levels: []int{0}}, {Levels: []int{0}}, {Levels: []int{1}}}, Y: []float64{1, 2, 3}}
	h, err := gp.Fit(dims, 0, d, gp.Hyper{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.Additive[0], h.Product, h.Noise = 1e14, 1e14, 1e-14 // the noise is lost in rounding
	p, err := gp.New(dims, 0, d, h)
	if err != nil {
		t.Fatal(err)
	}
	if m, s := predict(p, d.X[0]); math.Abs(m-1.5) > 0.1 || !(s > 0) {
		t.Errorf("between 1 and 2 it predicts %g ± %g", m, s)
	}
	if h, err = gp.Fit(dims, 0, d, h, 20); err != nil || !(h.Product < 1e3) {
		t.Errorf("a fit from there gives %v, %v", h, err)
	}
}

func TestRefusals(t *testing.T) {
	dims := []gp.Dim{{At: []float64{0, 1}}}
	x := []gp.Input{{Levels: []int{0}, Features: []float64{1}}, {Levels: []int{1}, Features: []float64{2}}}
	y := []float64{1, 2}
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		want string
		dims []gp.Dim
		d    gp.Data
	}{
		{"there are no observations", dims, gp.Data{}},
		{"2 inputs have 1 values", dims, gp.Data{X: x, Y: y[:1]}},
		{"2 values have 1 noise variances", dims, gp.Data{X: x, Y: y, Noise: y[:1]}},
		{"a value is not a finite number", dims, gp.Data{X: x, Y: []float64{1, nan}}},
		{"a value is not a finite number", dims, gp.Data{X: x, Y: []float64{1, inf}}},
		{"a noise variance is not a finite number", dims, gp.Data{X: x, Y: y, Noise: []float64{0, nan}}},
		{"a noise variance is negative", dims, gp.Data{X: x, Y: y, Noise: []float64{0, -1}}},
		{"values are too large", dims, gp.Data{X: x, Y: []float64{-1e308, 1e308}}},
		{"knob 0 has no levels", []gp.Dim{{}}, gp.Data{X: x, Y: y}},
		{"knob 0 has a level at no finite place", []gp.Dim{{At: []float64{0, nan}}}, gp.Data{X: x, Y: y}},
		{"knob 0 has no level 7", dims, gp.Data{X: []gp.Input{{Levels: []int{7}, Features: []float64{1}}}, Y: y[:1]}},
		{"1 knobs and 0 features, want 1 and 1", dims, gp.Data{X: []gp.Input{{Levels: []int{0}}}, Y: y[:1]}},
		{"a feature is not a finite number", dims, gp.Data{X: []gp.Input{{Levels: []int{0}, Features: []float64{nan}}}, Y: y[:1]}},
		{"feature 0 is too large", dims, gp.Data{X: []gp.Input{{Levels: []int{0}, Features: []float64{1e308}}, {Levels: []int{0}, Features: []float64{-1e308}}}, Y: y}},
	} {
		_, err := gp.Fit(c.dims, 1, c.d, gp.Hyper{}, 5)
		_, err2 := gp.New(c.dims, 1, c.d, gp.Hyper{})
		for _, err := range []error{err, err2} {
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got %v", c.want, err)
			}
		}
	}
	for _, h := range []gp.Hyper{{Scale: 1}, {Additive: []float64{1}}, {Additive: []float64{1}, Rate: []float64{nan}, Product: 1, Noise: 1, Scale: 1}} {
		if _, err := gp.New(dims, 0, gp.Data{X: []gp.Input{{Levels: []int{0}}}, Y: y[:1]}, h); err == nil {
			t.Errorf("%v is accepted", h)
		}
	}
	p, err := gp.New(dims, 1, gp.Data{X: x, Y: y}, gp.Hyper{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Append(x[0], nan, 0); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a value that is no number is appended: %v", err)
	}
}
