package explain

import (
	"math"

	"github.com/fettle-edge/fettle/search/bayes"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/pareto"
)

// Volume is the hypervolume after a trial was told.
type Volume struct {
	Trial int
	Value float64
}

// Estimate is what a model expects of a trial or an assignment.
type Estimate struct {
	Trial int // -1 if it is no trial
	// Values has the median of every objective, and Low and High the ends of
	// the interval that holds 95 % of the belief about its true value: a new
	// measurement has its own noise on top. They are equal where the value is
	// known exactly.
	Values, Low, High []float64
	// Feasible is the probability that all constraints and limits are kept.
	Feasible float64
}

const noneFeasible = "no feasible trial has a value for every objective yet"

// volume replays the hypervolume.
func (s Search) volume(x *Explanation) {
	values := feasible(s.History)
	if len(values) == 0 {
		x.NoReference = noneFeasible
		return
	}
	t := s.History.Terms
	reference := t.Reference(values, nil)
	archive := pareto.NewArchive(reference)
	for _, r := range s.History.Told {
		if r.Feasible() {
			archive.Add(r.Values)
		}
		x.Hypervolume = append(x.Hypervolume, Volume{r.Number, min(math.MaxFloat64, archive.Hypervolume())})
	}
	x.Reference = pareto.Orient(reference, t.Directions)
	for _, l := range t.Limits {
		x.Limited = append(x.Limited, !math.IsNaN(l))
	}
}

// feasible returns the values of the feasible trials that have all of them.
func feasible(h *history.History) [][]float64 {
	var values [][]float64
	for _, t := range h.Told {
		if t.Feasible() {
			values = append(values, t.Values)
		}
	}
	return values
}

// front returns the feasible trials that are on the front at their predicted
// values.
func (l *lens) front() []Estimate {
	var seen []bayes.Foreseen
	var trials []int
	for _, t := range l.told.Told {
		if !t.Feasible() {
			continue
		}
		if f, ok := l.Foresee(t.Point, t.Assignment); ok {
			seen, trials = append(seen, f), append(trials, t.Number)
		}
	}
	all := l.estimates(seen)
	values := make([][]float64, len(all))
	for i, e := range all {
		values[i] = pareto.Orient(e.Values, l.told.Terms.Directions)
	}
	var front []Estimate
	for _, i := range pareto.Front(values) {
		all[i].Trial = trials[i]
		front = append(front, all[i])
	}
	return front
}

// estimates predicts points, in the objectives' own directions.
func (l *lens) estimates(points []bayes.Foreseen) []Estimate {
	directions := l.told.Terms.Directions
	var out []Estimate
	for _, e := range l.Estimates(points) {
		low, high := pareto.Orient(e.Low, directions), pareto.Orient(e.High, directions)
		for j := range low {
			low[j], high[j] = min(low[j], high[j]), max(low[j], high[j])
		}
		out = append(out, Estimate{Trial: -1, Values: pareto.Orient(e.Values, directions), Low: low, High: high, Feasible: e.Feasible})
	}
	return out
}
