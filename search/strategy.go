package search

import (
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/bayes"
	"github.com/fettle-edge/fettle/search/goptuna"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/space"
)

// strategy turns a history into a way to draw points.
type strategy interface {
	// next returns where the points of trial n come from. It is called before
	// every ask, and again if the history changes between a Prepare and its
	// Ask. The answer must depend on nothing but n and the history; a strategy
	// may remember what it worked out, as long as that shows in speed alone
	// (goptuna's TPE, which draws from a global source, is the exception).
	next(h *history.History, n int) draw
}

// draw proposes a point and says where it comes from. Draws are numbered from
// 0 within an ask; a draw after the first is made because the ones before were
// no use.
type draw func(d int, rng *rand.Rand) (p space.Point, origin string)

// random draws evenly.
type random struct{ space *space.Space }

func (s random) next(*history.History, int) draw {
	return func(_ int, rng *rand.Rand) (space.Point, string) { return s.space.Random(rng), OriginRandom }
}

// alongSobol follows the sequence by the number of trials, and draws evenly
// where that leads to a duplicate.
type alongSobol struct {
	space    *space.Space
	sequence *goptuna.Sobol
}

func (s alongSobol) next(h *history.History, _ int) draw {
	return func(d int, rng *rand.Rand) (space.Point, string) {
		if d > 0 {
			return s.space.Random(rng), OriginSobol
		}
		return s.space.At(s.sequence.At(h.Len())), OriginSobol
	}
}

// gaussian takes the best candidate of a model by Gaussian processes. Where
// there can be no model, the fallback draws.
type gaussian struct {
	space     *space.Space
	optimiser *bayes.Optimiser
	fallback  strategy
}

func (s gaussian) next(h *history.History, n int) draw {
	m, err := s.optimiser.Model(h)
	if err != nil {
		return s.fallback.next(h, n)
	}
	return func(d int, rng *rand.Rand) (space.Point, string) {
		if d == 0 {
			if p, ok := m.Best(rng); ok {
				return p, OriginModel
			}
		}
		return s.space.Random(rng), OriginRandom
	}
}

// likeTheBest draws from goptuna's TPE over the ranks of the history.
type likeTheBest struct{ tpe *goptuna.TPE }

func newLikeTheBest(sp *space.Space, seed int64) (likeTheBest, error) {
	tpe, err := goptuna.NewTPE(sp, seed)
	return likeTheBest{tpe}, err
}

func (s likeTheBest) next(h *history.History, _ int) draw {
	best, rest := h.Split(goptuna.Good(len(h.Told)))
	points := make([]space.Point, 0, len(h.Told))
	for _, r := range slices.Concat(best, rest) {
		points = append(points, r.Point)
	}
	s.tpe.Fit(points)
	return func(_ int, rng *rand.Rand) (space.Point, string) { return s.tpe.Draw(rng), OriginModel }
}
