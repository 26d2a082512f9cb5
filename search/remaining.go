package search

import (
	"cmp"
	"slices"

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

	remainingMethod = "the next trials are chosen by expected hypervolume improvement, each taken to have its predicted values (Kriging believer); their gain is the mean over joint draws from the model, corrected by how the same forecast came out ten trials earlier"
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

// remaining is the forecast, corrected by how the one before came out.
func (l *lens) remaining() (*Remaining, string) {
	if l.start != nil && len(l.history.trials) < l.start.size {
		return nil, "the search still follows its start design"
	}
	r, why := l.forecast()
	if r != nil {
		correction := l.record()
		r.Gain *= correction
		r.Share *= correction
	}
	return r, why
}

// forecast chooses the next trials much as the gp sampler would, but for one
// whole reference, and works out what they are expected to gain together.
func (l *lens) forecast() (*Remaining, string) {
	ahead := *l.model
	ahead.parts = append([]part(nil), l.parts...)
	observed := l.told.feasible()
	if len(observed) == 0 {
		return nil, noneFeasible
	}
	reference := l.told.terms.reference(observed)
	values, _ := ahead.denoised()
	present := pareto.Hypervolume(values, reference)
	switch {
	case !(present > 0):
		return nil, "no trial is better than the reference in every objective"
	case notFinite(present):
		return nil, "the hypervolume is too large a number: a limit lies too far away"
	}
	r := &Remaining{Trials: remainingTrials, Method: remainingMethod}
	c := &climb{bayes: l.bayes, worth: ahead.toward(reference), rng: l.rng(streamRemaining, 0), wheel: wheel(ahead.relevance), met: map[string]bool{}}
	c.survey()
	var batch []foreseen
	for n := range remainingTrials {
		best, ok := c.take()
		if !ok {
			break // every recipe has been asked
		}
		batch = append(batch, l.foresight.at(best.point))
		if n+1 == remainingTrials {
			break
		}
		p := &record{number: n, point: l.space.Prune(best.point)}
		if err := ahead.believe(&history{trials: map[int]*record{n: p}}); err != nil {
			return nil, err.Error()
		}
		c.worth = ahead.toward(reference)
		c.again()
	}
	archive := pareto.NewArchive(reference)
	for _, v := range values {
		archive.Add(v)
	}
	r.Gain = l.expect(batch, archive)
	r.Share = r.Gain / present
	return r, ""
}

const (
	surveyRounds = 2
	kept         = 64 // candidates that are scored again after each trial
)

// survey fills the pool with even draws, mutations of the front, and those of
// the best found.
func (c *climb) survey() {
	for _, e := range c.worth.events {
		if e.trial {
			c.met[name(c.space.Canonical(e.input.Levels))] = true
		}
	}
	var first []space.Point
	for range evenDraws {
		first = append(first, c.space.Random(c.rng))
	}
	for range mutants {
		from := c.worth.from[c.rng.IntN(len(c.worth.from))]
		first = append(first, c.mutate(from, 1+c.rng.IntN(3), firstStep))
	}
	c.add(first)
	step := firstStep
	for range surveyRounds {
		step *= stepShrink
		c.spawn(parents, step)
	}
}

// spawn adds children of the best candidates.
func (c *climb) spawn(parents int, step float64) {
	c.order()
	var next []space.Point
	for _, p := range c.pool[:min(parents, len(c.pool))] {
		for range children {
			next = append(next, c.mutate(p.point, 1+c.rng.IntN(2), step))
		}
	}
	c.add(next)
}

func (c *climb) order() {
	slices.SortStableFunc(c.pool, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
}

// take removes the best candidate whose recipe has not been asked.
func (c *climb) take() (best candidate, ok bool) {
	c.order()
	for i, p := range c.pool {
		if c.fresh(p.point) {
			c.pool = slices.Delete(c.pool, 0, i+1)
			return p, true
		}
	}
	return candidate{}, false
}

// again scores the best candidates for a new worth, and children of theirs.
func (c *climb) again() {
	c.pool = c.pool[:min(kept, len(c.pool))]
	views := make([]foreseen, len(c.pool))
	for i, p := range c.pool {
		views[i] = c.ledger.foresight.at(p.point)
	}
	for i, score := range c.worth.score(views) {
		c.pool[i].score = score
	}
	c.spawn(3, firstStep*stepShrink*stepShrink)
}

// toward is the acquisition for a given reference.
func (m *model) toward(reference []float64) *acquisition {
	values, points := m.denoised()
	a := &acquisition{model: m, trust: 1, doubt: 1}
	front := make([][]float64, 0, len(values))
	for _, k := range pareto.Front(values) {
		front = append(front, values[k])
		a.from = append(a.from, append(space.Point(nil), points[k]...))
	}
	axes := make([]ehvi.Axis, len(m.terms.directions))
	for j := range axes {
		axes[j] = ehvi.Axis{Scale: m.parts[j].scale, Unit: m.parts[j].unit}
	}
	a.improvement = ehvi.New(front, reference, axes)
	return a
}
