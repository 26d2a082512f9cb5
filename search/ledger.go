package search

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/gp"
)

// ledger is the evidence of a history in the order in which it came, as the
// processes see it.
type ledger struct {
	terms     terms
	foresight *foresight
	events    []event
	tells     []int // the number of events when the first, second, … trial had been told
	sisters   int   // read so far
}

// event is a told trial, or evidence from a sister lane.
type event struct {
	foreseen
	evidence
	trial bool // and not a sister's
}

// read takes in what came since the last call.
func (l *ledger) read(h *history) {
	for _, r := range h.told[len(l.tells):] {
		l.readSisters(h, r.sisters)
		l.events = append(l.events, event{l.foresight.of(r.point, r.assignment), r.evidence, true})
		l.tells = append(l.tells, len(l.events))
	}
	l.readSisters(h, len(h.sisters))
}

func (l *ledger) readSisters(h *history, n int) {
	for ; l.sisters < n; l.sisters++ {
		s := h.sisters[l.sisters]
		l.events = append(l.events, event{l.foresight.of(s.point, s.assignment), s.evidence, false})
	}
}

// column is one quantity of the outcomes: first the objectives, then the
// constraints, then whether a trial ran.
type column int

func (t terms) columns() int { return len(t.directions) + t.constraints + 1 }

// ran is the column of 1 for trials that ran, and -1 for those that are
// infeasible although no bound is known to be broken by a finite number.
func (t terms) ran() column { return column(t.columns() - 1) }

// value returns what an event says of a column, and the variance of its noise,
// 0 if not known.
func (t terms) value(e event, c column) (y, noise float64, ok bool) {
	switch m := len(t.directions); {
	case !e.ok:
		return 0, 0, false
	case int(c) < m:
		y = e.values[c]
		if sd := e.noise[c]; sd > 0 {
			noise = sd * sd
		}
	case c < t.ran():
		y = e.constraints[int(c)-m]
	case !e.trial:
		return 0, 0, false
	case t.unexplained(e.evidence):
		y = -1
	default:
		y = 1
	}
	return y, noise, !notFinite(y)
}

// unexplained reports whether e is infeasible for no known reason.
func (t terms) unexplained(e evidence) bool {
	if !e.infeasible {
		return false
	}
	for i := range t.bounds() {
		if x := t.excess(e, i); x > 0 && !math.IsInf(x, 1) {
			return false
		}
	}
	return true
}

// allRan reports whether there is nothing to learn from the column ran.
func (l *ledger) allRan() bool {
	return !slices.ContainsFunc(l.events, func(e event) bool { return e.trial && l.terms.unexplained(e.evidence) })
}

// feasible reports whether an event may be on the front.
func (e event) feasible() bool { return e.trial && !e.infeasible && e.complete() }

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
