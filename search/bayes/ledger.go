package bayes

import (
	"slices"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/space"
)

// ledger is the evidence of a history in the order in which it came, as the
// processes see it.
type ledger struct {
	space     *space.Space
	terms     terms
	foresight *foresight
	events    []event
	tells     []int // the number of events when the first, second, … trial had been told
	sisters   int   // read so far
}

// event is a told trial, or evidence from a sister lane.
type event struct {
	Foreseen
	history.Evidence
	trial bool // and not a sister's
}

// read takes in what came since the last call.
func (l *ledger) read(h *history.History) {
	for _, r := range h.Told[len(l.tells):] {
		l.readSisters(h, r.Sisters)
		l.events = append(l.events, event{l.foresight.of(r.Point, r.Assignment), r.Evidence, true})
		l.tells = append(l.tells, len(l.events))
	}
	l.readSisters(h, len(h.Sisters))
}

func (l *ledger) readSisters(h *history.History, n int) {
	for ; l.sisters < n; l.sisters++ {
		s := h.Sisters[l.sisters]
		l.events = append(l.events, event{l.foresight.of(s.Point, s.Assignment), s.Evidence, false})
	}
}

// allRan reports whether there is nothing to learn from the column ran.
func (l *ledger) allRan() bool {
	return !slices.ContainsFunc(l.events, func(e event) bool { return e.trial && l.terms.unexplained(e.Evidence) })
}

// counts reports whether an event may be on the front.
func (e event) counts() bool { return e.trial && e.Feasible() }

// data returns what the first n events say of a column, and for each of them
// the number of its datum, -1 if it says nothing.
func (l *ledger) data(c column, n int) (d gp.Data, rows []int) {
	for _, e := range l.events[:n] {
		y, noise, ok := l.terms.value(e, c)
		if !ok {
			rows = append(rows, -1)
			continue
		}
		rows = append(rows, len(d.Y))
		d.X = append(d.X, e.input)
		d.Y = append(d.Y, y)
		d.Noise = append(d.Noise, noise)
	}
	return d, rows
}
