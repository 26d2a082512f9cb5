package search

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/parzen"
	"github.com/fettle-edge/fettle/search/space"
)

const (
	// candidates is the number of draws among which the most promising is
	// taken.
	candidates = 24
	// goodShare of the told trials are good, but not more than goodMost.
	goodShare, goodMost = 0.1, 25
	// jointEvery is how often knobs are taken together: on every third ask. Both
	// estimates find what the other misses: the product moves many knobs at
	// once, and the joint one keeps combinations that are good only together.
	jointEvery = 3
)

// motpe is a multi-objective tree-structured Parzen estimator (Ozaki et al.
// 2020): it takes the draw from the density of the good trials that the density
// of the others explains least.
//
// Trials that are good are the best ranks of the feasible ones, cut by
// hypervolume; infeasible ones fill up what is missing if it is known by how
// much they are. Outstanding trials count as bad, so that many asks at once do
// not all go to the same place.
type motpe struct{ space *space.Space }

func (s motpe) next(h *history.History, n int) draw {
	size := int(math.Ceil(goodShare * float64(len(h.Told))))
	// Fewer would be too few sides of a front of several objectives.
	size = min(max(size, 2, 2*len(h.Terms.Directions)-1), goodMost)
	best, rest := h.Split(size)
	var good, bad []space.Point
	for i, r := range slices.Concat(best, rest) {
		feasible := r.Feasible() && i < len(best)
		if feasible || len(good) < size && r.Infeasible && h.Terms.Measured(r.Evidence) {
			good = append(good, r.Point)
		} else {
			bad = append(bad, r.Point)
		}
	}
	for _, r := range h.Outstanding() {
		bad = append(bad, r.Point)
	}
	estimate := parzen.Product
	if n%jointEvery == 0 {
		estimate = parzen.Joint
	}
	like, unlike := estimate(s.space, good), estimate(s.space, bad)
	return func(_ int, rng *rand.Rand) (space.Point, string) {
		var best space.Point
		most := math.Inf(-1)
		for range candidates {
			p := like.Draw(rng)
			pruned := s.space.Prune(p)
			if gain := like.Log(pruned) - unlike.Log(pruned); best == nil || gain > most {
				best, most = p, gain
			}
		}
		return best, OriginModel
	}
}
