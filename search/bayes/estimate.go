package bayes

import (
	"math"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

// Estimate is what a model expects of a point. Less is better.
type Estimate struct {
	// Values has the median of every objective, and Low and High the ends of
	// the interval that holds 95 % of the belief about its true value. They are
	// equal where the value is known exactly.
	Values, Low, High []float64
	// Feasible is the probability that all constraints and limits are kept.
	Feasible float64
}

// z975 is the 97.5 % quantile of the normal distribution.
const z975 = 1.959964

// Estimates predicts points.
func (m *Model) Estimates(points []Foreseen) []Estimate {
	b := m.predict(points)
	out := make([]Estimate, len(points))
	for i := range out {
		e := Estimate{Feasible: math.Exp(m.keeps(b, i, 1) + m.within(b, i))}
		for j, p := range m.parts[:len(m.terms.Directions)] {
			t, margin := b.mean[j][i], z975*b.sd[j][i]
			value, low, high := t, t, t
			if !p.exact {
				value, low, high = finite(p.scale.Inverse(t)), finite(p.scale.Inverse(t-margin)), finite(p.scale.Inverse(t+margin))
			}
			e.Values, e.Low, e.High = append(e.Values, value), append(e.Low, min(low, high)), append(e.High, max(low, high))
		}
		out[i] = e
	}
	return out
}

// finite keeps a number within what can be written down: a logarithmic scale
// may lead beyond.
func finite(x float64) float64 { return max(-math.MaxFloat64, min(math.MaxFloat64, x)) }

// Foresee is what is known of a point before it is measured. Inactive knobs
// must be Absent. The assignment may be left out; it is needed where a value lies
// outside its knob's domain. Without ok, the assignment makes no recipe that a
// model could predict.
func (m *Model) Foresee(p space.Point, a study.Assignment) (f Foreseen, ok bool) {
	f = m.foresight.of(p, a)
	return f, f.ok
}

// Denoised returns the values of the feasible trials as the model sees them,
// less what it takes for noise.
func (m *Model) Denoised() [][]float64 {
	values, _ := m.denoised()
	return values
}

// Correlation is that of two objectives, where so high that one says nearly all
// of the other.
func (m *Model) Correlation(i, j int) (r float64, ok bool) {
	if l := m.link(i, j); l != nil {
		return l.correlation, true
	}
	return 0, false
}

// Mean returns the posterior mean of an objective at points, and the scale that
// it is on. Of an objective that follows another one it is the other's: the one
// is a linear function of the other.
func (m *Model) Mean(objective int, points []Foreseen) (mean []float64, scale gp.Kind) {
	p := m.parts[objective]
	if p.link != nil {
		objective = p.link.of
		p = m.parts[objective]
	}
	mean = make([]float64, len(points))
	if p.exact {
		for i, f := range points {
			mean[i] = f.known[objective]
		}
		return mean, gp.Identity
	}
	xs := make([]gp.Input, len(points))
	for i, f := range points {
		xs[i] = f.input
	}
	p.process.PredictMean(xs, mean)
	return mean, p.warp.Kind()
}
