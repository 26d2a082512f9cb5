package fidelity

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// Why a trial is stopped.
const (
	Dominated = "dominated" // a trial of the front is nowhere worse
	Violated  = "violated"  // it breaks a constraint
)

// Decision is what a look came to.
type Decision struct {
	Stop   bool
	Cause  string // one of the constants above
	Reason string // a sentence for people
}

// Estimate is what a stopped trial would have had.
type Estimate struct {
	Value float64
	Error float64 // its standard error; 0 is exact
}

// At judges the trial by the scores of its first chunks. If their number is
// not one of Looks, nothing is decided, for that would be one look more than
// the error is shared between.
func (r *Rule) At(scores []study.ChunkScore) Decision {
	if !slices.Contains(r.looks, len(scores)) {
		return Decision{}
	}
	if d := r.violates(scores); d.Stop {
		return d
	}
	corner := r.orient(func(string) float64 { return math.NaN() })
	for i, o := range r.terms.Objectives {
		known, ok := r.know(study.ValueKey(o.Metric), scores)
		switch {
		case !ok:
			return Decision{}
		case o.Direction == study.Max:
			corner[i] = -known.high
		default:
			corner[i] = known.low
		}
	}
	if slices.ContainsFunc(corner, func(x float64) bool { return math.IsInf(x, 0) || math.IsNaN(x) }) {
		return Decision{}
	}
	if by, ok := r.dominator(corner); ok {
		return Decision{Stop: true, Cause: Dominated, Reason: r.dominatedBy(by, scores)}
	}
	return Decision{}
}

// First returns the decision of the first look that stops the trial, and
// after how many chunks; without one, the number of scores. It is how a trial
// is judged whose scores are there already.
func (r *Rule) First(scores []study.ChunkScore) (Decision, int) {
	for _, c := range r.looks {
		if c > len(scores) {
			break
		}
		if d := r.At(scores[:c]); d.Stop {
			return d, c
		}
	}
	return Decision{}, len(scores)
}

// violates checks the constraints, whose friendly end must break the bound.
func (r *Rule) violates(scores []study.ChunkScore) Decision {
	for _, c := range r.terms.Constraints {
		known, ok := r.know(study.ValueKey(c.Metric), scores)
		if !ok {
			continue
		}
		if c.Max != nil && known.low > *c.Max {
			return Decision{Stop: true, Cause: Violated, Reason: r.breaks(c.Metric, known, *c.Max, false, scores)}
		}
		if c.Min != nil && known.high < *c.Min {
			return Decision{Stop: true, Cause: Violated, Reason: r.breaks(c.Metric, known, *c.Min, true, scores)}
		}
	}
	return Decision{}
}

// dominator returns the trial of the front that dominates a corner and, of
// several, is the best in the first objective.
func (r *Rule) dominator(corner []float64) (by int, ok bool) {
	for _, i := range r.front {
		if pareto.Dominates(r.points[i], corner) && (!ok || r.points[i][0] < r.points[by][0]) {
			by, ok = i, true
		}
	}
	return by, ok
}

// Estimates returns what is known of the objectives after some chunks, by
// value key: exact values and extrapolated ones. Forecasts are not among them,
// for they say nothing that the trials before did not.
func (r *Rule) Estimates(scores []study.ChunkScore) map[string]Estimate {
	out := map[string]Estimate{}
	for _, key := range r.keys() {
		if x, ok := r.trial.Exact[key]; ok {
			out[key] = Estimate{Value: x}
			continue
		}
		profile, ok := r.profiles[key]
		if !ok || len(scores) == 0 {
			continue
		}
		m, bytes := metrics[key], r.bytes(scores)
		e := profile.Extrapolate(m.of(scores))
		if math.IsInf(e.Error, 0) {
			continue
		}
		x := m.value(e.Mean, bytes)
		if math.IsNaN(x) {
			continue
		}
		out[key] = Estimate{Value: x, Error: math.Abs(m.value(e.Mean*(1+e.Error), bytes) - x)}
	}
	return out
}
