package gp

// LogPosterior returns the negative log posterior density of hyperparameters,
// and its gradient, as a function of the point that a fit moves; the point of
// the prior's middle and the hyperparameters at a point.
func LogPosterior(dims []Dim, features int, d Data) (at func(z, grad []float64) float64, start []float64, hyper func(z []float64) Hyper) {
	l := newLayout(len(dims), features)
	h, err := l.initial(Hyper{}, d)
	if err != nil {
		panic(err)
	}
	f := newPosterior(dims, features, d, h)
	return f.at, f.point(l.logs(h)), f.hyper
}

// Covariance returns the kernel matrix of the inputs, without noise, as the
// package computes it.
func Covariance(dims []Dim, h Hyper, xs []Input) [][]float64 {
	k := newKernel(dims, h, xs)
	b, out := k.newBlock(1), make([][]float64, len(xs))
	for i, x := range xs {
		out[i] = make([]float64, len(xs))
		k.place(b, x)
		k.covariance(b, out[i])
	}
	return out
}

// Minimise is the optimiser of Fit.
var Minimise = minimise

// The arithmetic.
var (
	Decay    = decay
	Cholesky = cholesky
	Forward  = forward
	Backward = backward
	Invert   = invert
)
