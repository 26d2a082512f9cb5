// Package bayes is Bayesian optimisation: a Gaussian process for every
// objective and constraint, the expected hypervolume improvement over the
// denoised front as the worth of a candidate, and a local search over the grid
// for the candidate of most worth.
//
// An Optimiser follows a history as it grows, and makes a Model of each state of
// it. Look makes a model of a history that is looked at once.
package bayes

import (
	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Optimiser models one history. It remembers fits, which shows in speed alone:
// a model is a function of the history.
type Optimiser struct {
	ledger *ledger
	fits   *fits
}

const (
	// MinValues is the number of values of an objective below which it has no
	// model.
	MinValues = 4
	// MaxEvents is the amount of evidence above which the cubic cost of a
	// process is not worth it any more.
	MaxEvents = 500
)

// New starts to model a history that has these terms. What predict returns must
// follow from the assignment alone; nil predicts nothing.
func New(sp *space.Space, t history.Terms, predict func(study.Assignment) Prediction) *Optimiser {
	l := &ledger{space: sp, terms: terms{t}, foresight: newForesight(sp, t, predict)}
	o := &Optimiser{ledger: l, fits: newFits(l)}
	for _, d := range sp.Dims() {
		o.fits.dims = append(o.fits.dims, places(d))
	}
	return o
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

// Model makes the model of the history's present state. It fails where there is
// too little to go by, or too much to be worth the time. The model is good until
// the next call.
func (o *Optimiser) Model(h *history.History) (*Model, error) {
	o.ledger.read(h)
	return o.model(h)
}

var (
	errTooFew  = fault.New(fault.Invalid, "cannot model an objective with fewer than %d values", MinValues)
	errTooMany = fault.New(fault.Invalid, "cannot model more than %d observations with Gaussian processes", MaxEvents)
)
