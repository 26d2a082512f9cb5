package search

import (
	"math"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

// ledger is the evidence of a history in the order in which it came, as the
// processes see it.
type ledger struct {
	terms   terms
	foresee *foresight
	events  []event
	tells   []int // tells[k]: number of events when trial k+1 in the order of tells had come
	sisters int   // read so far
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
		l.events = append(l.events, event{l.foresee.of(r.point, r.assignment), r.evidence, true})
		l.tells = append(l.tells, len(l.events))
	}
	l.readSisters(h, len(h.sisters))
}

func (l *ledger) readSisters(h *history, n int) {
	for ; l.sisters < n; l.sisters++ {
		s := h.sisters[l.sisters]
		l.events = append(l.events, event{l.foresee.of(s.point, s.assignment), s.evidence, false})
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
	case int(c) < m:
		y, noise = e.values[c], e.noise[c]*e.noise[c]
		if !(noise > 0) {
			noise = 0
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

// data returns what the first n events say of a column.
func (l *ledger) data(c column, n int) gp.Data {
	var d gp.Data
	for _, e := range l.events[:n] {
		if y, noise, ok := l.terms.value(e, c); ok && e.ok {
			d.X = append(d.X, e.input)
			d.Y = append(d.Y, y)
			d.Noise = append(d.Noise, noise)
		}
	}
	return d
}

// foresight is what can be said of a point before it is measured. It remembers
// its answers, because the local search meets the same points again.
type foresight struct {
	space    *space.Space
	terms    terms
	predict  func(study.Assignment) Prediction
	features int
	exact    []bool // the objectives that are known before
	memory   map[string]foreseen
}

// foreseen is a point as the processes see it.
type foreseen struct {
	input gp.Input
	known []float64 // oriented; NaN for objectives that are not known
	ok    bool      // has all features and values that are to be known
}

// maxMemory bounds the memory of a foresight.
const maxMemory = 50_000

// newForesight finds what is predicted at the neutral point: the same must be
// at all others.
func newForesight(sp *space.Space, t terms, predict func(study.Assignment) Prediction) *foresight {
	f := &foresight{space: sp, terms: t, predict: predict, exact: make([]bool, len(t.directions)), memory: map[string]foreseen{}}
	if predict == nil {
		return f
	}
	p := predict(sp.Assignment(sp.Neutral()))
	f.features = len(p.Features)
	for i, x := range f.oriented(p.Known) {
		f.exact[i] = !math.IsNaN(x)
	}
	return f
}

// oriented returns known values by objective, NaN where there is none.
func (f *foresight) oriented(known map[int]float64) []float64 {
	out := unknown(len(f.terms.directions))
	for i := range out {
		if x, ok := known[i]; ok && !notFinite(x) {
			out[i] = x
		}
	}
	return pareto.Orient(out, f.terms.directions)
}

// at returns what is foreseen of a canonical point.
func (f *foresight) at(p space.Point) foreseen {
	id := name(p)
	s, ok := f.memory[id]
	if !ok {
		if len(f.memory) >= maxMemory {
			clear(f.memory)
		}
		s = f.of(f.space.Prune(p), nil)
		f.memory[id] = s
	}
	return s
}

// of returns what is foreseen of a point with inactive knobs Absent. The
// assignment may be left out; it is needed where a value lies outside its
// knob's domain.
func (f *foresight) of(p space.Point, a study.Assignment) foreseen {
	s := foreseen{input: gp.Input{Levels: p}, ok: true}
	if f.predict == nil {
		return s
	}
	if a == nil {
		a = f.space.Assignment(p)
	}
	predicted := f.predict(a)
	s.input.Features, s.known = predicted.Features, f.oriented(predicted.Known)
	s.ok = len(s.input.Features) == f.features
	for _, x := range s.input.Features {
		s.ok = s.ok && !notFinite(x)
	}
	for i, must := range f.exact {
		s.ok = s.ok && !(must && math.IsNaN(s.known[i]))
	}
	return s
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
