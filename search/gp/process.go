package gp

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/study/fault"
	"gonum.org/v1/gonum/floats"
)

// Process is the posterior of a Gaussian process. It does not change once
// made.
type Process struct {
	dims   []Dim
	data   Data // with its own slices, but not its own inputs
	kernel *kernel
	y      []float64   // standardised values
	noise  []float64   // variance of each, known and learned
	factor []float64   // Cholesky factor of the kernel matrix with noise, lower, n×n by rows
	alpha  []float64   // inverse kernel matrix times y
	means  [][]float64 // of each knob with few levels, what each level adds to the mean
}

// New returns the posterior for given hyperparameters; for the zero value
// those of the prior's middle. It fails for data that are not finite or not of
// one shape. Time is cubic in the number of data.
func New(dims []Dim, features int, d Data, h Hyper) (*Process, error) {
	if err := check(dims, features, d); err != nil {
		return nil, err
	}
	h, err := newLayout(len(dims), features).initial(h, d)
	if err != nil {
		return nil, err
	}
	n := len(d.Y)
	p := &Process{dims: dims, data: Data{slices.Clone(d.X), slices.Clone(d.Y), make([]float64, n)}}
	copy(p.data.Noise, d.Noise)
	p.kernel = newKernel(dims, h, p.data.X)
	p.y, p.noise = standardise(d, h)
	floats.AddConst(h.Noise+noiseFloor, p.noise)
	if p.factor = p.factorise(); p.factor == nil {
		return nil, fault.New(fault.Internal, "cannot fit a Gaussian process: the kernel matrix of %d points is not positive definite", n).Trying("fit the hyperparameters anew")
	}
	p.weights()
	return p, nil
}

// factorise returns the Cholesky factor of the kernel matrix. Where rounding
// makes it not positive definite, the diagonal grows until it is, by at most a
// hundredth.
func (p *Process) factorise() []float64 {
	n := len(p.y)
	k := make([]float64, n*n)
	b := p.kernel.newBlock(1)
	for jitter := 0.0; jitter <= 1e-2; jitter = max(10*jitter, 1e-12) {
		for i := range n {
			row := k[i*n : i*n+i+1]
			p.kernel.place(b, p.data.X[i])
			p.kernel.covariance(b, row)
			row[i] += p.noise[i] + jitter*row[i]
		}
		if cholesky(k, n) {
			return k
		}
	}
	return nil
}

// weights sets what predictions of the mean need.
func (p *Process) weights() {
	n := len(p.y)
	p.alpha = slices.Clone(p.y)
	forward(p.factor, p.alpha, n, n)
	backward(p.factor, p.alpha)
	p.means = make([][]float64, len(p.kernel.rows))
	for i, levels := range p.kernel.rows {
		for _, row := range levels {
			p.means[i] = append(p.means[i], floats.Dot(row[:n], p.alpha))
		}
	}
}

// inverse returns the lower triangle of the inverse kernel matrix.
func (p *Process) inverse() []float64 {
	k := slices.Clone(p.factor)
	invert(k, make([]float64, len(k)), len(p.y))
	return k
}

// Hyper returns the hyperparameters, with the scales in use.
func (p *Process) Hyper() Hyper { return p.kernel.h }

// Append returns the posterior with one more observation, for the same
// hyperparameters and scales: the same as New for all data, in quadratic time.
// With y the predicted mean it is a Kriging believer. Noise is the variance of
// y, 0 if not known.
func (p *Process) Append(x Input, y, noise float64) (*Process, error) {
	one := Data{[]Input{x}, []float64{y}, []float64{noise}}
	h := p.kernel.h
	if err := check(p.dims, len(h.Linear), one); err != nil {
		return nil, err
	}
	n := len(p.y)
	q := &Process{dims: p.dims, data: Data{append(slices.Clone(p.data.X), x), append(slices.Clone(p.data.Y), y), append(slices.Clone(p.data.Noise), noise)}}
	q.kernel = newKernel(p.dims, h, q.data.X)
	q.y, q.noise = standardise(q.data, h)
	floats.AddConst(h.Noise+noiseFloor, q.noise)
	q.factor = make([]float64, (n+1)*(n+1))
	for i := range n {
		copy(q.factor[i*(n+1):], p.factor[i*n:i*n+i+1])
	}
	row, b := q.factor[n*(n+1):], q.kernel.newBlock(1)
	q.kernel.place(b, x)
	q.kernel.covariance(b, row)
	prior := row[n] + q.noise[n]
	forward(p.factor, row[:n], n, n)
	// The rest is at least the noise, but for rounding.
	row[n] = math.Sqrt(max(prior-floats.Dot(row[:n], row[:n]), q.noise[n], 1e-12*prior))
	q.weights()
	return q, nil
}
