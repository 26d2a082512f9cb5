package gp

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// posterior is the negative log posterior density of the hyperparameters, as
// a function of their logarithms in units of the prior's standard deviations
// from its mean.
type posterior struct {
	layout   layout
	mean, sd []float64 // of the log-normal priors
	scales   Hyper     // where the scales come from
	kernel   *kernel
	y, known []float64 // standardised values and their known variances

	alpha            []float64 // n
	cov, p, dp, room []float64 // n×n; only the lower triangles are used
	block            *block
}

func newPosterior(dims []Dim, features int, d Data, h Hyper) *posterior {
	n := len(d.Y)
	f := &posterior{layout: newLayout(len(dims), features), scales: h}
	f.mean, f.sd = f.layout.prior()
	f.kernel = newKernel(dims, h, d.X)
	f.y, f.known = standardise(d, h)
	f.alpha, f.block = make([]float64, n), f.kernel.newBlock(0)
	f.cov, f.p, f.dp, f.room = make([]float64, n*n), make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	return f
}

// standardise returns the values and their known variances in the units of
// the hyperparameters.
func standardise(d Data, h Hyper) (y, known []float64) {
	y, known = make([]float64, len(d.Y)), make([]float64, len(d.Y))
	for i, v := range d.Y {
		y[i] = (v - h.Center) / h.Scale
	}
	for i, v := range d.Noise {
		known[i] = v / (h.Scale * h.Scale)
	}
	return y, known
}

// point returns where logarithms of hyperparameters lie, and hyper the
// hyperparameters at a point.
func (f *posterior) point(logs []float64) []float64 {
	z := make([]float64, len(logs))
	for i, v := range logs {
		z[i] = (v - f.mean[i]) / f.sd[i]
	}
	return z
}

func (f *posterior) hyper(z []float64) Hyper {
	logs := make([]float64, len(z))
	for i, v := range z {
		logs[i] = f.mean[i] + f.sd[i]*v
	}
	return f.layout.with(f.scales, logs)
}

// at returns the value at z, up to a constant, and writes the gradient. It is
// +Inf where the kernel matrix has no Cholesky factor.
//
// With K the kernel matrix and α = K⁻¹y the negative log likelihood is
// ½yᵀα + ½log|K|, and its derivative ½ Σ_ij (K⁻¹ − ααᵀ)_ij ∂K_ij (Rasmussen &
// Williams 2006, equations 2.30 and 5.9).
func (f *posterior) at(z, grad []float64) float64 {
	n := len(f.y)
	h := f.hyper(z)
	f.kernel.weigh(h)
	f.assemble(h)
	if !cholesky(f.cov, n) {
		return math.Inf(1)
	}
	copy(f.alpha, f.y)
	forward(f.cov, f.alpha, n, n)
	backward(f.cov, f.alpha)
	value := floats.Dot(f.y, f.alpha)/2 + floats.Dot(z, z)/2
	for i := range n {
		value += math.Log(f.cov[i*n+i])
	}
	if math.IsNaN(value) {
		return math.Inf(1)
	}
	invert(f.cov, f.room, n)
	f.gradient(h, grad)
	for i, v := range z {
		grad[i] = grad[i]*f.sd[i] + v
	}
	return value
}

// assemble writes the kernel matrix, the product term's correlations and
// their derivatives by the squared distance.
func (f *posterior) assemble(h Hyper) {
	n := len(f.y)
	b := f.block
	for i := range n {
		row, q := f.cov[i*n:i*n+i+1], b.q[:i+1]
		f.kernel.place(b, f.kernel.xs[i])
		f.kernel.sums(b.values, row, q, b.scratch)
		f.kernel.linear(b.z, row)
		p, dp := f.p[i*n:i*n+i+1], f.dp[i*n:i*n+i+1]
		for j, r2 := range q {
			p[j], dp[j] = maternSlope(r2)
		}
		floats.AddScaled(row, h.Product, p)
		row[i] += h.Noise + noiseFloor + f.known[i]
	}
}

// gradient writes the derivatives of the negative log likelihood by the
// logarithms of the hyperparameters. It wants K⁻¹ in cov and spoils it.
func (f *posterior) gradient(h Hyper, grad []float64) {
	n, l := len(f.y), f.layout
	clear(grad)
	var trace, product float64
	for i := range n {
		m := f.cov[i*n : i*n+i+1]
		floats.AddScaled(m, -f.alpha[i], f.alpha[:i+1])
		trace += m[i]
		m[i] /= 2 // each pair counts once below, the diagonal half
		product += floats.Dot(m, f.p[i*n:i*n+i+1])
		w := f.dp[i*n : i*n+i+1]
		floats.Mul(w, m)
		f.kernel.place(f.block, f.kernel.xs[i])
		for k, v := range f.block.values {
			e, q := f.kernel.row(k, v, i+1, f.block.scratch)
			grad[l.additive()+k] += floats.Dot(m, e)
			grad[l.rate()+k] += floats.Dot(w, q)
		}
		for k, t := range f.kernel.trend {
			grad[l.linear()+k] += h.Linear[k] * t[i] * floats.Dot(m, t[:i+1])
		}
	}
	floats.Scale(h.Product, grad[l.rate():l.linear()])
	grad[l.product()] = h.Product * product
	grad[l.noise()] = h.Noise * trace / 2
}
