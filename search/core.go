package search

import (
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

const (
	// maxDuplicates is the number of duplicate draws after which the nearest
	// recipe not asked yet is taken.
	maxDuplicates = 10
	// maxDraws bounds the draws of one ask where many make no recipe.
	maxDraws = 100
)

// core is the one Sampler: it keeps recipes from being asked twice, and leaves
// the choice of points to a strategy.
type core struct {
	config   Config
	space    *space.Space
	history  *history.History
	replay   []space.Point
	start    *start // nil: the strategy needs none
	strategy strategy
	ahead    prepared
}

var _ Sampler = (*core)(nil)

// prepared is the first draw of an ask, made ahead.
type prepared struct {
	trial, version int // of the ask and of the history that it serves
	next           draw
	point          space.Point
	origin         string
}

// Ask draws until a recipe is new.
func (c *core) Ask(n int) (Suggestion, error) {
	if err := c.Prepare(n); err != nil {
		return Suggestion{}, err
	}
	var s Suggestion
	last := c.ahead.point
	s.Origin = c.ahead.origin
	for d := 0; d < maxDraws && s.Duplicates < maxDuplicates; d++ {
		if d > 0 {
			last, s.Origin = c.ahead.next(d, c.rng(n, d))
		}
		switch valid, taken := c.history.Recipe(c.space.Assignment(last)); {
		case taken:
			s.Duplicates++
		case valid:
			return c.take(n, last, s)
		}
	}
	p, err := c.unseen(last, c.rng(n, maxDraws))
	if err != nil {
		return Suggestion{}, err
	}
	s.Origin = OriginNeighbour
	return c.take(n, p, s)
}

// Prepare makes the first draw, which is nearly all the work of an ask.
func (c *core) Prepare(n int) error {
	if c.history.Has(n) {
		return fault.New(fault.Conflict, "cannot ask for trial %d: the search has a trial of this number", n)
	}
	if c.ahead.next != nil && c.ahead.trial == n && c.ahead.version == c.history.Version() {
		return nil
	}
	c.ahead = prepared{trial: n, version: c.history.Version(), next: c.next(n)}
	c.ahead.point, c.ahead.origin = c.ahead.next(0, c.rng(n, 0))
	return nil
}

// next is where points come from at this state of the history.
func (c *core) next(n int) draw {
	for _, p := range c.replay {
		if c.history.Fresh(p) {
			return c.first(p, OriginReplay)
		}
	}
	if c.start != nil {
		if p, ok := c.start.next(c.history); ok {
			return c.first(p, OriginStart)
		}
	}
	return c.strategy.next(c.history, n)
}

// first proposes p and, should that be of no use, even draws.
func (c *core) first(p space.Point, origin string) draw {
	return func(d int, rng *rand.Rand) (space.Point, string) {
		if d == 0 {
			return p, origin
		}
		return c.space.Random(rng), origin
	}
}

func (c *core) take(n int, p space.Point, s Suggestion) (Suggestion, error) {
	s.Assignment = c.space.Assignment(p)
	return s, c.history.Add(n, s.Assignment)
}

func (c *core) Add(n int, a study.Assignment) error { return c.history.Add(n, a) }

func (c *core) Tell(n int, o Outcome) error { return c.history.Tell(n, o) }

func (c *core) Forget(n int) error { return c.history.Forget(n) }

func (c *core) Observe(a study.Assignment, o Outcome) error { return c.history.Observe(a, o) }

// streamSobol is the "trial" whose stream scrambles Sobol's sequence. Those
// below it belong to package explain.
const streamSobol = -1

// rng is the source of draw d for trial n. Sources of different draws are
// independent, so that no draw depends on how many there were before.
func (c *core) rng(n, d int) *rand.Rand {
	return rand.New(rand.NewPCG(mix(uint64(c.config.Seed)), mix(mix(uint64(n))+uint64(d))))
}

// mix spreads the difference of neighbouring numbers over all bits (Steele et
// al. 2014, SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
