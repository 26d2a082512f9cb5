package gp

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// Fit returns the hyperparameters of largest posterior density (MAP), found
// by L-BFGS with at most the given number of iterations from start; each costs
// one or two kernel matrices and their inverses. The scales are those of the
// data; start's are not used. No iteration at all gives start with the scales
// of the data. It fails for data that are not finite or not of one shape.
func Fit(dims []Dim, features int, d Data, start Hyper, iterations int) (Hyper, error) {
	if err := check(dims, features, d); err != nil {
		return Hyper{}, err
	}
	l := newLayout(len(dims), features)
	h, err := l.initial(start, d)
	if err != nil {
		return Hyper{}, err
	}
	if h, err = l.scaled(h, d); err != nil || iterations <= 0 {
		return h, err
	}
	f := newPosterior(dims, features, d, h)
	z, value := minimise(f.at, f.point(l.logs(h)), iterations, tiny)
	if math.IsInf(value, 1) { // the start has no Cholesky factor
		if h, err = l.initial(Hyper{}, d); err != nil {
			return Hyper{}, err
		}
		z, _ = minimise(f.at, f.point(l.logs(h)), iterations, tiny)
	}
	return f.hyper(z), nil
}

const (
	history  = 10   // pairs of steps and gradients that L-BFGS keeps
	longest  = 2    // the longest step in any parameter, in units of the prior's standard deviation
	flat     = 1e-2 // largest derivative at which a fit has converged
	tiny     = 1e-2 // gain in log density below which a fit has converged
	attempts = 12   // function values for one line search
)

// minimise returns where the function f of x is least, by L-BFGS from x with a
// step that is shortened until it improves enough (Armijo's rule), and the
// value there. It ends when an iteration gains less than tiny. f writes its
// gradient and may be +Inf, but for at the start: then x is returned as it is.
func minimise(f func(x, grad []float64) float64, x []float64, iterations int, tiny float64) ([]float64, float64) {
	now := &optimize.Location{X: slices.Clone(x), Gradient: make([]float64, len(x))}
	next := &optimize.Location{X: slices.Clone(x), Gradient: make([]float64, len(x))}
	now.F = f(now.X, now.Gradient)
	method, dir := &optimize.LBFGS{Store: history}, make([]float64, len(x))
	reset := true
	for range iterations {
		if math.IsInf(now.F, 1) || floats.Norm(now.Gradient, math.Inf(1)) < flat {
			break
		}
		step := 1.0
		if reset {
			step = method.InitDirection(now, dir)
		} else {
			method.NextDirection(now, dir)
		}
		if floats.Dot(dir, now.Gradient) >= 0 { // rounding spoilt the history
			step = method.InitDirection(now, dir)
		}
		if !search(f, now, next, dir, step) {
			break
		}
		gain := now.F - next.F
		reset = !curved(now, next)
		now, next = next, now
		if gain < tiny {
			break
		}
	}
	return now.X, now.F
}

// curved reports whether the step from a to b met positive curvature, without
// which it tells L-BFGS nothing.
func curved(a, b *optimize.Location) bool {
	var sy, ss float64
	for i := range a.X {
		s := b.X[i] - a.X[i]
		sy += s * (b.Gradient[i] - a.Gradient[i])
		ss += s * s
	}
	return sy > 1e-8*ss
}

// search sets next to a point along dir that is better than now by Armijo's
// rule, and reports whether it found one. Steps are shortened to the minimum
// of the parabola through what is known, within bounds.
func search(f func(x, grad []float64) float64, now, next *optimize.Location, dir []float64, step float64) bool {
	slope := floats.Dot(dir, now.Gradient)
	if far := step * floats.Norm(dir, math.Inf(1)); far > longest {
		step *= longest / far
	}
	for range attempts {
		floats.AddScaledTo(next.X, now.X, step, dir)
		next.F = f(next.X, next.Gradient)
		if next.F <= now.F+1e-4*step*slope {
			return true
		}
		best := -slope * step * step / (2 * (next.F - now.F - slope*step))
		if math.IsNaN(best) {
			best = 0
		}
		step = min(max(best, step/10), step/2)
	}
	return false
}
