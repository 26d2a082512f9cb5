package bayes

import (
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/fettle-edge/fettle/search/ehvi"
)

const (
	// redundant is the correlation of two objectives, and minRedundant the
	// number of observations of both, from which on they share a model.
	redundant    = 0.98
	minRedundant = 12
)

// link makes an objective a linear function of another one, whose process is
// then taken for both: value = offset + slope · other.
type link struct {
	of, to        int // the other objective, and this one
	offset, slope float64
	correlation   float64
	deviation     float64 // of what was observed from the line, on the other's scale
}

// links finds the objectives that follow an earlier one. One that is followed
// follows none.
func (l *ledger) links() []*link {
	links := make([]*link, len(l.terms.Directions))
	for j := range links {
		for i := 0; i < j && links[j] == nil; i++ {
			if links[i] == nil && !l.foresight.exact[i] && !l.foresight.exact[j] {
				links[j] = l.link(i, j)
			}
		}
	}
	return links
}

// link fits objective j as a linear function of objective i, or returns nil if
// it is none.
func (l *ledger) link(i, j int) *link {
	var x, y []float64
	for _, e := range l.events {
		if a, b := e.Values[i], e.Values[j]; !math.IsNaN(a) && !math.IsNaN(b) {
			x, y = append(x, a), append(y, b)
		}
	}
	if len(x) < minRedundant {
		return nil
	}
	r := stat.Correlation(x, y, nil)
	if !(math.Abs(r) >= redundant) { // NaN for a constant
		return nil
	}
	offset, slope := stat.LinearRegression(x, y, nil, false)
	return &link{of: i, to: j, offset: offset, slope: slope, correlation: r}
}

// linked is the scale of an objective that follows another one: that of the
// other, turned around if one rises as the other falls.
type linked struct {
	*link
	scale ehvi.Scale
}

func (l *link) follow(scale ehvi.Scale) ehvi.Scale { return linked{l, scale} }

func (l *link) sign() float64 { return math.Copysign(1, l.slope) }

func (s linked) Forward(y float64) float64 {
	return s.sign() * s.scale.Forward((y-s.offset)/s.slope)
}

func (s linked) Inverse(t float64) float64 {
	return s.offset + s.slope*s.scale.Inverse(s.sign()*t)
}

// measure sets the deviation.
func (l *link) measure(events []event, scale ehvi.Scale) {
	sum, n := 0.0, 0.0
	for _, e := range events {
		if x, y := e.Values[l.of], e.Values[l.to]; !math.IsNaN(x) && !math.IsNaN(y) {
			d := scale.Forward((y-l.offset)/l.slope) - scale.Forward(x)
			sum += d * d
			n++
		}
	}
	l.deviation = math.Sqrt(sum / n)
}

// predict turns predictions of the other objective into ones of this.
func (l *link) predict(mean, sd, toMean, toSD []float64) {
	for i := range mean {
		toMean[i] = l.sign() * mean[i]
		toSD[i] = math.Hypot(sd[i], l.deviation)
	}
}
