package search

import (
	"math"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
)

// worstRecord and bestRecord bound what one forecast says of the next.
const (
	worstRecord = 0.1
	bestRecord  = 4
)

// record is the factor by which a forecast is to be corrected: the root of what
// the latest trials gained, as a multiple of what was to be gained when they
// began; 1 if that cannot be said. The root, because one forecast that was off
// says half of how far the next will be, on a scale of logarithms.
func (l *lens) record() float64 {
	count := len(l.told.told) - remainingTrials
	if count < minValues || l.start != nil && count < l.start.size {
		return 1
	}
	before, err := l.before(count)
	if err != nil {
		return 1
	}
	then, _ := before.forecast()
	if then == nil || !(then.Share > 0) {
		return 1
	}
	reference := before.told.terms.reference(before.told.feasible())
	had := pareto.Hypervolume(before.told.feasible(), reference)
	gained := pareto.Hypervolume(l.told.feasible(), reference) - had
	if !(had > 0) || notFinite(gained) {
		return 1
	}
	return math.Sqrt(min(bestRecord, max(worstRecord, gained/had/then.Share)))
}

// before is how the search looked when count trials had been told, by the
// hyperparameters of now.
func (l *lens) before(count int) (*lens, error) {
	h := *l.told
	h.told = h.told[:count]
	h.sisters = h.sisters[:h.told[count-1].sisters]
	asked := map[string]bool{}
	for _, r := range h.told {
		asked[r.key] = true
	}
	fresh := func(p space.Point) bool {
		key, err := l.keys.of(l.space.Assignment(p))
		return err == nil && !asked[key]
	}
	return l.lookAt(&h, fresh, func(_ *fits, c column) *fit {
		if s := l.parts[c].surrogate; s != nil {
			return s.fit
		}
		return nil
	})
}
