package gp

import "math"

// Relevance returns the share of each knob and of each feature in the variance
// that the kernel expects from each alone: over the levels of a knob, over the
// data of a feature. All shares add up to 1, or are 0 if nothing can vary.
// What a feature explains is not counted again for the knobs behind it.
func (p *Process) Relevance() (knobs, features []float64) {
	k := p.kernel
	shares := make([]float64, len(k.axes))
	total := 0.0
	for i := range k.axes {
		a := &k.axes[i]
		if i < len(p.dims) {
			places := make([]value, len(p.dims[i].At))
			for l := range places {
				places[l] = a.knob(l)
			}
			shares[i] = k.expected(i, places)
		} else {
			places := make([]value, k.n)
			for j, z := range k.trend[i-len(p.dims)] {
				places[j] = feature(z)
			}
			shares[i] = k.expected(i, places) + k.h.Linear[i-len(p.dims)]
		}
		total += shares[i]
	}
	if total > 0 {
		for i := range shares {
			shares[i] /= total
		}
	}
	return shares[:len(p.dims):len(p.dims)], shares[len(p.dims):]
}

// expected is the variance expected over places on axis i with all else fixed:
// the variance of either term less its mean covariance.
func (k *kernel) expected(i int, places []value) float64 {
	a := axis{categorical: k.axes[i].categorical, centre: k.axes[i].centre}
	for _, v := range places {
		a.add(v)
	}
	e, q := make([]float64, len(places)), make([]float64, len(places))
	together := 0.0
	for _, v := range places {
		a.row(v, k.h.Additive[i], k.h.Rate[i], e, q)
		for j := range e {
			together += e[j] + k.h.Product*matern(q[j])
		}
	}
	n := float64(len(places))
	return math.Max(0, k.h.Additive[i]+k.h.Product-together/(n*n))
}
