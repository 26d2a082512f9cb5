package tuner

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// Between a study and its search: a study speaks of metrics, the search of
// numbers by the index of objectives and constraints.

// limits returns for each objective the bound that a constraint sets to it,
// NaN without one.
func limits(spec *study.Spec) []float64 {
	bounds := make([]float64, len(spec.Objectives))
	for i, o := range spec.Objectives {
		bounds[i] = math.NaN()
		for _, c := range spec.Constraints {
			if study.ValueKey(c.Metric) != study.ValueKey(o.Metric) {
				continue
			}
			switch {
			case o.Direction == study.Min && c.Max != nil:
				bounds[i] = *c.Max
			case o.Direction == study.Max && c.Min != nil:
				bounds[i] = *c.Min
			}
		}
	}
	return bounds
}

// others returns the constraints that are not all said by limits: on metrics
// that are no objective, or on an objective's better side.
func others(spec *study.Spec) []study.Constraint {
	var rest []study.Constraint
	for _, c := range spec.Constraints {
		i := slices.IndexFunc(spec.Objectives, func(o study.Objective) bool {
			return study.ValueKey(o.Metric) == study.ValueKey(c.Metric)
		})
		if i < 0 || spec.Objectives[i].Direction == study.Min && c.Min != nil || spec.Objectives[i].Direction == study.Max && c.Max != nil {
			rest = append(rest, c)
		}
	}
	return rest
}

// excess is by how much x breaks a constraint, as a share of the bound: 0 or
// less is kept. A bound of 0 counts in the metric's unit.
func excess(c study.Constraint, x float64) float64 {
	over := math.Inf(-1)
	scale := func(bound float64) float64 {
		if bound == 0 {
			return 1
		}
		return math.Abs(bound)
	}
	if c.Max != nil {
		over = max(over, (x-*c.Max)/scale(*c.Max))
	}
	if c.Min != nil {
		over = max(over, (*c.Min-x)/scale(*c.Min))
	}
	return over
}

// outcome is all that is known of an ended trial. One that was rejected or
// stopped may have some values. A stopped one is not infeasible: it is only
// worse than others.
func outcome(spec *study.Spec, t study.Trial) search.Outcome {
	o := search.Outcome{Infeasible: t.State == study.Infeasible}
	for _, objective := range spec.Objectives {
		s, ok := t.Values[study.ValueKey(objective.Metric)]
		if !ok {
			s = study.Summary{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
		}
		o.Values = append(o.Values, s.Value)
		o.Noise = append(o.Noise, (s.High-s.Low)/(2*study.Z95))
	}
	for _, c := range others(spec) {
		g := math.NaN()
		if s, ok := t.Values[study.ValueKey(c.Metric)]; ok {
			g = excess(c, s.Value)
		}
		o.Constraints = append(o.Constraints, g)
	}
	return o
}

// shared keeps of an outcome what does not depend on the target: quality.
// ok is false if nothing is left.
func shared(spec *study.Spec, o search.Outcome) (out search.Outcome, ok bool) {
	out.Values, out.Noise = slices.Clone(o.Values), slices.Clone(o.Noise)
	for i, objective := range spec.Objectives {
		if info, _, found := study.LookupMetric(objective.Metric); !found || !info.Shared() {
			out.Values[i], out.Noise[i] = math.NaN(), math.NaN()
		}
		ok = ok || !math.IsNaN(out.Values[i])
	}
	return out, ok
}

// predicted is what compress knows of a recipe before anything is built.
func predicted(spec *study.Spec, p study.Prediction) search.Prediction {
	out := search.Prediction{Known: map[int]float64{},
		Features: []float64{float64(p.WeightBytes), float64(p.KVBytes), float64(p.OpsPerToken), p.Damage}}
	for i, o := range spec.Objectives {
		switch o.Metric {
		case "size.file":
			out.Known[i] = float64(p.FileBytes)
		case "size.weights":
			out.Known[i] = float64(p.WeightBytes)
		}
	}
	return out
}
