package bayes

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/space"
)

// climb is a local search for the candidate of most worth. It starts from even
// draws and from mutations of the front, and goes on from the best with ever
// smaller steps.
type climb struct {
	worth *acquisition
	rng   *rand.Rand
	wheel []float64       // cumulative probabilities of the knobs to be mutated
	met   map[string]bool // points that were scored or asked
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
	stepShrink = 0.55 // from round to round

	// fullEffort is the number of data of all processes together up to which
	// as many candidates are scored. With more data the number falls, as each
	// costs more, but not below leastEffort of it.
	fullEffort  = 450
	leastEffort = 0.25

	// smallSpace is the number of points up to which all are candidates.
	smallSpace = 600
)

// Best looks for the candidate of most worth that was not asked yet. There is
// none if the search met no point that makes a fresh recipe.
func (m *Model) Best(rng *rand.Rand) (space.Point, bool) {
	c := m.climber(m.acquire(rng), rng)
	for _, p := range m.pending {
		c.met[m.space.Canonical(p.input.Levels).Key()] = true
	}
	if m.space.Size() <= smallSpace {
		c.add(m.space.All())
	} else {
		c.climb(m.effort())
	}
	if top := c.top(1); len(top) > 0 {
		return top[0].point, true
	}
	return nil, false
}

// climber starts a local search. What was told is no candidate.
func (m *Model) climber(worth *acquisition, rng *rand.Rand) *climb {
	c := &climb{worth: worth, rng: rng, wheel: wheel(m.relevance), met: map[string]bool{}}
	for _, e := range m.events {
		if e.trial {
			c.met[m.space.Canonical(e.input.Levels).Key()] = true
		}
	}
	return c
}

// effort is the share of candidates to score.
func (m *Model) effort() float64 {
	data := 0
	for _, p := range m.parts {
		if p.surrogate != nil {
			data += p.count
		}
	}
	return min(1, max(leastEffort, fullEffort/float64(max(1, data))))
}

func (c *climb) climb(effort float64) {
	share := func(n int) int { return int(math.Ceil(effort * float64(n))) }
	var first []space.Point
	for range share(evenDraws) {
		first = append(first, c.worth.space.Random(c.rng))
	}
	for range share(mutants) {
		from := c.worth.from[c.rng.IntN(len(c.worth.from))]
		first = append(first, c.mutate(from, [...]int{1, 2, 3, 5}[c.rng.IntN(4)], firstStep))
	}
	c.add(first)
	step := firstStep
	for range rounds {
		step *= stepShrink
		var next []space.Point
		for _, p := range c.top(parents) {
			for range share(children) {
				next = append(next, c.mutate(p.point, [...]int{1, 1, 2}[c.rng.IntN(3)], step))
			}
		}
		c.add(next)
	}
}

// add scores points that were not met before.
func (c *climb) add(points []space.Point) {
	var fresh []space.Point
	var views []Foreseen
	for _, p := range points {
		p = c.worth.space.Canonical(p)
		if id := p.Key(); !c.met[id] {
			c.met[id] = true
			fresh, views = append(fresh, p), append(views, c.worth.foresight.at(p))
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
	c.order()
	kept := c.pool[:0]
	for _, p := range c.pool {
		if len(kept) == n {
			break
		}
		if c.worth.history.Fresh(p.point) {
			kept = append(kept, p)
		}
	}
	c.pool = kept
	return kept
}

// order puts the best candidates first.
func (c *climb) order() {
	slices.SortStableFunc(c.pool, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
}

// wheel spreads one half of the probability evenly over the knobs, the other
// by relevance.
func wheel(relevance []float64) []float64 {
	w := make([]float64, len(relevance))
	sum := 0.0
	for i, r := range relevance {
		sum += 0.5/float64(len(relevance)) + 0.5*r
		w[i] = sum
	}
	return w
}

// mutate changes some knobs of a point.
func (c *climb) mutate(p space.Point, knobs int, step float64) space.Point {
	q := c.worth.space.Canonical(p)
	if len(q) == 0 {
		return q
	}
	for range knobs {
		i, _ := slices.BinarySearch(c.wheel, c.rng.Float64()*c.wheel[len(q)-1])
		i = min(i, len(q)-1)
		q[i] = move(c.worth.space.Dims()[i], q[i], step, c.rng)
	}
	return q
}

const (
	// coarse is the number of levels up to which a knob moves level by level.
	coarse = 16
	// leap is the share of moves of ordered knobs that go anywhere.
	leap = 0.25
)

// move draws another level of a knob.
func move(d space.Dim, level int, step float64, rng *rand.Rand) int {
	if !d.Ordered() {
		return (level + 1 + rng.IntN(d.Levels-1)) % d.Levels
	}
	to := level
	if u := rng.Float64(); u < leap {
		to = d.At(rng.Float64())
	} else if d.Levels > coarse {
		to = d.At(d.Unit(level) + step*rng.NormFloat64())
	}
	if to == level {
		to = min(max(level+1-2*rng.IntN(2), 0), d.Levels-1)
	}
	return to
}
