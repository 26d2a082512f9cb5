package search

import (
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/goptuna"
	"github.com/fettle-edge/fettle/search/space"
)

// strategy turns a history into a way to draw points. It is called once for
// each ask, and must depend on nothing but the history (goptuna's TPE, which
// draws from a global source, is the exception).
type strategy func(*history) draw

// draw proposes a point and says where it comes from. Draws are numbered from
// 0 within an ask; a draw after the first is made because the ones before were
// no use.
type draw func(d int, rng *rand.Rand) (p space.Point, origin string)

// randomly draws evenly.
func randomly(sp *space.Space) strategy {
	return func(*history) draw {
		return func(_ int, rng *rand.Rand) (space.Point, string) { return sp.Random(rng), OriginRandom }
	}
}

// alongSobol follows the sequence by the number of trials, and draws evenly
// where that leads to a duplicate.
func alongSobol(sp *space.Space, sequence *goptuna.Sobol) strategy {
	return func(h *history) draw {
		return func(d int, rng *rand.Rand) (space.Point, string) {
			if d > 0 {
				return sp.Random(rng), OriginSobol
			}
			return sp.At(sequence.At(len(h.trials))), OriginSobol
		}
	}
}

// likeTheBest draws from goptuna's TPE over the ranks of the history.
func likeTheBest(sp *space.Space, seed int64) (strategy, error) {
	tpe, err := goptuna.NewTPE(sp, seed)
	if err != nil {
		return nil, err
	}
	return func(h *history) draw {
		ranked := h.ranked()
		points := make([]space.Point, len(ranked))
		for i, r := range ranked {
			points[i] = r.point
		}
		tpe.Fit(points)
		return func(_ int, rng *rand.Rand) (space.Point, string) { return tpe.Draw(rng), OriginModel }
	}, nil
}
