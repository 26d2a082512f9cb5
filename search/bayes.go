package search

import (
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/space"
)

// bayes is Bayesian optimisation: a Gaussian process for every objective and
// constraint, the expected hypervolume improvement over the denoised front as
// the worth of a candidate, and a local search over the grid for the candidate
// of most worth. Hyperparameters come from fits at fixed numbers of tells
// (schedule), the posterior holds all that is known.
type bayes struct {
	space    *space.Space
	terms    terms
	evidence *ledger
	fits     *fits
	fresh    func(space.Point) bool // whether a point makes a recipe not asked yet
	fallback strategy
	remarks  remarks
}

const (
	// minTells is the number of trials with values below which there is no
	// model.
	minTells = 4
	// maxEvents is the amount of evidence above which the cubic cost of a
	// process is not worth it any more.
	maxEvents = 500
)

// next fits what the schedule asks for, and then looks for the best candidate.
// Where there is no model, the fallback draws.
func (b *bayes) next(h *history, n int) draw {
	b.evidence.read(h)
	b.remarks.reset()
	m, err := b.model(h)
	if err != nil {
		b.remarks.fallback(err)
		return b.fallback.next(h, n)
	}
	return func(d int, rng *rand.Rand) (space.Point, string) {
		if d == 0 {
			if p := b.best(m, rng); p != nil {
				return p, OriginModel
			}
		}
		return b.space.Random(rng), OriginRandom
	}
}
