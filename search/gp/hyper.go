package gp

import (
	"math"
	"slices"
)

// Hyper holds the hyperparameters: variances in units of Scale², everything
// positive. The zero value stands for the middle of the prior with the scales
// of the data at hand. "Inputs" are the knobs and after them the features.
//
// The kernel between x and x' is
//
//	c + Σ_f Linear_f z_f z'_f + Σ_i Additive_i e_i + Product · M(√(Σ_i Rate_i δ_i²))
//
// with M Matérn-5/2, z the standardised features, c = 1 for an unknown
// constant, and e and δ² of axis.go (additive kernels: Duvenaud et al. 2011).
type Hyper struct {
	Additive []float64 // variance of the function of each input alone
	Rate     []float64 // how fast the product term falls with each input
	Linear   []float64 // variance of the slope in each feature
	Product  float64   // variance of the product term
	Noise    float64   // variance of the noise beyond what Data.Noise tells

	Center, Scale               float64   // Y = Center + Scale · (standardised Y)
	FeatureCenter, FeatureScale []float64 // the same for each feature
}

const (
	constant   = 1    // prior variance of the constant, in units of Scale²
	noiseFloor = 1e-6 // always added to Hyper.Noise, so that the kernel matrix has an inverse
	startNoise = 1e-2 // where a fit without a warm start begins
)

// The parameters of a fit are logarithms, in the order of Hyper's fields.
type layout struct{ inputs, features int }

func newLayout(dims, features int) layout { return layout{dims + features, features} }

func (l layout) count() int    { return 2*l.inputs + l.features + 2 }
func (l layout) additive() int { return 0 }
func (l layout) rate() int     { return l.inputs }
func (l layout) linear() int   { return 2 * l.inputs }
func (l layout) product() int  { return 2*l.inputs + l.features }
func (l layout) noise() int    { return 2*l.inputs + l.features + 1 }

// shaped reports whether h has the lengths, and numbers that make a kernel.
func (l layout) shaped(h Hyper) bool {
	ok := len(h.Additive) == l.inputs && len(h.Rate) == l.inputs && len(h.Linear) == l.features &&
		len(h.FeatureCenter) == l.features && len(h.FeatureScale) == l.features &&
		allFinite([]float64{h.Center}) && allFinite(h.FeatureCenter)
	for _, list := range [][]float64{h.Additive, h.Rate, h.Linear, h.FeatureScale, {h.Product, h.Noise, h.Scale}} {
		for _, v := range list {
			ok = ok && v > 0 && !math.IsInf(v, 1)
		}
	}
	return ok
}

// prior returns the means and standard deviations of the log-normal priors.
// Half of the variance is expected from the inputs one by one, half from all
// together; the noise to be small. Each input counts the less the more there
// are.
func (l layout) prior() (mean, sd []float64) {
	mean, sd = make([]float64, l.count()), make([]float64, l.count())
	for i := range l.inputs {
		mean[l.additive()+i], sd[l.additive()+i] = math.Log(1/float64(l.inputs)), 1.5
		mean[l.rate()+i], sd[l.rate()+i] = math.Log(4/float64(l.inputs)), 1
	}
	for f := range l.features {
		mean[l.linear()+f], sd[l.linear()+f] = math.Log(0.01/float64(l.features)), 1.5
	}
	mean[l.product()], sd[l.product()] = 0, 1
	mean[l.noise()], sd[l.noise()] = math.Log(1e-3), 1.5
	return mean, sd
}

// logs returns the parameters of h.
func (l layout) logs(h Hyper) []float64 {
	p := slices.Concat(h.Additive, h.Rate, h.Linear, []float64{h.Product, h.Noise})
	for i, v := range p {
		p[i] = math.Log(v)
	}
	return p
}

// with returns h with the parameters p.
func (l layout) with(h Hyper, p []float64) Hyper {
	v := make([]float64, len(p))
	for i, x := range p {
		v[i] = math.Exp(x)
	}
	h.Additive, h.Rate = v[:l.rate():l.rate()], v[l.rate():l.linear():l.linear()]
	h.Linear = v[l.linear():l.product():l.product()]
	h.Product, h.Noise = v[l.product()], v[l.noise()]
	return h
}

// initial returns start, or the middle of the prior for the zero value.
func (l layout) initial(start Hyper, d Data) (Hyper, error) {
	if start.Additive == nil && start.Scale == 0 {
		mean, _ := l.prior()
		mean[l.noise()] = math.Log(startNoise)
		return l.scaled(l.with(Hyper{}, mean), d)
	}
	if !l.shaped(start) {
		return Hyper{}, invalid("the hyperparameters are of other inputs or not positive").Trying("start from the zero value")
	}
	return start, nil
}

// scaled returns h with the scales of the data.
func (l layout) scaled(h Hyper, d Data) (Hyper, error) {
	h.Center, h.Scale = moments(d.Y)
	if !allFinite([]float64{h.Center, h.Scale}) {
		return Hyper{}, invalid("the values are too large to add up").Trying("use a larger unit")
	}
	h.FeatureCenter, h.FeatureScale = make([]float64, l.features), make([]float64, l.features)
	column := make([]float64, len(d.X))
	for f := range l.features {
		for i, x := range d.X {
			column[i] = x.Features[f]
		}
		h.FeatureCenter[f], h.FeatureScale[f] = moments(column)
		if !allFinite([]float64{h.FeatureCenter[f], h.FeatureScale[f]}) {
			return Hyper{}, invalid("feature %d is too large to add up", f).Trying("use a larger unit")
		}
	}
	return h, nil
}

// moments returns the mean and the standard deviation. For a constant the
// latter is a hundredth of its size, or 1 for a constant 0: some positive
// scale on which a change would count.
func moments(v []float64) (mean, sd float64) {
	n := float64(len(v))
	for _, x := range v {
		mean += x / n
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean) / n
	}
	sd = math.Sqrt(sd)
	if sd > 1e-12*math.Abs(mean) {
		return mean, sd
	}
	if mean == 0 {
		return 0, 1
	}
	return mean, math.Abs(mean) / 100
}
