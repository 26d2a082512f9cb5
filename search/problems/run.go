package problems

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// Asker is what a campaign asks: a sampler of package search, or a peer in
// another process. Trials are numbered from 0.
type Asker interface {
	// Ask proposes trial n, or fails with search.ErrExhausted.
	Ask(n int) (study.Assignment, error)
	// Tell closes trial n with the outcome of what was asked.
	Tell(n int, o search.Outcome) error
	// Prepare is called between a Tell and the Ask of trial n.
	Prepare(n int) error
}

// Campaign is how a problem is searched.
type Campaign struct {
	Seed   int64
	Trials int
	// Outstanding is the number of asks that wait for their outcome while the
	// next is made, in an order that the seed decides; 0 is 1.
	Outstanding int
	// Now returns seconds since any time; nil takes no times.
	Now func() float64
}

// Result is what a campaign did. Every slice has one element for each trial,
// in the order they were told. If the space is exhausted, the last score is
// repeated and the other slices end.
type Result struct {
	// Share is the hypervolume after the trial, as a share of the true front's.
	Share []float64 `json:"share"`
	// Value is the best feasible value so far where there is one objective, and
	// nil otherwise; the largest number before the first.
	Value    []float64 `json:"value,omitempty"`
	Feasible []bool    `json:"feasible"`
	// Ask, Tell and Prepare are seconds, if they were taken.
	Ask     []float64 `json:"ask,omitempty"`
	Tell    []float64 `json:"tell,omitempty"`
	Prepare []float64 `json:"prepare,omitempty"`
}

// Config is the search of a problem by a sampler of package search.
func (p Problem) Config(sampler string, seed int64, trials int) search.Config {
	return search.Config{
		Knobs: p.Knobs, Directions: p.Directions, Sampler: sampler, Seed: seed, Budget: trials, Neutral: p.Neutral,
		Constraints: p.Constraints, Predict: p.Predict, Key: p.Key,
	}
}

// Run searches a problem with a sampler of package search, one trial at a
// time, and returns the shares of Result.
func Run(p Problem, sampler string, seed int64, trials int) ([]float64, error) {
	a, err := NewAsker(p.Config(sampler, seed, trials))
	if err != nil {
		return nil, err
	}
	r, err := Campaign{Seed: seed, Trials: trials}.Run(p, a)
	return r.Share, err
}

// campaign is a Campaign under way.
type campaign struct {
	Campaign
	p     Problem
	asker Asker
	open  []trial
	front [][]float64
	share float64
	Result
}

// trial is an outstanding one.
type trial struct {
	number   int
	exact    search.Outcome
	observed search.Outcome
}

// Run searches a problem.
func (c Campaign) Run(p Problem, a Asker) (Result, error) {
	r := campaign{Campaign: c, p: p, asker: a}
	order := rand.New(rand.NewPCG(uint64(c.Seed), 8))
	for n := range c.Trials {
		for len(r.open) >= max(1, c.Outstanding) {
			if err := r.tell(order.IntN(len(r.open))); err != nil {
				return r.Result, err
			}
		}
		if err := r.ask(n); errors.Is(err, search.ErrExhausted) {
			break
		} else if err != nil {
			return r.Result, err
		}
	}
	for len(r.open) > 0 {
		if err := r.tell(order.IntN(len(r.open))); err != nil {
			return r.Result, err
		}
	}
	for n := len(r.Share); n < c.Trials; n++ {
		r.Share = append(r.Share, r.share)
		if len(r.Value) > 0 {
			r.Value = append(r.Value, r.Value[n-1])
		}
	}
	return r.Result, nil
}

// timed calls f and appends how long it took.
func (c *campaign) timed(to *[]float64, f func() error) error {
	if c.Now == nil {
		return f()
	}
	start := c.Now()
	err := f()
	*to = append(*to, c.Now()-start)
	return err
}

func (c *campaign) ask(n int) error {
	if err := c.timed(&c.Result.Prepare, func() error { return c.asker.Prepare(n) }); err != nil {
		return err
	}
	var asked study.Assignment
	err := c.timed(&c.Result.Ask, func() (err error) {
		asked, err = c.asker.Ask(n)
		return err
	})
	if err != nil {
		return err
	}
	exact := c.p.Trial(asked)
	c.open = append(c.open, trial{n, exact, c.p.Observe(asked, exact, c.Seed)})
	return nil
}

// tell closes the i-th outstanding trial.
func (c *campaign) tell(i int) error {
	t := c.open[i]
	c.open = slices.Delete(c.open, i, i+1)
	c.score(t.exact)
	return c.timed(&c.Result.Tell, func() error { return c.asker.Tell(t.number, t.observed) })
}

func (c *campaign) score(o search.Outcome) {
	feasible := Feasible(o)
	if feasible {
		v := pareto.Orient(o.Values, c.p.Directions)
		if grown := keepFront(c.front, v); len(v) > 0 {
			c.share += gain(c.front, v, c.p.Reference) / c.p.Best
			c.front = grown
		}
	}
	c.Share = append(c.Share, c.share)
	c.Result.Feasible = append(c.Result.Feasible, feasible)
	if len(c.p.Directions) == 1 {
		best := math.MaxFloat64
		if len(c.front) > 0 {
			best = c.front[0][0]
		}
		c.Value = append(c.Value, best)
	}
}

// gain is the hypervolume that a point adds to a front: its own box less what
// the front, clipped to that box, dominates of it.
func gain(front [][]float64, p, reference []float64) float64 {
	own := pareto.Hypervolume([][]float64{p}, reference)
	if own == 0 {
		return 0
	}
	var clipped [][]float64
	for _, q := range front {
		corner := slices.Clone(p)
		for m, x := range q {
			corner[m] = max(corner[m], x)
		}
		clipped = keepFront(clipped, corner)
	}
	return max(0, own-pareto.Hypervolume(clipped, reference))
}

// Feasible reports whether an outcome counts: it has all its values and breaks
// no constraint.
func Feasible(o search.Outcome) bool {
	broken := func(c float64) bool { return !(c <= 0) }
	missing := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	return !o.Infeasible && o.Values != nil && !slices.ContainsFunc(o.Values, missing) && !slices.ContainsFunc(o.Constraints, broken)
}

// own is a sampler of package search as an Asker.
type own struct{ search.Sampler }

// NewAsker starts a search.
func NewAsker(cfg search.Config) (Asker, error) {
	s, err := search.New(cfg)
	if err != nil {
		return nil, err
	}
	return own{s}, nil
}

func (o own) Ask(n int) (study.Assignment, error) {
	s, err := o.Sampler.Ask(n)
	return s.Assignment, err
}

// Designs returns the assignments that a sampler begins with on a problem
// before it has a model: the same starts can then be given to a peer.
func Designs(p Problem, sampler string, seed int64, trials int) ([]study.Assignment, error) {
	s, err := search.New(p.Config(sampler, seed, trials))
	if err != nil {
		return nil, err
	}
	var designs []study.Assignment
	for n := range trials {
		g, err := s.Ask(n)
		if err != nil || g.Origin != search.OriginStart {
			return designs, nil
		}
		designs = append(designs, g.Assignment)
		if err := s.Tell(n, p.Trial(g.Assignment)); err != nil {
			return nil, err
		}
	}
	return designs, nil
}
