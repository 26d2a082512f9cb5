package search

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/study/fault"
)

// model is what is believed of all points, given a history.
type model struct {
	terms     terms
	events    []event
	foresee   *foresight
	parts     []part // by column
	pending   []pending
	relevance []float64 // of each knob: sum 1
}

// part is what a model has for a column: nothing, values known beforehand, or
// a process.
type part struct {
	exact bool
	scale ehvi.Scale // what the process predicts is on this scale
	unit  float64    // a typical difference on it
	*surrogate
	believer *gp.Process // the process with the pending trials at their means
	shared   *link       // the process is another objective's
}

// modelled reports whether the part predicts with a process.
func (p part) modelled() bool { return p.believer != nil }

// pending is an outstanding trial, at its predicted values.
type pending struct {
	foreseen
	values []float64
}

// model fits what the schedule asks for. It fails where an objective has too
// little data, or a process cannot be made.
func (b *bayes) model(h *history) (*model, error) {
	l := b.evidence
	if len(l.events) > maxEvents {
		return nil, fault.New(fault.Invalid, "cannot model more than %d trials with Gaussian processes", maxEvents)
	}
	m := &model{terms: b.terms, events: l.events, foresee: l.foresee, parts: make([]part, b.terms.columns())}
	if len(l.tells) == 0 {
		return nil, errTooFew
	}
	links := b.links()
	for c := range m.parts {
		switch p := &m.parts[c]; {
		case c < len(links) && l.foresee.exact[c]:
			p.exact = true
		case c < len(links) && links[c] != nil:
			p.shared = links[c]
		case column(c) == b.terms.ran() && !l.anyUnexplained():
		default:
			if p.surrogate = b.fits.surrogate(column(c)); p.surrogate != nil {
				p.scale, p.believer = p.fit.warp, p.process
				p.unit = p.process.Hyper().Scale
			}
			if c < len(links) && (p.surrogate == nil || p.count < minTells) {
				return nil, errTooFew
			}
		}
	}
	for c, link := range links {
		if link != nil {
			from := &m.parts[link.of]
			m.parts[c].scale, m.parts[c].unit = link.scale(from.scale), from.unit
			link.spread(l, from.scale)
		}
	}
	m.relevance = m.relevances(len(b.space.Dims()))
	return m, m.believe(h)
}

var errTooFew = fault.New(fault.Invalid, "cannot model the objectives: fewer than %d trials have values", minTells)

func (l *ledger) anyUnexplained() bool {
	return slices.ContainsFunc(l.events, func(e event) bool { return e.trial && l.terms.unexplained(e.evidence) })
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
	for _, r := range open {
		p := pending{foreseen: m.foresee.of(r.point, r.assignment)}
		if !p.ok {
			continue
		}
		mean, sd := make([]float64, 1), make([]float64, 1)
		for c := range m.parts {
			part := &m.parts[c]
			if !part.modelled() {
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
		p.values = m.means(p.foreseen)
	}
	return nil
}

// means returns the values that are most likely at a point.
func (m *model) means(s foreseen) []float64 {
	mean, sd := m.predict([]foreseen{s})
	values := make([]float64, len(m.terms.directions))
	for j := range values {
		values[j] = mean[j][0]
		if !m.parts[j].exact {
			values[j] = m.parts[j].scale.Inverse(mean[j][0])
		}
	}
	_ = sd
	return values
}

// predict returns the mean and the standard deviation of every column at every
// point, on the scale of the part; columns without a part have nil.
func (m *model) predict(points []foreseen) (mean, sd [][]float64) {
	xs := make([]gp.Input, len(points))
	for i, p := range points {
		xs[i] = p.input
	}
	mean, sd = make([][]float64, len(m.parts)), make([][]float64, len(m.parts))
	for c, part := range m.parts {
		if !part.exact && part.shared == nil && !part.modelled() {
			continue
		}
		mean[c], sd[c] = make([]float64, len(points)), make([]float64, len(points))
		switch {
		case part.exact:
			for i, p := range points {
				mean[c][i] = p.known[c]
			}
		case part.modelled():
			part.believer.Predict(xs, mean[c], sd[c])
		}
	}
	for c, part := range m.parts {
		if part.shared != nil {
			part.shared.predict(mean[part.shared.of], sd[part.shared.of], mean[c], sd[c])
		}
	}
	return mean, sd
}

// relevances returns how much each knob matters, the objectives together.
func (m *model) relevances(dims int) []float64 {
	total := make([]float64, dims)
	sum := 0.0
	for j := range m.terms.directions {
		if p := m.parts[j]; p.modelled() {
			knobs, _ := p.process.Relevance()
			for i, r := range knobs {
				total[i] += r
				sum += r
			}
		}
	}
	for i := range total {
		if total[i] /= sum; math.IsNaN(total[i]) {
			total[i] = 1 / float64(dims)
		}
	}
	return total
}
