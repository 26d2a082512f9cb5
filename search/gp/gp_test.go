package gp_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fettle-edge/fettle/search/gp"
	"gonum.org/v1/gonum/mat"
)

// naive is the same model written down directly: the kernel from its formula,
// the inverse matrix in full.
type naive struct {
	dims  []gp.Dim
	h     gp.Hyper
	d     gp.Data
	gram  *mat.Dense // with noise
	y     *mat.VecDense
	noise []float64
}

func matern52(r float64) float64 {
	r *= math.Sqrt(5)
	return (1 + r + r*r/3) * math.Exp(-r)
}

// embed returns the Euclidean place of a level: the product term sees nothing
// else of it. Categories are corners of a simplex with edges of length 1.
func embed(d gp.Dim, level int) []float64 {
	k := len(d.At)
	if d.Categorical {
		out := make([]float64, k)
		for i := range out {
			if level < 0 {
				out[i] = math.Sqrt(0.5) / float64(k)
			} else if i == level {
				out[i] = math.Sqrt(0.5)
			}
		}
		return out
	}
	middle := 0.0
	for _, p := range d.At {
		middle += p / float64(k)
	}
	if level >= 0 {
		middle = d.At[level]
	}
	return []float64{2 * middle}
}

func (m *naive) kernel(a, b gp.Input) float64 {
	k, r2 := 1.0, 0.0
	for i, d := range m.dims {
		if la, lb := a.Levels[i], b.Levels[i]; la >= 0 && lb >= 0 {
			if !d.Categorical {
				k += m.h.Additive[i] * matern52(math.Abs(d.At[la]-d.At[lb])/0.8)
			} else if la == lb {
				k += m.h.Additive[i]
			}
		}
		ea, eb := embed(d, a.Levels[i]), embed(d, b.Levels[i])
		for j := range ea {
			r2 += m.h.Rate[i] * (ea[j] - eb[j]) * (ea[j] - eb[j])
		}
	}
	for f := range m.h.Linear {
		za := (a.Features[f] - m.h.FeatureCenter[f]) / m.h.FeatureScale[f]
		zb := (b.Features[f] - m.h.FeatureCenter[f]) / m.h.FeatureScale[f]
		u := math.Abs(za-zb) / math.Sqrt(12)
		i := len(m.dims) + f
		k += m.h.Linear[f]*za*zb + m.h.Additive[i]*matern52(u/0.8)
		r2 += m.h.Rate[i] * 4 * u * u
	}
	return k + m.h.Product*matern52(math.Sqrt(r2))
}

func newNaive(dims []gp.Dim, d gp.Data, h gp.Hyper) *naive {
	n := len(d.Y)
	m := &naive{dims: dims, h: h, d: d, gram: mat.NewDense(n, n, nil), y: mat.NewVecDense(n, nil)}
	for i := range n {
		noise := h.Noise + 1e-6
		if d.Noise != nil {
			noise += d.Noise[i] / (h.Scale * h.Scale)
		}
		m.noise = append(m.noise, noise)
		for j := range n {
			m.gram.Set(i, j, m.kernel(d.X[i], d.X[j]))
		}
		m.gram.Set(i, i, m.gram.At(i, i)+noise)
		m.y.SetVec(i, (d.Y[i]-h.Center)/h.Scale)
	}
	return m
}

func (m *naive) predict(x gp.Input) (mean, sd float64) {
	n := len(m.d.Y)
	k := mat.NewVecDense(n, nil)
	for i := range n {
		k.SetVec(i, m.kernel(x, m.d.X[i]))
	}
	var inverse mat.Dense
	if err := inverse.Inverse(m.gram); err != nil {
		panic(err)
	}
	mean = mat.Inner(k, &inverse, m.y)
	v := m.kernel(x, x) - mat.Inner(k, &inverse, k)
	return m.h.Center + m.h.Scale*mean, m.h.Scale * math.Sqrt(v)
}

// logLikelihood is the log density of the values, up to n/2·log 2π.
func (m *naive) logLikelihood() float64 {
	var inverse mat.Dense
	if err := inverse.Inverse(m.gram); err != nil {
		panic(err)
	}
	det, _ := mat.LogDet(m.gram)
	return -mat.Inner(m.y, &inverse, m.y)/2 - det/2
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}

// randomHyper returns hyperparameters far from the middle of the prior.
func randomHyper(t *testing.T, rng *rand.Rand, dims []gp.Dim, features int, d gp.Data) gp.Hyper {
	t.Helper()
	h, err := gp.Fit(dims, features, d, gp.Hyper{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]float64{h.Additive, h.Rate, h.Linear} {
		for i := range list {
			list[i] *= math.Exp(rng.NormFloat64())
		}
	}
	h.Product *= math.Exp(rng.NormFloat64())
	h.Noise = 1e-3 * math.Exp(rng.NormFloat64())
	return h
}

func fit(t *testing.T, dims []gp.Dim, features int, d gp.Data, start gp.Hyper, iterations int) (gp.Hyper, *gp.Process) {
	t.Helper()
	h, err := gp.Fit(dims, features, d, start, iterations)
	if err != nil {
		t.Fatal(err)
	}
	p, err := gp.New(dims, features, d, h)
	if err != nil {
		t.Fatal(err)
	}
	return h, p
}

func predict(p *gp.Process, x gp.Input) (mean, sd float64) {
	var m, s [1]float64
	p.Predict([]gp.Input{x}, m[:], s[:])
	return m[0], s[0]
}

func TestPosteriorIsTheNaiveOne(t *testing.T) {
	dims, parents := mixed()
	for _, features := range []int{0, 2} {
		rng := rand.New(rand.NewPCG(1, uint64(features)))
		d := sample(rng, dims, parents, features, 40)
		d.Noise = make([]float64, 40)
		for i := range d.Noise {
			d.Noise[i] = float64(i%3) * 0.01
		}
		h := randomHyper(t, rng, dims, features, d)
		p, err := gp.New(dims, features, d, h)
		if err != nil {
			t.Fatal(err)
		}
		want := newNaive(dims, d, h)
		var xs []gp.Input
		for range 75 { // more than two batches
			xs = append(xs, draw(rng, dims, parents, features))
		}
		xs = append(xs, d.X[:5]...)
		mean, sd, only := make([]float64, len(xs)), make([]float64, len(xs)), make([]float64, len(xs))
		p.Predict(xs, mean, sd)
		p.PredictMean(xs, only)
		for i, x := range xs {
			m, s := want.predict(x)
			near(t, "mean", mean[i], m, 1e-9)
			near(t, "mean alone", only[i], m, 1e-9)
			near(t, "standard deviation", sd[i], s, 1e-9)
		}
	}
}

func TestLikelihoodIsTheNaiveOne(t *testing.T) {
	dims, parents := mixed()
	for _, features := range []int{0, 2} {
		rng := rand.New(rand.NewPCG(2, uint64(features)))
		d := sample(rng, dims, parents, features, 30)
		d.Noise = []float64{29: 0.04}
		at, start, hyper := gp.LogPosterior(dims, features, d)
		grad := make([]float64, len(start))
		for range 5 {
			z := make([]float64, len(start))
			prior := 0.0
			for i := range z {
				z[i] = rng.NormFloat64()
				prior += z[i] * z[i] / 2
			}
			near(t, "log posterior", -at(z, grad), newNaive(dims, d, hyper(z)).logLikelihood()-prior, 1e-9)
		}
	}
}

func TestGradientIsThatOfDifferences(t *testing.T) {
	dims, parents := mixed()
	for _, features := range []int{0, 3} {
		rng := rand.New(rand.NewPCG(3, uint64(features)))
		d := sample(rng, dims, parents, features, 30)
		d.Noise = []float64{3: 0.04, 29: 0}
		at, start, _ := gp.LogPosterior(dims, features, d)
		z, grad, scrap := make([]float64, len(start)), make([]float64, len(start)), make([]float64, len(start))
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		at(z, grad)
		for i := range z {
			const h = 1e-5
			x := z[i]
			z[i] = x + h
			up := at(z, scrap)
			z[i] = x - h
			down := at(z, scrap)
			z[i] = x
			near(t, "derivative", grad[i], (up-down)/(2*h), 1e-6)
		}
	}
}

func TestKernelIsPositiveDefinite(t *testing.T) {
	dims, parents := mixed()
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(4, seed))
		features := int(seed % 3)
		n := 2 + rng.IntN(80)
		var d gp.Data
		for range n {
			d.X = append(d.X, draw(rng, dims, parents, features))
			d.Y = append(d.Y, rng.NormFloat64())
		}
		if seed%2 == 0 { // inactive knobs whose parents tell nothing
			for _, x := range d.X {
				for i := range x.Levels {
					if rng.IntN(3) == 0 {
						x.Levels[i] = gp.Inactive
					}
				}
			}
		}
		h := randomHyper(t, rng, dims, features, d)
		for i := range h.Rate { // some inputs count alone
			if rng.IntN(2) == 0 {
				h.Rate[i], h.Additive[i] = 1e-6, 1e-6
			}
		}
		h.Product = 10
		k := gp.Covariance(dims, h, d.X)
		gram := mat.NewSymDense(n, nil)
		scale := 0.0
		for i := range n {
			for j := range n {
				if math.Abs(k[i][j]-k[j][i]) > 1e-12*k[i][i] {
					t.Fatalf("covariances %v and %v differ", k[i][j], k[j][i])
				}
				gram.SetSym(i, j, k[i][j])
			}
			scale = max(scale, k[i][i])
		}
		var eigen mat.EigenSym
		if !eigen.Factorize(gram, false) {
			t.Fatal("no eigenvalues")
		}
		if least := eigen.Values(nil)[0]; least < -1e-12*scale*float64(n) {
			t.Errorf("seed %d: the least eigenvalue is %g", seed, least)
		}
	}
}

func TestOneObservation(t *testing.T) {
	dims := []gp.Dim{{At: []float64{0, 1}}, {Categorical: true, At: make([]float64, 2)}}
	d := gp.Data{X: []gp.Input{{Levels: []int{0, 1}}}, Y: []float64{7}, Noise: []float64{0.5}}
	h, p := fit(t, dims, 0, d, gp.Hyper{}, 0)
	// k/(k+σ²) of the way, with everything at the prior's middle: one for the
	// constant, half for either knob and one for the product.
	prior, noise := 3.0, 1e-2+1e-6+0.5/(h.Scale*h.Scale)
	mean, sd := predict(p, d.X[0])
	near(t, "mean", mean, 7, 1e-12) // the mean of all values
	near(t, "standard deviation", sd, h.Scale*math.Sqrt(prior-prior*prior/(prior+noise)), 1e-12)
	p, err := p.Append(d.X[0], 8, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	mean, sd = predict(p, d.X[0])
	near(t, "mean of two", mean, 7+prior/(2*prior+noise), 1e-12)
	near(t, "standard deviation of two", sd, h.Scale*math.Sqrt(prior*noise/(2*prior+noise)), 1e-9)
}

func TestAppendEqualsNew(t *testing.T) {
	dims, parents := mixed()
	rng := rand.New(rand.NewPCG(5, 5))
	d := sample(rng, dims, parents, 2, 60)
	h, p := fit(t, dims, 2, gp.Data{X: d.X[:40], Y: d.Y[:40]}, gp.Hyper{}, 10)
	d.Noise = make([]float64, 60)
	for i := 40; i < 60; i++ {
		d.Noise[i] = 0.01 * float64(i%2)
		var err error
		if p, err = p.Append(d.X[i], d.Y[i], d.Noise[i]); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := gp.New(dims, 2, d, h)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		x := draw(rng, dims, parents, 2)
		m, s := predict(p, x)
		wm, ws := predict(whole, x)
		near(t, "mean", m, wm, 1e-9)
		near(t, "standard deviation", s, ws, 1e-9)
	}
	m, s := p.LeaveOneOut()
	wm, ws := whole.LeaveOneOut()
	for i := range m {
		near(t, "left-out mean", m[i], wm[i], 1e-9)
		near(t, "left-out standard deviation", s[i], ws[i], 1e-9)
	}
}

func TestAppendLeavesTheProcessAlone(t *testing.T) {
	dims, d := layers(30, 0)
	_, p := fit(t, dims, 0, d, gp.Hyper{}, 5)
	_, c := layers(5, 0)
	m0, s0 := predict(p, c.X[0])
	a, err := p.Append(c.X[1], 99, 0)
	if err != nil {
		t.Fatal(err)
	}
	am, as := predict(a, c.X[0])
	if _, err := p.Append(c.X[2], -99, 0); err != nil {
		t.Fatal(err)
	}
	if m, s := predict(p, c.X[0]); m != m0 || s != s0 {
		t.Errorf("the prediction moved from %g ± %g to %g ± %g", m0, s0, m, s)
	}
	if m, s := predict(a, c.X[0]); m != am || s != as {
		t.Errorf("the prediction moved from %g ± %g to %g ± %g", am, as, m, s)
	}
}

func TestLeaveOneOutEqualsRefits(t *testing.T) {
	dims, parents := mixed()
	rng := rand.New(rand.NewPCG(6, 6))
	d := sample(rng, dims, parents, 1, 25)
	d.Noise = []float64{24: 0.3}
	h, p := fit(t, dims, 1, d, gp.Hyper{}, 10)
	mean, sd := p.LeaveOneOut()
	for i := range d.Y {
		var rest gp.Data
		for j := range d.Y {
			if j != i {
				rest.X, rest.Y, rest.Noise = append(rest.X, d.X[j]), append(rest.Y, d.Y[j]), append(rest.Noise, d.Noise[j])
			}
		}
		q, err := gp.New(dims, 1, rest, h)
		if err != nil {
			t.Fatal(err)
		}
		m, s := predict(q, d.X[i])
		near(t, "left-out mean", mean[i], m, 1e-7)
		near(t, "left-out standard deviation", sd[i], s, 1e-6)
	}
}
