package gp

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// width is how many inputs are predicted together: so many rows of covariances
// stay in a processor's cache while the factor passes.
const width = 32

// block is room for the covariances of inputs with the data.
type block struct {
	cov     []float64 // width × n by rows
	q       []float64 // n
	scratch []float64 // 2n
	values  []value   // one per axis
	z       []float64 // one per feature
}

func (k *kernel) newBlock(width int) *block {
	return &block{make([]float64, width*k.n), make([]float64, k.n), make([]float64, 2*k.n), make([]value, len(k.axes)), make([]float64, len(k.trend))}
}

// place sets the block's input to x.
func (k *kernel) place(b *block, x Input) {
	for i, level := range x.Levels {
		b.values[i] = k.axes[i].knob(level)
	}
	for f := range b.z {
		b.z[f] = k.h.standard(x, f)
		b.values[len(x.Levels)+f] = feature(b.z[f])
	}
}

// covariance writes the covariances of the block's input with the first
// len(dst) data.
func (k *kernel) covariance(b *block, dst []float64) {
	q := b.q[:len(dst)]
	k.sums(b.values, dst, q, b.scratch)
	k.linear(b.z, dst)
	for i, r2 := range q {
		dst[i] += k.h.Product * matern(r2)
	}
}

// Predict writes the mean and the standard deviation of the latent function
// (without noise) at each input, in units of Y. Inputs must have the shape of
// the data; a feature that is NaN gives NaN.
func (p *Process) Predict(xs []Input, mean, sd []float64) {
	k, n := p.kernel, len(p.y)
	b := k.newBlock(min(width, len(xs)))
	for start := 0; start < len(xs); start += width {
		part := xs[start:min(start+width, len(xs))]
		for i, x := range part {
			cov := b.cov[i*n : (i+1)*n]
			k.place(b, x)
			k.covariance(b, cov)
			mean[start+i] = k.h.Center + k.h.Scale*floats.Dot(cov, p.alpha)
			sd[start+i] = k.variance(b.values, b.z)
		}
		forward(p.factor, b.cov[:len(part)*n], n, n)
		for i := range part {
			v, prior := b.cov[i*n:(i+1)*n], sd[start+i]
			sd[start+i] = k.h.Scale * math.Sqrt(max(prior-floats.Dot(v, v), 1e-12*prior))
		}
	}
}

// PredictMean writes the mean alone, several times as fast as Predict: the
// additive term of a knob with few levels is looked up.
func (p *Process) PredictMean(xs []Input, mean []float64) {
	k := p.kernel
	b := k.newBlock(1)
	total := constant * floats.Sum(p.alpha)
	slopes := make([]float64, len(k.trend))
	for f, t := range k.trend {
		slopes[f] = k.h.Linear[f] * floats.Dot(t, p.alpha)
	}
	for j, x := range xs {
		k.place(b, x)
		m := total + floats.Dot(slopes, b.z)
		clear(b.q)
		for i, v := range b.values {
			e, q := k.row(i, v, k.n, b.scratch)
			floats.Add(b.q, q)
			if k.ready(i) {
				m += p.means[i][k.point(i, v.level)]
			} else {
				m += floats.Dot(e, p.alpha)
			}
		}
		for i, r2 := range b.q {
			b.q[i] = matern(r2)
		}
		mean[j] = k.h.Center + k.h.Scale*(m+k.h.Product*floats.Dot(b.q, p.alpha))
	}
}

// LeaveOneOut returns the mean and the standard deviation of the latent
// function at each datum, given all others (Rasmussen & Williams 2006,
// equations 5.10 to 5.12), in units of Y.
func (p *Process) LeaveOneOut() (mean, sd []float64) {
	n, h := len(p.y), &p.kernel.h
	inverse := p.inverse()
	mean, sd = make([]float64, n), make([]float64, n)
	for i := range n {
		v := 1 / inverse[i*n+i] // variance of the observation
		mean[i] = h.Center + h.Scale*(p.y[i]-p.alpha[i]*v)
		sd[i] = h.Scale * math.Sqrt(max(v-p.noise[i], 1e-12*v))
	}
	return mean, sd
}
