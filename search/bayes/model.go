package bayes

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/history"
)

// Model is what is believed of all points, given a history.
type Model struct {
	*ledger
	history   *history.History
	parts     []part // by column
	pending   []pending
	relevance []float64 // of each knob; sum 1
}

// part is what a model has for a column: a process, or values that are known
// beforehand, or another objective's process, or nothing.
type part struct {
	*surrogate
	believer *gp.Process // the process with the pending trials at their means
	exact    bool
	link     *link
	scale    ehvi.Scale // what is predicted is on this scale; nil if exact
	unit     float64    // a typical difference on it
}

// predicts reports whether the part says anything.
func (p part) predicts() bool { return p.exact || p.link != nil || p.believer != nil }

// pending is an outstanding trial, at its predicted values.
type pending struct {
	Foreseen
	values []float64
}

// model fits what the schedule asks for.
func (o *Optimiser) model(h *history.History) (*Model, error) {
	l := o.ledger
	switch {
	case len(l.events) > MaxEvents:
		return nil, errTooMany
	case len(l.tells) == 0:
		return nil, errTooFew
	}
	m := &Model{ledger: l, history: h, parts: make([]part, l.terms.columns())}
	links := l.links()
	for c := range m.parts {
		p := &m.parts[c]
		objective := c < len(links)
		switch {
		case objective && l.foresight.exact[c]:
			p.exact = true
		case objective && links[c] != nil:
			p.link = links[c]
		case column(c) == l.terms.ran() && l.allRan():
		default:
			if s := o.fits.surrogate(column(c)); s != nil {
				p.surrogate, p.believer, p.scale, p.unit = s, s.process, s.warp, s.process.Hyper().Scale
			}
		}
	}
	for j, link := range links {
		if link == nil {
			continue
		}
		from := m.parts[link.of]
		if from.surrogate == nil {
			return nil, errTooFew
		}
		m.parts[j].scale, m.parts[j].unit = link.follow(from.scale), from.unit
		link.measure(l.events, from.scale)
	}
	if !m.complete() {
		return nil, errTooFew
	}
	m.relevance = m.relevances(len(l.space.Dims()))
	return m, m.believe(h.Outstanding())
}

// complete reports whether the model can be worked with: it has all objectives,
// or nothing is feasible yet but there is a way to find out what is.
func (m *Model) complete() bool {
	return m.whole() || !slices.ContainsFunc(m.events, event.counts) && m.knowsBounds()
}

// whole reports whether all objectives are modelled.
func (m *Model) whole() bool {
	for _, p := range m.parts[:len(m.terms.Directions)] {
		if !p.predicts() || p.surrogate != nil && p.count < MinValues {
			return false
		}
	}
	return true
}

// knowsBounds reports whether a constraint or a limited objective is modelled.
func (m *Model) knowsBounds() bool {
	for c, p := range m.parts {
		if p.predicts() && (c >= len(m.terms.Directions) || !math.IsNaN(m.terms.Limits[c])) {
			return true
		}
	}
	return false
}

// believe adds the outstanding trials with the values they are predicted to
// have (Ginsbourger et al. 2010, Kriging believer).
func (m *Model) believe(open []*history.Trial) error {
	mean, sd := make([]float64, 1), make([]float64, 1)
	for _, r := range open {
		p := pending{Foreseen: m.foresight.of(r.Point, r.Assignment)}
		if !p.ok {
			continue
		}
		for c := range m.parts {
			part := &m.parts[c]
			if part.believer == nil {
				continue
			}
			part.believer.Predict([]gp.Input{p.input}, mean, sd)
			next, err := part.believer.Append(p.input, mean[0], 0)
			if err != nil {
				return err
			}
			part.believer = next
		}
		m.pending = append(m.pending, p)
	}
	for i := range m.pending {
		p := &m.pending[i]
		p.values = m.predict([]Foreseen{p.Foreseen}).values(m, 0)
	}
	return nil
}

// beliefs are predictions of every column at every point: mean[c][i] and
// sd[c][i], on the scale of the part; nil for columns without a part.
type beliefs struct{ mean, sd [][]float64 }

func (m *Model) predict(points []Foreseen) beliefs {
	xs := make([]gp.Input, len(points))
	for i, p := range points {
		xs[i] = p.input
	}
	b := beliefs{make([][]float64, len(m.parts)), make([][]float64, len(m.parts))}
	for c, part := range m.parts {
		if !part.predicts() {
			continue
		}
		b.mean[c], b.sd[c] = make([]float64, len(points)), make([]float64, len(points))
		if part.believer != nil {
			part.believer.Predict(xs, b.mean[c], b.sd[c])
		}
		if part.exact {
			for i, p := range points {
				b.mean[c][i] = p.known[c]
			}
		}
	}
	for c, part := range m.parts {
		if l := part.link; l != nil {
			l.predict(b.mean[l.of], b.sd[l.of], b.mean[c], b.sd[c])
		}
	}
	return b
}

// values returns the most likely values of the objectives at point i.
func (b beliefs) values(m *Model, i int) []float64 {
	values := slices.Repeat([]float64{math.NaN()}, len(m.terms.Directions))
	for j := range values {
		switch p := m.parts[j]; {
		case p.exact:
			values[j] = b.mean[j][i]
		case p.predicts():
			values[j] = p.scale.Inverse(b.mean[j][i])
		}
	}
	return values
}

// relevances returns how much each knob matters, all objectives together.
func (m *Model) relevances(dims int) []float64 {
	total := make([]float64, dims)
	sum := 0.0
	for _, p := range m.parts[:len(m.terms.Directions)] {
		if p.surrogate == nil {
			continue
		}
		knobs, _ := p.process.Relevance()
		for i, r := range knobs {
			total[i] += r
			sum += r
		}
	}
	for i := range total {
		if total[i] /= sum; math.IsNaN(total[i]) {
			total[i] = 1 / float64(dims)
		}
	}
	return total
}
