package search

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/gp"
)

// model is what is believed of all points, given a history.
type model struct {
	terms     terms
	events    []event
	foresight *foresight
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
	foreseen
	values []float64
}

// model fits what the schedule asks for. It fails where there is too little to
// go by.
func (b *bayes) model(h *history) (*model, error) {
	l := b.ledger
	switch {
	case len(l.events) > maxEvents:
		return nil, errTooMany
	case len(l.tells) == 0:
		return nil, errTooFew
	}
	m := &model{terms: b.terms, events: l.events, foresight: l.foresight, parts: make([]part, b.terms.columns())}
	links := l.links()
	for c := range m.parts {
		p := &m.parts[c]
		objective := c < len(links)
		switch {
		case objective && l.foresight.exact[c]:
			p.exact = true
		case objective && links[c] != nil:
			p.link = links[c]
			b.remark("objective %d follows objective %d (correlation %.3f): they share one model", c+1, p.link.of+1, p.link.correlation)
		case column(c) == b.terms.ran() && l.allRan():
		default:
			if s := b.fits.surrogate(column(c)); s != nil {
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
	m.relevance = m.relevances(len(b.space.Dims()))
	return m, m.believe(h)
}

// complete reports whether the model can be worked with: it has all objectives,
// or nothing is feasible yet but there is a way to find out what is.
func (m *model) complete() bool {
	return m.whole() || !slices.ContainsFunc(m.events, event.feasible) && m.knowsBounds()
}

// whole reports whether all objectives are modelled.
func (m *model) whole() bool {
	for _, p := range m.parts[:len(m.terms.directions)] {
		if !p.predicts() || p.surrogate != nil && p.count < minValues {
			return false
		}
	}
	return true
}

// knowsBounds reports whether a constraint or a limited objective is modelled.
func (m *model) knowsBounds() bool {
	for c, p := range m.parts {
		if p.predicts() && (c >= len(m.terms.directions) || !math.IsNaN(m.terms.limits[c])) {
			return true
		}
	}
	return false
}

// believe adds the outstanding trials with the values they are predicted to
// have (Ginsbourger et al. 2010, Kriging believer).
func (m *model) believe(h *history) error {
	var open []*record
	for _, r := range h.trials {
		if !r.told {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, byNumber)
	mean, sd := make([]float64, 1), make([]float64, 1)
	for _, r := range open {
		p := pending{foreseen: m.foresight.of(r.point, r.assignment)}
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
		p.values = m.predict([]foreseen{p.foreseen}).values(m, 0)
	}
	return nil
}

// beliefs are predictions of every column at every point: mean[c][i] and
// sd[c][i], on the scale of the part; nil for columns without a part.
type beliefs struct{ mean, sd [][]float64 }

func (m *model) predict(points []foreseen) beliefs {
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
func (b beliefs) values(m *model, i int) []float64 {
	values := unknown(len(m.terms.directions))
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
func (m *model) relevances(dims int) []float64 {
	total := make([]float64, dims)
	sum := 0.0
	for _, p := range m.parts[:len(m.terms.directions)] {
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
