package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/space"
)

// climb is a local search for the point of most worth. It starts from even
// draws and from mutations of the front, and goes on from the best, with ever
// smaller steps.
type climb struct {
	*bayes
	worth *acquisition
	rng   *rand.Rand
	seen  map[string]bool
	pool  []candidate
}

type candidate struct {
	point space.Point
	score float64
}

const (
	evenDraws  = 300
	mutants    = 300
	rounds     = 5
	parents    = 12
	children   = 16
	firstStep  = 0.15 // of ordered knobs, as a share of their range
	stepShrink = 0.55 // of each round
)

// best returns the fresh point of most worth that the search finds, or nil.
func (b *bayes) best(m *model, rng *rand.Rand) space.Point {
	c := &climb{bayes: b, worth: m.acquire(rng), rng: rng, seen: map[string]bool{}}
	for _, e := range m.events {
		if e.trial {
			c.seen[name(b.space.Canonical(e.input.Levels))] = true
		}
	}
	for _, p := range m.pending {
		c.seen[name(b.space.Canonical(p.input.Levels))] = true
	}
	pick := b.wheel(m.relevance)
	var first []space.Point
	for range evenDraws {
		first = append(first, b.space.Random(rng))
	}
	for range mutants {
		from := c.worth.front[rng.IntN(len(c.worth.front))]
		first = append(first, c.mutate(from, [...]int{1, 2, 3, 5}[rng.IntN(4)], firstStep, pick))
	}
	c.add(first)
	step := firstStep
	for range rounds {
		step *= stepShrink
		var next []space.Point
		for _, p := range c.top(parents) {
			for range children {
				next = append(next, c.mutate(p.point, [...]int{1, 1, 2}[rng.IntN(3)], step, pick))
			}
		}
		c.add(next)
	}
	if top := c.top(1); len(top) > 0 {
		return top[0].point
	}
	return nil
}

// add scores points that were not met before.
func (c *climb) add(points []space.Point) {
	var fresh []space.Point
	var views []foreseen
	for _, p := range points {
		p = c.space.Canonical(p)
		if id := name(p); !c.seen[id] {
			c.seen[id] = true
			fresh = append(fresh, p)
			views = append(views, c.evidence.foresee.at(p))
		}
	}
	for i, score := range c.worth.score(views) {
		if !math.IsInf(score, -1) {
			c.pool = append(c.pool, candidate{fresh[i], score})
		}
	}
}

// top returns the n best candidates whose recipes have not been asked, and
// drops all others.
func (c *climb) top(n int) []candidate {
	slices.SortStableFunc(c.pool, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	kept := c.pool[:0]
	for _, p := range c.pool {
		if len(kept) < n && c.fresh(p.point) {
			kept = append(kept, p)
		}
	}
	c.pool = kept
	return kept
}

// wheel returns the cumulative probabilities with which knobs are mutated: half
// evenly, half by relevance.
func (b *bayes) wheel(relevance []float64) []float64 {
	w := make([]float64, len(relevance))
	sum := 0.0
	for i, r := range relevance {
		sum += 0.5/float64(len(relevance)) + 0.5*r
		w[i] = sum
	}
	return w
}

// mutate changes some knobs of a point.
func (c *climb) mutate(p space.Point, knobs int, step float64, wheel []float64) space.Point {
	q := c.space.Canonical(p)
	for range knobs {
		i, _ := slices.BinarySearch(wheel, c.rng.Float64()*wheel[len(wheel)-1])
		i = min(i, len(q)-1)
		q[i] = c.step(c.space.Dims()[i], q[i], step)
	}
	return q
}

// fine is the number of levels above which a knob is moved by a share of its
// range, and not level by level.
const fine = 16

// step draws another level of a knob.
func (c *climb) step(d space.Dim, level int, step float64) int {
	switch {
	case !d.Ordered():
		return (level + 1 + c.rng.IntN(d.Levels-1)) % d.Levels
	case c.rng.Float64() < 0.25:
		return d.At(c.rng.Float64())
	case d.Levels <= fine:
		return min(max(level+1-2*c.rng.IntN(2), 0), d.Levels-1)
	}
	to := d.At(d.Unit(level) + step*c.rng.NormFloat64())
	if to == level {
		to = min(max(level+1-2*c.rng.IntN(2), 0), d.Levels-1)
	}
	return to
}
