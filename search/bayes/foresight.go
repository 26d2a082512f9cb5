package bayes

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

// Prediction is what is known of an assignment before it is measured.
type Prediction struct {
	// Features may explain the outcome: numbers in any unit, as many for every
	// assignment.
	Features []float64
	// Known holds, by the number of the objective, values that are exact, such
	// as the size of a file.
	Known map[int]float64
}

// foresight is what can be said of a point before it is measured. It remembers
// its answers, because the local search meets the same points again.
type foresight struct {
	space    *space.Space
	terms    history.Terms
	predict  func(study.Assignment) Prediction // may be nil
	features int
	exact    []bool // the objectives that are known beforehand
	memory   map[string]Foreseen
}

// Foreseen is a point as a model sees it.
type Foreseen struct {
	input gp.Input
	known []float64 // oriented; NaN for objectives that are not known; nil if none is
	ok    bool      // has all features, and values of all exact objectives
}

// maxMemory bounds the memory of a foresight.
const maxMemory = 50_000

// newForesight finds what is predicted at the neutral point: the same must be
// at all others.
func newForesight(sp *space.Space, t history.Terms, predict func(study.Assignment) Prediction) *foresight {
	f := &foresight{space: sp, terms: t, predict: predict, exact: make([]bool, len(t.Directions)), memory: map[string]Foreseen{}}
	if predict == nil {
		return f
	}
	p := predict(sp.Assignment(sp.Neutral()))
	f.features = len(p.Features)
	for j, x := range f.oriented(p.Known) {
		f.exact[j] = !math.IsNaN(x)
	}
	return f
}

// oriented returns known values by objective, NaN where there is none.
func (f *foresight) oriented(known map[int]float64) []float64 {
	out := slices.Repeat([]float64{math.NaN()}, len(f.terms.Directions))
	for j := range out {
		if x, ok := known[j]; ok && !notFinite(x) {
			out[j] = x
		}
	}
	return pareto.Orient(out, f.terms.Directions)
}

// at returns what is Foreseen of a canonical point.
func (f *foresight) at(p space.Point) Foreseen {
	id := p.Key()
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

// of returns what is Foreseen of a point with inactive knobs Absent. The
// assignment may be left out; it is needed where a value lies outside its
// knob's domain.
func (f *foresight) of(p space.Point, a study.Assignment) Foreseen {
	s := Foreseen{input: gp.Input{Levels: p}, ok: true}
	if f.predict == nil {
		return s
	}
	if a == nil {
		a = f.space.Assignment(p)
	}
	predicted := f.predict(a)
	s.input.Features, s.known = predicted.Features, f.oriented(predicted.Known)
	s.ok = len(s.input.Features) == f.features && !slices.ContainsFunc(s.input.Features, notFinite)
	for j, exact := range f.exact {
		s.ok = s.ok && !(exact && math.IsNaN(s.known[j]))
	}
	return s
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
