package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/goptuna"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study/fault"
)

const (
	// firstSigma is the standard deviation that a run starts with, as a share
	// of a knob's scale.
	firstSigma = 1.0 / 6
	// generations is how long a run follows its weights.
	generations = 3
	// frontMost bounds the front: of a larger one, the latest trials.
	frontMost = 256
	// augmented is the weight of the sum beside the largest gap (Knowles 2006).
	augmented = 0.05
)

// cmaes is goptuna's CMA-ES over numbers and two-valued choices. Every
// generation of told trials adapts it, in the order they were told, whoever
// proposed them.
//
// Several objectives are one at a time the augmented Chebyshev distance to the
// ideal point with random weights (Knowles 2006): a run of a few generations,
// from the best trial for these weights.
type cmaes struct {
	space   *space.Space
	terms   history.Terms
	seed    uint64
	told    int            // trials of the history that the runs have learnt from
	run     *goptuna.CMAES // nil: the space is one point
	runs    int            // so far
	left    int            // generations that the run has left
	weights []float64
	front   []*history.Trial // of the trials so far, at most frontMost
	worst   []float64        // of all feasible values so far
}

func newCMAES(sp *space.Space, t history.Terms, seed int64) (*cmaes, error) {
	for _, d := range sp.Dims() {
		if !d.Ordered() && d.Levels > 2 {
			return nil, fault.New(fault.Invalid, "cannot search with sampler cmaes: knob %s is a choice of %d values, which have no order", d.Knob.Name, d.Levels).
				Trying("motpe, or numbers and two-valued choices alone")
		}
	}
	s := &cmaes{space: sp, terms: t, seed: uint64(seed), worst: slices.Repeat([]float64{math.Inf(-1)}, len(t.Directions))}
	s.begin()
	return s, nil
}

func (s *cmaes) next(h *history.History, _ int) draw {
	s.advance(h)
	return func(_ int, rng *rand.Rand) (space.Point, string) {
		if s.run != nil {
			if unit, err := s.run.Draw(rng); err == nil {
				return s.space.At(unit), OriginModel
			}
		}
		return s.space.Random(rng), OriginRandom
	}
}

// advance tells the run what is new, generation by generation: the state is a
// function of the trials told, whenever it is asked for.
func (s *cmaes) advance(h *history.History) {
	for s.run != nil && len(h.Told)-s.told >= s.run.Generation() {
		trials := h.Told[s.told : s.told+s.run.Generation()]
		s.told += len(trials)
		for _, r := range trials {
			s.learn(r)
		}
		points := make([][]float64, len(trials))
		for i, r := range s.ordered(trials) {
			points[i] = s.place(r)
		}
		s.left--
		if err := s.run.Tell(points); err != nil || s.left == 0 && len(s.weights) > 1 {
			s.begin()
		}
	}
}

// learn takes in a feasible trial.
func (s *cmaes) learn(r *history.Trial) {
	if !r.Feasible() {
		return
	}
	for m, x := range r.Values {
		s.worst[m] = max(s.worst[m], x)
	}
	kept := s.front[:0]
	for _, q := range s.front {
		if pareto.Dominates(q.Values, r.Values) || slices.Equal(q.Values, r.Values) {
			return // and dominates all that r dominates: kept is what it was
		}
		if !pareto.Dominates(r.Values, q.Values) {
			kept = append(kept, q)
		}
	}
	s.front = append(kept, r)
	if len(s.front) > frontMost {
		s.front = s.front[1:]
	}
}

// begin starts a run: the first in the middle, later ones at the best trial
// for new weights or, for one objective, anywhere.
func (s *cmaes) begin() {
	if len(s.space.Dims()) == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(mix(s.seed), uint64(s.runs)))
	s.weights = make([]float64, len(s.terms.Directions))
	sum := 0.0
	for m := range s.weights { // even on the simplex
		s.weights[m] = rng.ExpFloat64()
		sum += s.weights[m]
	}
	for m := range s.weights {
		s.weights[m] /= sum
	}
	mean := slices.Repeat([]float64{0.5}, len(s.space.Dims()))
	switch {
	case s.runs == 0:
	case len(s.weights) == 1 || len(s.front) == 0:
		for i := range mean {
			mean[i] = rng.Float64()
		}
	default:
		mean = s.place(s.best())
	}
	s.runs++
	s.left = generations
	run, err := goptuna.NewCMAES(mean, firstSigma)
	if err != nil {
		run = nil // without one, draws are even
	}
	s.run = run
}

// best returns the trial of the front that is best for the weights.
func (s *cmaes) best() *history.Trial {
	low, high := s.scale()
	best, least := s.front[0], math.Inf(1)
	for _, r := range s.front {
		if x := chebyshev(r.Values, low, high, s.weights); x < least {
			best, least = r, x
		}
	}
	return best
}

// ordered returns trials from best to worst for the weights.
func (s *cmaes) ordered(trials []*history.Trial) []*history.Trial {
	feasible, others := s.terms.Classes(trials)
	value := make(map[*history.Trial]float64, len(feasible))
	if len(feasible) > 0 {
		low, high := s.scale()
		for _, r := range feasible {
			value[r] = chebyshev(r.Values, low, high, s.weights)
		}
	}
	slices.SortStableFunc(feasible, func(a, b *history.Trial) int { return cmp.Compare(value[a], value[b]) })
	return append(feasible, others...)
}

// scale is the range of the front, or of all trials where the front has none.
func (s *cmaes) scale() (low, high []float64) {
	low, high = slices.Clone(s.front[0].Values), slices.Clone(s.front[0].Values)
	for _, r := range s.front {
		for m, x := range r.Values {
			low[m], high[m] = min(low[m], x), max(high[m], x)
		}
	}
	for m := range high {
		if high[m] == low[m] {
			high[m] = s.worst[m]
		}
	}
	return low, high
}

// chebyshev is the augmented weighted Chebyshev distance from the low corner.
func chebyshev(values, low, high, weights []float64) float64 {
	worst, sum := math.Inf(-1), 0.0
	for m, x := range values {
		gap := x/2 - low[m]/2 // halves, because a difference may overflow
		if width := high[m]/2 - low[m]/2; width > 0 {
			gap /= width
		}
		worst, sum = max(worst, weights[m]*gap), sum+weights[m]*gap
	}
	return worst + augmented*sum
}

// place is where a trial lies in the unit cube: anywhere in the cell of its
// level, so that the distribution does not shrink below a cell.
func (s *cmaes) place(r *history.Trial) []float64 {
	rng := rand.New(rand.NewPCG(mix(s.seed), mix(uint64(r.Number))))
	p := s.space.Canonical(r.Point)
	unit := make([]float64, len(p))
	for i, d := range s.space.Dims() {
		low, high := d.Cell(p[i])
		unit[i] = low + (high-low)*rng.Float64()
	}
	return unit
}
