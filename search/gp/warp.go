package gp

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Kind is a family of output warps.
type Kind string

const (
	Identity Kind = "identity" // bad outliers are compressed
	Log      Kind = "log"
	Rank     Kind = "rank" // the values' ranks become normal
)

// Warp is an increasing map from an objective (less is better) to a scale on
// which a Gaussian process models it. The zero value is the identity, without
// compression.
type Warp struct {
	kind Kind
	// Identity: above knee, values are compressed logarithmically with this
	// scale. Log: below knee, the logarithm goes on as its tangent.
	knee, scale float64
	// Rank: the map is linear between these, and goes on beyond with the
	// slopes low and high.
	y, t      []float64
	low, high float64
}

// logRange is how far below the least value the logarithm goes.
const logRange = 1000

// NewWarp fits a warp to values, which must be finite and at least one. Where
// a family does not apply (a logarithm of what is not positive, ranks of fewer
// than three different values), the identity stands in for it.
func NewWarp(kind Kind, values []float64) Warp {
	y := slices.Clone(values)
	slices.Sort(y)
	switch distinct := len(slices.Compact(slices.Clone(y))); {
	case kind == Log && y[0] > 0:
		return Warp{kind: Log, knee: y[0] / logRange}
	case kind == Rank && distinct >= 3:
		return ranks(y)
	}
	return compress(y)
}

// compress is the identity up to three standard deviations above the median,
// the standard deviation estimated by the median absolute deviation.
func compress(sorted []float64) Warp {
	median := sorted[len(sorted)/2]
	deviations := make([]float64, len(sorted))
	mean := 0.0
	for i, v := range sorted {
		deviations[i] = math.Abs(v - median)
		mean += deviations[i] / float64(len(sorted))
	}
	slices.Sort(deviations)
	sd := 1.4826 * deviations[len(sorted)/2] // Gaussian: sd / median absolute deviation
	if sd == 0 {                             // half of the values are equal
		sd = 1.2533 * mean // Gaussian: sd / mean absolute deviation
	}
	if !(sd > 0) || math.IsInf(sd, 1) {
		return Warp{kind: Identity}
	}
	return Warp{kind: Identity, knee: median + 3*sd, scale: sd}
}

// ranks maps each value to the normal quantile of its mean rank.
func ranks(sorted []float64) Warp {
	w := Warp{kind: Rank}
	n := float64(len(sorted))
	for from := 0; from < len(sorted); {
		to := from
		for to < len(sorted) && sorted[to] == sorted[from] {
			to++
		}
		share := (float64(from+to)/2*(n-1)/n + 0.5) / n // within 0 … 1, not at the ends
		w.y, w.t = append(w.y, sorted[from]), append(w.t, distuv.UnitNormal.Quantile(share))
		from = to
	}
	last := len(w.y) - 1
	q := max(1, len(w.y)/10)
	w.low = (w.t[q] - w.t[0]) / (w.y[q] - w.y[0])
	w.high = (w.t[last] - w.t[last-q]) / (w.y[last] - w.y[last-q])
	return w
}

// Kind returns the family of the warp.
func (w Warp) Kind() Kind {
	if w.kind == "" {
		return Identity
	}
	return w.kind
}

// Linear reports whether Forward is the identity for all values up to y.
func (w Warp) Linear(y float64) bool {
	return w.Kind() == Identity && (w.scale == 0 || y <= w.knee)
}

// Forward maps a value to the scale of the model.
func (w Warp) Forward(y float64) float64 {
	switch {
	case w.kind == Log && y < w.knee:
		return math.Log(w.knee) + (y-w.knee)/w.knee
	case w.kind == Log:
		return math.Log(y)
	case w.kind == Rank:
		return interpolate(y, w.y, w.t, w.low, w.high)
	case w.scale > 0 && y > w.knee:
		return w.knee + w.scale*math.Log1p((y-w.knee)/w.scale)
	}
	return y
}

// Inverse maps back. It may be +Inf for numbers far above those of the data.
func (w Warp) Inverse(t float64) float64 {
	switch {
	case w.kind == Log && t < math.Log(w.knee):
		return w.knee + (t-math.Log(w.knee))*w.knee
	case w.kind == Log:
		return math.Exp(t)
	case w.kind == Rank:
		return interpolate(t, w.t, w.y, 1/w.low, 1/w.high)
	case w.scale > 0 && t > w.knee:
		return w.knee + w.scale*math.Expm1((t-w.knee)/w.scale)
	}
	return t
}

// interpolate is the piecewise linear function through (x, y), ascending, with
// the given slopes beyond the ends.
func interpolate(v float64, x, y []float64, low, high float64) float64 {
	i := sort.SearchFloat64s(x, v)
	last := len(x) - 1
	switch {
	case i <= last && x[i] == v:
		return y[i]
	case i == 0:
		return y[0] + low*(v-x[0])
	case i > last:
		return y[last] + high*(v-x[last])
	}
	share := (v - x[i-1]) / (x[i] - x[i-1])
	return min(y[i-1]+share*(y[i]-y[i-1]), y[i])
}

// Apply returns the data with warped values. The standard deviation of a
// value's noise becomes half the distance of what lies one such deviation
// above and below.
func (w Warp) Apply(d Data) Data {
	out := Data{X: d.X, Y: make([]float64, len(d.Y))}
	for i, y := range d.Y {
		out.Y[i] = w.Forward(y)
	}
	if d.Noise != nil {
		out.Noise = make([]float64, len(d.Noise))
		for i, v := range d.Noise {
			sd := math.Sqrt(v)
			half := (w.Forward(d.Y[i]+sd) - w.Forward(d.Y[i]-sd)) / 2
			out.Noise[i] = half * half
		}
	}
	return out
}
