package search

import (
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/fettle-edge/fettle/search/ehvi"
)

const (
	// redundant is the correlation of two objectives, and minRedundant the
	// number of trials that have both, from which on they share a model.
	redundant    = 0.98
	minRedundant = 12
)

// link makes one objective a linear function of another: y = offset + slope·x.
type link struct {
	of, to        int // the other objective, and this one
	offset, slope float64
	correlation   float64
	deviation     float64 // of the residuals, on the other's scale
}

// links finds the objectives that follow another one. An objective that others
// follow follows none.
func (b *bayes) links() []*link {
	links := make([]*link, len(b.terms.directions))
	for j := range links {
		for i := range j {
			if b.evidence.foresee.exact[j] || b.evidence.foresee.exact[i] || links[i] != nil || links[j] != nil {
				continue
			}
			if l := b.evidence.link(i, j); l != nil {
				links[j] = l
				b.remarks.redundant(i, j, l.correlation)
			}
		}
	}
	return links
}

// link fits objective j as a linear function of objective i, or returns nil
// where it is none.
func (l *ledger) link(i, j int) *link {
	var x, y []float64
	for _, e := range l.events {
		if a, b := e.values[i], e.values[j]; !math.IsNaN(a) && !math.IsNaN(b) {
			x, y = append(x, a), append(y, b)
		}
	}
	if len(x) < minRedundant {
		return nil
	}
	r := correlation(x, y)
	if !(math.Abs(r) >= redundant) {
		return nil
	}
	mx, sx := moments(x)
	my, sy := moments(y)
	out := &link{of: i, to: j, slope: r * sy / sx, correlation: r}
	out.offset = my - out.slope*mx
	return out
}

func moments(x []float64) (mean, sd float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / n
	}
	return mean, math.Sqrt(sd)
}

// linked is the scale of an objective that follows another one: that of the
// other, turned around if it falls as the other rises.
type linked struct {
	*link
	of ehvi.Scale
}

func (l *link) scale(of ehvi.Scale) ehvi.Scale { return linked{l, of} }

func (s linked) sign() float64 { return math.Copysign(1, s.slope) }

func (s linked) Forward(y float64) float64 {
	return s.sign() * s.of.Forward((y-s.offset)/s.slope)
}

func (s linked) Inverse(t float64) float64 {
	return s.offset + s.slope*s.of.Inverse(s.sign()*t)
}

// spread sets the deviation of what was observed from the line.
func (l *link) spread(from *ledger, of ehvi.Scale) {
	s, n := 0.0, 0.0
	for _, e := range from.events {
		if x, y := e.values[l.of], e.values[l.to]; !math.IsNaN(x) && !math.IsNaN(y) {
			d := of.Forward((y-l.offset)/l.slope) - of.Forward(x)
			s += d * d
			n++
		}
	}
	l.deviation = math.Sqrt(s / n)
}

// predict turns predictions of the other objective into ones of this.
func (l *link) predict(mean, sd, toMean, toSD []float64) {
	for i := range mean {
		toMean[i] = math.Copysign(1, l.slope) * mean[i]
		toSD[i] = math.Hypot(sd[i], l.deviation)
	}
}

func correlation(a, b []float64) float64 { return stat.Correlation(a, b, nil) }
