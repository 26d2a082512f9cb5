package search

import (
	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

// newBayes makes the strategy for a space.
func newBayes(sp *space.Space, t terms, predict func(study.Assignment) Prediction, fresh func(space.Point) bool, fallback strategy) *bayes {
	l := &ledger{terms: t, foresee: newForesight(sp, t, predict)}
	b := &bayes{space: sp, terms: t, evidence: l, fresh: fresh, fallback: fallback}
	b.fits = &fits{ledger: l, memory: map[fitKey]*fit{}, last: make([]*surrogate, t.columns())}
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
