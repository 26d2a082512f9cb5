package gp

import "gonum.org/v1/gonum/floats"

// tableLevels is the largest number of levels of a knob whose rows are kept
// ready, one per level. Rows of other inputs are made when they are needed.
const tableLevels = 64

// kernel is the covariance of the n data with anything, for given
// hyperparameters.
type kernel struct {
	h     Hyper
	xs    []Input       // the data
	axes  []axis        // knobs, then features; points of a knob with rows ready are its levels and inactive, else the data
	index [][]int       // of each knob with rows ready, which point each datum is
	rows  [][][]float64 // of each such knob, for each of its points: n of Additive·e, then n of Rate·δ²
	trend [][]float64   // of each feature, the standardised values of the data
	n     int
}

// newKernel standardises features by the scales of h. It keeps xs.
func newKernel(dims []Dim, h Hyper, xs []Input) *kernel {
	k := &kernel{h: h, n: len(xs), xs: xs, axes: make([]axis, len(dims)+len(h.Linear))}
	k.index, k.rows, k.trend = make([][]int, len(dims)), make([][][]float64, len(dims)), make([][]float64, len(h.Linear))
	for i, d := range dims {
		k.axes[i] = newKnob(d)
		if len(d.At) <= tableLevels {
			k.tabulate(i)
			continue
		}
		k.axes[i].grow(k.n)
		for _, x := range xs {
			k.axes[i].add(k.axes[i].knob(x.Levels[i]))
		}
	}
	for f := range k.trend {
		k.trend[f] = make([]float64, k.n)
		a := &k.axes[len(dims)+f]
		a.grow(k.n)
		for i, x := range xs {
			k.trend[f][i] = h.standard(x, f)
			a.add(feature(k.trend[f][i]))
		}
	}
	k.weigh(h)
	return k
}

// tabulate makes knob i one with its rows ready.
func (k *kernel) tabulate(i int) {
	a := &k.axes[i]
	points := len(a.at) + 1
	a.grow(points)
	for l := range a.at {
		a.add(a.knob(l))
	}
	a.add(a.knob(Inactive))
	k.rows[i], k.index[i] = make([][]float64, points), make([]int, k.n)
	buffer := make([]float64, 2*k.n*points)
	for p := range k.rows[i] {
		k.rows[i][p], buffer = buffer[:2*k.n:2*k.n], buffer[2*k.n:]
	}
	for j, x := range k.xs {
		k.index[i][j] = k.point(i, x.Levels[i])
	}
}

// weigh sets the hyperparameters, for the same scales.
func (k *kernel) weigh(h Hyper) {
	k.h = h
	for i, rows := range k.rows {
		a := &k.axes[i]
		e, q := make([]float64, len(rows)), make([]float64, len(rows))
		for p, row := range rows {
			level := p
			if p == len(rows)-1 {
				level = Inactive
			}
			a.row(a.knob(level), h.Additive[i], h.Rate[i], e, q)
			for j, point := range k.index[i] {
				row[j], row[k.n+j] = e[point], q[point]
			}
		}
	}
}

// standard returns a standardised feature.
func (h *Hyper) standard(x Input, f int) float64 {
	return (x.Features[f] - h.FeatureCenter[f]) / h.FeatureScale[f]
}

// ready reports whether axis i has its rows ready.
func (k *kernel) ready(i int) bool { return i < len(k.rows) && k.rows[i] != nil }

// point returns which row of knob i is that of a level.
func (k *kernel) point(i, level int) int {
	if level < 0 {
		return len(k.rows[i]) - 1
	}
	return level
}

// row returns Additive·e and Rate·δ² of v on axis i to the first m data.
// Scratch has room for 2n numbers; the result may lie in it.
func (k *kernel) row(i int, v value, m int, scratch []float64) (e, q []float64) {
	if k.ready(i) {
		row := k.rows[i][k.point(i, v.level)]
		return row[:m], row[k.n : k.n+m]
	}
	e, q = scratch[:m], scratch[k.n:k.n+m]
	k.axes[i].row(v, k.h.Additive[i], k.h.Rate[i], e, q)
	return e, q
}

// sums writes the sums over all axes of Additive·e and of Rate·δ² between the
// values and the first len(e) data.
func (k *kernel) sums(values []value, e, q, scratch []float64) {
	clear(e)
	clear(q)
	for i, v := range values {
		re, rq := k.row(i, v, len(e), scratch)
		floats.Add(e, re)
		floats.Add(q, rq)
	}
}

// linear adds the constant and the linear term between standardised features
// and the first len(e) data to e.
func (k *kernel) linear(z []float64, e []float64) {
	floats.AddConst(constant, e)
	for f, b := range k.h.Linear {
		floats.AddScaled(e, b*z[f], k.trend[f][:len(e)])
	}
}

// variance is the prior variance at an input.
func (k *kernel) variance(values []value, z []float64) float64 {
	v := constant + k.h.Product
	for i, x := range values {
		if x.level >= 0 {
			v += k.h.Additive[i]
		}
	}
	for f, b := range k.h.Linear {
		v += b * z[f] * z[f]
	}
	return v
}
