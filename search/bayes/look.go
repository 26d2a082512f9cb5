package bayes

import (
	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/study"
)

// Look makes the model of what was told, all objectives in it, without
// outstanding trials. It follows from the history, whoever asked for its trials.
func Look(h *history.History, predict func(study.Assignment) Prediction) (*Model, error) {
	return look(h, predict, (*fits).quick)
}

// Earlier makes the model of an earlier state of the history, with the
// hyperparameters of m.
func (m *Model) Earlier(h *history.History) (*Model, error) {
	return look(h, m.foresight.predict, func(_ *fits, c column) *fit {
		if s := m.parts[c].surrogate; s != nil {
			return s.fit
		}
		return nil
	})
}

func look(h *history.History, predict func(study.Assignment) Prediction, fit func(*fits, column) *fit) (*Model, error) {
	o := New(h.Space, h.Terms, predict)
	o.ledger.read(h)
	for c := range o.columns() {
		o.fits.now(c, fit)
	}
	m, err := o.model(h.Closed())
	if err == nil && !m.whole() {
		err = errTooFew
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// columns yields the columns that a model needs a process for.
func (o *Optimiser) columns() func(yield func(column) bool) {
	l := o.ledger
	return func(yield func(column) bool) {
		for c := range column(l.terms.columns()) {
			exact := int(c) < len(l.terms.Directions) && l.foresight.exact[c]
			if !exact && !(c == l.terms.ran() && l.allRan()) && !yield(c) {
				return
			}
		}
	}
}

// now puts a fit on all that was told in the place of the scheduled one. It is
// for looking at a history once: the fits that lead to a scheduled one would
// cost several times as much.
func (f *fits) now(c column, fitted func(*fits, column) *fit) {
	n := len(f.ledger.tells)
	if n == 0 || len(f.ledger.events) > MaxEvents {
		return
	}
	key := fitKey{c, scheduled(n, c, f.ledger.terms.columns())}
	fit := fitted(f, c)
	f.memory[key] = fit
	if fit == nil {
		return
	}
	if s := f.process(c, fit, n); s != nil {
		s.tells = key.tells
		f.last[c] = s
	}
}

const (
	// chooseOn and refineOn are the number of data that a warp is chosen on,
	// and hyperparameters are fitted to, where there is no earlier fit.
	chooseOn = 64
	refineOn = 160
)

// quick chooses a warp and fits hyperparameters on a part of the data that is
// spread over the values.
func (f *fits) quick(c column) *fit {
	all, _ := f.ledger.data(c, f.ledger.tells[len(f.ledger.tells)-1])
	if len(all.Y) < 2 {
		return nil
	}
	part := func(limit int) (d gp.Data) {
		for _, i := range gp.Subset(f.dims, all.X, all.Y, nil, limit) {
			d.X, d.Y, d.Noise = append(d.X, all.X[i]), append(d.Y, all.Y[i]), append(d.Noise, all.Noise[i])
		}
		return d
	}
	features := f.ledger.foresight.features
	warp, hyper, err := gp.NewWarp(gp.Identity, all.Y), gp.Hyper{}, error(nil)
	if int(c) < len(f.ledger.terms.Directions) {
		warp, hyper, err = gp.ChooseWarp(f.dims, features, part(chooseOn), hyper, coldIterations)
		if err != nil {
			return nil
		}
		warp = gp.NewWarp(warp.Kind(), all.Y)
	}
	count := iterations
	if hyper.Scale == 0 {
		count = coldIterations
	}
	if hyper, err = gp.Fit(f.dims, features, warp.Apply(part(refineOn)), hyper, count); err != nil {
		return nil
	}
	return &fit{warp: warp, hyper: hyper}
}
