// Package fidelity decides whether a trial is worth going on with while its
// quality is scored chunk by chunk. It is pure: a decision follows from the
// trials before and from the scores so far.
//
// A trial is stopped when the optimistic ends of the intervals of all of its
// objectives together are dominated by a trial of the front, or when the
// optimistic end of a constrained metric breaks its bound. The optimistic end
// of a metric that is
//
//   - exact, such as a size, is its value;
//   - scored chunk by chunk comes from Extrapolate;
//   - measured on the target, such as latency, comes from a Forecast.
//
// The error rate is stated: it bounds the probability, for each trial, that one
// of these ends is wrong at any look, so that the trial is stopped although it
// would be on the front and keep all constraints. It is shared between the
// metrics and, for a scored metric, between the looks (union bound), so it holds
// for looks that depend on each other in any way. See docs/EARLY-STOPPING.md
// for what it assumes and how it was checked.
//
// ASHA and MOASHA are published rules to compare with.
package fidelity

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// DefaultError is the error rate of a study that says nothing else.
const DefaultError = 0.01

// Terms are what trials are judged by.
type Terms struct {
	Objectives  []study.Objective
	Constraints []study.Constraint
	Chunks      int // of a whole evaluation
}

// Past is a complete trial of the lane.
type Past struct {
	Number   int                // for people
	Values   map[string]float64 // by study.ValueKey: all that the terms name
	Scores   []study.ChunkScore // of all chunks
	Features []float64          // known before measuring; see Trial
}

// value is NaN if there is none.
func (p Past) value(key string) float64 {
	if x, ok := p.Values[key]; ok {
		return x
	}
	return math.NaN()
}

// Trial is what is known of a trial before it is measured.
type Trial struct {
	Exact map[string]float64 // values by study.ValueKey
	// Features may explain the costs that are measured on the target: as many
	// for every trial, in any unit; nil forecasts nothing.
	Features []float64
}

// Rule judges one trial.
type Rule struct {
	err      float64 // rate
	terms    Terms
	looks    []int
	trial    Trial
	past     []Past
	profiles map[string]*Profile // by metric, of those that are scored
	forecast map[string]interval // by value key
	front    []int               // indices of past
	points   [][]float64         // values of past, less is better
	chunkEnd float64             // error of each scored metric at each look
}

// interval is where a value lies.
type interval struct{ low, value, high float64 }

// exactly is the interval of a known value.
func exactly(x float64) interval { return interval{x, x, x} }

// New makes the rule for a trial from the complete trials before it, with an
// error rate. With rate 0 it stops only what is certain. Past trials that lack
// a value or a chunk are left out.
func New(terms Terms, past []Past, trial Trial, errorRate float64) *Rule {
	r := &Rule{err: errorRate, terms: terms, looks: Looks(terms.Chunks), trial: trial,
		profiles: map[string]*Profile{}, forecast: map[string]interval{}}
	for _, p := range past {
		if len(p.Scores) == terms.Chunks && !slices.ContainsFunc(r.keys(), func(key string) bool { return math.IsNaN(p.value(key)) }) {
			r.past = append(r.past, p)
			r.points = append(r.points, r.orient(p.value))
		}
	}
	r.front = pareto.Front(r.points)
	var unknown []string
	for _, key := range r.keys() {
		m, isScored := metrics[key]
		_, isExact := trial.Exact[key]
		switch {
		case isExact:
		case isScored:
			r.profiles[key] = NewProfile(r.evaluations(m), terms.Chunks)
		default:
			unknown = append(unknown, key)
		}
	}
	each := r.spend(len(unknown))
	for _, key := range unknown {
		if i, ok := r.predict(key, each); ok {
			r.forecast[key] = i
		}
	}
	return r
}

// forecastShare is the part of the error that forecasts get where there are
// both scores and forecasts: scores become exact in the end, forecasts do not.
const forecastShare = 0.75

// spend shares the error: between scored metrics and forecasts, evenly within
// each, and evenly between the looks before the last, which is exact.
func (r *Rule) spend(forecasts int) (each float64) {
	chunks, rest := r.err, r.err
	switch {
	case forecasts > 0 && len(r.profiles) > 0:
		chunks, rest = (1-forecastShare)*chunks, forecastShare*rest
	case forecasts == 0:
		rest = 0
	}
	r.chunkEnd = chunks / float64(max(1, len(r.profiles))*max(1, len(r.looks)-1))
	return rest / float64(max(1, forecasts))
}

// Looks returns after how many chunks a trial is judged: at first often, when
// most is to be saved, and after the last chunk.
func Looks(chunks int) []int {
	var looks []int
	for step, c := 1, 1; c < chunks; c += step {
		looks = append(looks, c)
		if c == 4*step {
			step *= 2
		}
	}
	return append(looks, chunks)
}

// keys are the values that the terms name, each once.
func (r *Rule) keys() []string {
	var keys []string
	add := func(metric string) {
		if key := study.ValueKey(metric); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, o := range r.terms.Objectives {
		add(o.Metric)
	}
	for _, c := range r.terms.Constraints {
		add(c.Metric)
	}
	return keys
}

// orient returns the objectives' values so that less is better.
func (r *Rule) orient(value func(key string) float64) []float64 {
	out := make([]float64, len(r.terms.Objectives))
	for i, o := range r.terms.Objectives {
		out[i] = value(study.ValueKey(o.Metric))
		if o.Direction == study.Max {
			out[i] = -out[i]
		}
	}
	return out
}

// evaluations returns what past trials scored, without those that are noise.
func (r *Rule) evaluations(m scored) [][]float64 {
	var rows [][]float64
	for _, p := range r.past {
		if row := m.of(p.Scores); total(row) > m.noise*float64(len(row)) {
			rows = append(rows, row)
		}
	}
	return rows
}

// predict forecasts a cost.
func (r *Rule) predict(key string, alpha float64) (interval, bool) {
	var features [][]float64
	var costs []float64
	for _, p := range r.past {
		if len(p.Features) == len(r.trial.Features) {
			features, costs = append(features, p.Features), append(costs, p.value(key))
		}
	}
	f := NewForecast(features, costs)
	if f == nil {
		return interval{}, false
	}
	low, value, high := f.Interval(r.trial.Features, alpha)
	return interval{low, value, high}, true
}

// know returns what is known of a value after some chunks; ok is false if it
// may be anything.
func (r *Rule) know(key string, scores []study.ChunkScore) (i interval, ok bool) {
	if x, exact := r.trial.Exact[key]; exact {
		return exactly(x), true
	}
	profile, isScored := r.profiles[key]
	if !isScored {
		i, ok = r.forecast[key]
		return i, ok
	}
	m := metrics[key]
	if len(scores) == 0 {
		return i, false
	}
	e := profile.Extrapolate(m.of(scores))
	bytes := r.bytes(scores)
	low, value := m.value(e.Lower(r.chunkEnd), bytes), m.value(e.Mean, bytes)
	switch {
	case e.Error == 0:
		return exactly(value), true
	case m.grows:
		return interval{low, value, math.Inf(1)}, true
	}
	return interval{math.Inf(-1), value, low}, true
}

// bytes is how many bytes a position of the whole text stands for, NaN if that
// is not known yet.
func (r *Rule) bytes(scores []study.ChunkScore) float64 {
	switch {
	case len(r.past) > 0:
		return bytesPerPosition(r.past[0].Scores)
	case len(scores) == r.terms.Chunks:
		return bytesPerPosition(scores)
	}
	return math.NaN()
}
