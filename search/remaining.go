package search

import (
	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study/fault"
)

// Remaining is what the next trials are expected to add to the hypervolume.
type Remaining struct {
	Trials int
	Gain   float64 // in the product of the objectives' units
	Share  float64 // of the hypervolume of the front as the model sees it
	Method string
}

const (
	// remainingTrials is how far Remaining looks ahead.
	remainingTrials = 10
	// streamRemaining is the "trial" whose stream the look ahead draws from.
	streamRemaining = -3

	remainingMethod = "expected hypervolume improvement, one trial after the other, each taken to have its predicted values (Kriging believer)"
)

// Forecast is Explain's Remaining alone, for callers that ask often. It fails
// with a sentence where nothing can be said.
func Forecast(s Sampler) (Remaining, error) {
	c, ok := s.(*core)
	if !ok {
		return Remaining{}, fault.New(fault.Invalid, "cannot explain a sampler of another package").Trying("a sampler of search.New")
	}
	l, err := c.look()
	if err != nil {
		return Remaining{}, err
	}
	r, why := l.remaining()
	if r == nil {
		return Remaining{}, fault.New(fault.Conflict, "cannot tell what is left to gain: %s", why).Trying("wait for more trials")
	}
	return *r, nil
}

// remaining chooses the next trials as the gp sampler would, but for one whole
// reference, and adds up what each is expected to gain.
func (l *lens) remaining() (*Remaining, string) {
	if l.start != nil && len(l.history.trials) < l.start.size {
		return nil, "the search still follows its start design"
	}
	ahead := *l.model
	ahead.parts = append([]part(nil), l.parts...)
	observed := l.history.feasible()
	if len(observed) == 0 {
		return nil, noneFeasible
	}
	reference := l.history.terms.reference(observed)
	values, _ := ahead.denoised()
	present := pareto.Hypervolume(values, reference)
	if !(present > 0) {
		return nil, "no trial is better than the reference in every objective"
	}
	r := &Remaining{Trials: remainingTrials, Method: remainingMethod}
	for n := range remainingTrials {
		best, ok := l.bayes.climb(&ahead, ahead.toward(reference), l.rng(streamRemaining, n))
		if !ok {
			break // every recipe has been asked
		}
		r.Gain += max(0, best.score)
		p := &record{number: n, point: l.space.Prune(best.point)}
		if err := ahead.believe(&history{trials: map[int]*record{n: p}}); err != nil {
			return nil, err.Error()
		}
	}
	r.Share = r.Gain / present
	return r, ""
}

// toward is the acquisition for a given reference.
func (m *model) toward(reference []float64) *acquisition {
	values, points := m.denoised()
	a := &acquisition{model: m}
	front := make([][]float64, 0, len(values))
	for _, k := range pareto.Front(values) {
		front = append(front, values[k])
		a.front = append(a.front, append(space.Point(nil), points[k]...))
	}
	axes := make([]ehvi.Axis, len(m.terms.directions))
	for j := range axes {
		if p := m.parts[j]; !p.exact {
			axes[j] = ehvi.Axis{Scale: p.scale, Unit: p.unit}
		}
	}
	a.improvement = ehvi.New(front, reference, axes)
	return a
}
