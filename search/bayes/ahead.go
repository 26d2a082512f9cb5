package bayes

import (
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
)

// Ahead returns the next n trials much as asks would choose them, but for one
// whole reference; fewer, if there are not so many recipes that were not asked.
// Each is taken to have its predicted values while the next is chosen. Denoised
// must have values.
func (m *Model) Ahead(n int, reference []float64, rng *rand.Rand) ([]Foreseen, error) {
	ahead := *m
	ahead.parts = slices.Clone(m.parts)
	c := m.climber(ahead.toward(reference), rng)
	c.survey()
	var batch []Foreseen
	for len(batch) < n {
		best, ok := c.take()
		if !ok {
			break
		}
		batch = append(batch, m.foresight.at(best.point))
		if len(batch) == n {
			break
		}
		next := &history.Trial{Point: m.space.Prune(best.point)}
		if err := ahead.believe([]*history.Trial{next}); err != nil {
			return nil, err
		}
		c.worth = ahead.toward(reference)
		c.again()
	}
	return batch, nil
}

// toward is the acquisition for a given reference.
func (m *Model) toward(reference []float64) *acquisition {
	values, points := m.denoised()
	a := m.plain()
	var front [][]float64
	for _, k := range pareto.Front(values) {
		front, a.from = append(front, values[k]), append(a.from, points[k])
	}
	a.improvement = ehvi.New(front, reference, m.axes())
	return a
}

const (
	surveyRounds = 2
	kept         = 64 // candidates that are scored again after each trial
)

// survey fills the pool with even draws, mutations of the front, and those of
// the best found.
func (c *climb) survey() {
	var first []space.Point
	for range evenDraws {
		first = append(first, c.worth.space.Random(c.rng))
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

// take removes the best candidate whose recipe has not been asked.
func (c *climb) take() (best candidate, ok bool) {
	c.order()
	for i, p := range c.pool {
		if c.worth.history.Fresh(p.point) {
			c.pool = slices.Delete(c.pool, 0, i+1)
			return p, true
		}
	}
	return candidate{}, false
}

// again scores the best candidates for a new worth, and children of theirs.
func (c *climb) again() {
	c.pool = c.pool[:min(kept, len(c.pool))]
	views := make([]Foreseen, len(c.pool))
	for i, p := range c.pool {
		views[i] = c.worth.foresight.at(p.point)
	}
	for i, score := range c.worth.score(views) {
		c.pool[i].score = score
	}
	c.spawn(3, firstStep*stepShrink*stepShrink)
}
