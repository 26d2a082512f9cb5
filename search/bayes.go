package search

import (
	"fmt"
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// bayes is Bayesian optimisation: a Gaussian process for every objective and
// constraint, the expected hypervolume improvement over the denoised front as
// the worth of a candidate, and a local search over the grid for the candidate
// of most worth.
type bayes struct {
	space    *space.Space
	terms    terms
	ledger   *ledger
	fits     *fits
	fresh    func(space.Point) bool // whether a point makes a recipe not asked yet
	fallback strategy
	remarks  []string // on the last model, for people
}

const (
	// minValues is the number of values of an objective below which it has no
	// model.
	minValues = 4
	// maxEvents is the amount of evidence above which the cubic cost of a
	// process is not worth it any more.
	maxEvents = 500
)

func newBayes(sp *space.Space, t terms, predict func(study.Assignment) Prediction, fresh func(space.Point) bool, fallback strategy) *bayes {
	l := &ledger{terms: t, foresight: newForesight(sp, t, predict)}
	b := &bayes{space: sp, terms: t, ledger: l, fits: newFits(l), fresh: fresh, fallback: fallback}
	for _, d := range sp.Dims() {
		b.fits.dims = append(b.fits.dims, places(d))
	}
	return b
}

// places is a knob as a process sees it: levels on a scale from 0 to 1.
func places(d space.Dim) gp.Dim {
	out := gp.Dim{Categorical: !d.Ordered(), At: make([]float64, d.Levels)}
	low, high := d.Unit(0), d.Unit(d.Levels-1)
	for l := range out.At {
		out.At[l] = (d.Unit(l) - low) / (high - low)
	}
	return out
}

// next makes the model; its draw looks for the best candidate. Where there can
// be no model, the fallback draws.
func (b *bayes) next(h *history, n int) draw {
	b.remarks = b.remarks[:0]
	b.ledger.read(h)
	m, err := b.model(h)
	if err != nil {
		b.remark("%s draws, not gp: %v", MOTPE, err)
		return b.fallback.next(h, n)
	}
	return func(d int, rng *rand.Rand) (space.Point, string) {
		if d == 0 {
			if p, ok := b.best(m, rng); ok {
				return p, OriginModel
			}
		}
		return b.space.Random(rng), OriginRandom
	}
}

func (b *bayes) remark(format string, args ...any) {
	b.remarks = append(b.remarks, fmt.Sprintf(format, args...))
}

var (
	errTooFew  = fault.New(fault.Invalid, "cannot model an objective with fewer than %d values", minValues)
	errTooMany = fault.New(fault.Invalid, "cannot model more than %d observations with Gaussian processes", maxEvents)
)
