package gp

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// tableLevels is the largest number of levels of a knob whose rows are kept
// ready, one per level. Rows of other inputs are made when they are needed.
const tableLevels = 64

// kernel is the covariance of the n data with anything, for given
// hyperparameters.
type kernel struct {
	h     Hyper
	axes  []axis        // knobs, then features
	data  [][]value     // of each datum, one per axis
	trend [][]float64   // of each feature, the standardised values of the data
	rows  [][][]float64 // of each knob with few levels, for each level and at last for inactive: n of Additive·e, then n of Rate·δ²
	n     int
}

// newAxes places the inputs on the axes, and standardises the features by the
// scales of h.
func newAxes(dims []Dim, h Hyper, xs []Input) (axes []axis, data [][]value, trend [][]float64) {
	axes = make([]axis, len(dims)+len(h.Linear))
	for i, d := range dims {
		axes[i] = newKnob(d)
	}
	trend = make([][]float64, len(h.Linear))
	data = make([][]value, len(xs))
	for i, x := range xs {
		data[i] = make([]value, len(axes))
		for k := range axes {
			data[i][k] = locate(axes, len(dims), &h, x, k)
			axes[k].add(data[i][k])
		}
		for f := range trend {
			trend[f] = append(trend[f], h.standard(x, f))
		}
	}
	return axes, data, trend
}

// standard returns a standardised feature.
func (h *Hyper) standard(x Input, f int) float64 {
	return (x.Features[f] - h.FeatureCenter[f]) / h.FeatureScale[f]
}

// locate returns the value of x on axis k.
func locate(axes []axis, dims int, h *Hyper, x Input, k int) value {
	if k < dims {
		return axes[k].knob(x.Levels[k])
	}
	return feature(h.standard(x, k-dims))
}

func newKernel(dims []Dim, h Hyper, xs []Input) *kernel {
	k := &kernel{h: h, n: len(xs)}
	k.axes, k.data, k.trend = newAxes(dims, h, xs)
	k.rows = make([][][]float64, len(dims))
	for i, d := range dims {
		if len(d.At) > tableLevels {
			continue
		}
		k.rows[i] = make([][]float64, len(d.At)+1)
		buffer := make([]float64, 2*k.n*(len(d.At)+1))
		for l := range k.rows[i] {
			k.rows[i][l], buffer = buffer[:2*k.n:2*k.n], buffer[2*k.n:]
		}
	}
	k.weigh(h)
	return k
}

// weigh sets the hyperparameters, for the same scales.
func (k *kernel) weigh(h Hyper) {
	k.h = h
	for i, levels := range k.rows {
		for l, row := range levels {
			if l == len(levels)-1 {
				l = Inactive
			}
			k.axes[i].row(k.axes[i].knob(l), h.Additive[i], h.Rate[i], row[:k.n], row[k.n:])
		}
	}
}

// ready reports whether axis i has its rows ready, and index which is v's.
func (k *kernel) ready(i int) bool { return i < len(k.rows) && k.rows[i] != nil }

func (k *kernel) index(i int, v value) int {
	if v.level < 0 {
		return len(k.rows[i]) - 1
	}
	return v.level
}

// row returns Additive·e and Rate·δ² of v on axis i to the first m data.
// Scratch has room for 2n numbers; the result may lie in it.
func (k *kernel) row(i int, v value, m int, scratch []float64) (e, q []float64) {
	if k.ready(i) {
		row := k.rows[i][k.index(i, v)]
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

// matern is Matérn-5/2 at a squared distance in units of the length scale.
func matern(r2 float64) float64 {
	t := math.Sqrt(5 * r2)
	return (1 + t + t*t/3) * math.Exp(-t)
}

// maternSlope returns matern and its derivative by r2.
func maternSlope(r2 float64) (p, dp float64) {
	t := math.Sqrt(5 * r2)
	e := math.Exp(-t)
	return (1 + t + t*t/3) * e, -5.0 / 6 * (1 + t) * e
}
