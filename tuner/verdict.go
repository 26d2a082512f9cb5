package tuner

import (
	"fmt"
	"math"

	"github.com/fettle-edge/fettle/study"
)

// verdict is what an ended attempt, or a failed step, makes of a trial.
type verdict struct {
	move   study.Transition
	reason string
	detail string
	stderr []string
}

// limits of attempts at one trial.
const (
	maxTries       = 2  // a failure that is ours is tried once more
	maxInterrupted = 10 // a stopped daemon or agent says little about the trial
)

// judgeAttempts applies the table "Whose fault" of docs/ARCHITECTURE.md to the
// attempts of a trial, the last of which has ended without measurements.
func judgeAttempts(attempts []study.Attempt) verdict {
	last := failureOf(attempts[len(attempts)-1])
	if last.Infeasible {
		return verdict{study.Reject, last.Reason, last.Detail, last.Stderr}
	}
	tries, interrupted, same := 0, 0, 0
	for _, a := range attempts {
		f := failureOf(a)
		if f.Reason == study.ReasonInterrupted {
			interrupted++
			continue
		}
		tries++
		if f.Reason == last.Reason {
			same++
		}
	}
	crash := last.Reason == study.ReasonKilled || last.Reason == study.ReasonTimeout
	switch {
	case crash && same >= maxTries:
		return verdict{study.Reject, study.ReasonRepeated, fmt.Sprintf("twice the same: %s", last.Detail), last.Stderr}
	case tries >= maxTries || interrupted >= maxInterrupted:
		return verdict{study.GiveUp, last.Reason, last.Detail, last.Stderr}
	}
	return verdict{study.Requeue, "", "", nil}
}

// failureOf returns why an attempt gave no measurements.
func failureOf(a study.Attempt) study.Failure {
	if a.Result != nil && a.Result.Failure != nil {
		return *a.Result.Failure
	}
	if a.State == study.AttemptLost {
		return study.Failure{Reason: study.ReasonLeaseLost, Detail: "the agent stopped renewing its lease"}
	}
	return study.Failure{Reason: study.ReasonUnknown, Detail: "the attempt ended without a result"}
}

// judgeValues checks constraints on the values there are. It returns a
// rejection for the first that is violated, else nil. A constraint whose
// metric has no value yet is not judged.
func judgeValues(constraints []study.Constraint, values map[string]study.Summary, reason string) *verdict {
	for _, c := range constraints {
		v, ok := values[study.ValueKey(c.Metric)]
		if !ok || !c.Violated(v.Value) {
			continue
		}
		return &verdict{move: study.Reject, reason: reason, detail: sentence(c, v.Value)}
	}
	return nil
}

// sentence says which bound x breaks.
func sentence(c study.Constraint, x float64) string {
	info, _, _ := study.LookupMetric(c.Metric)
	if c.Max != nil && !(x <= *c.Max) {
		return fmt.Sprintf("%s is %.4g %s, above the limit of %.4g", c.Metric, x, info.Unit, *c.Max)
	}
	return fmt.Sprintf("%s is %.4g %s, below the limit of %.4g", c.Metric, x, info.Unit, *c.Min)
}

// values derives every summary of a trial: exact sizes, quality from the
// scores of chunks, and the default statistic of each measurement as well as
// the statistics that the study names.
func values(spec *study.Spec, p study.Prediction, chunks []study.ChunkScore, measured []study.Measurement) map[string]study.Summary {
	out := study.QualityValues(chunks)
	out["size.file"] = study.Exact(float64(p.FileBytes))
	out["size.weights"] = study.Exact(float64(p.WeightBytes))
	add := func(name string) {
		info, statistic, ok := study.LookupMetric(name)
		if !ok {
			return
		}
		for _, m := range measured {
			if m.Metric != info.Name {
				continue
			}
			if s, ok := study.Summarise(m, statistic); ok && !math.IsNaN(s.Value) {
				out[study.ValueKey(name)] = s
			}
		}
	}
	for _, m := range measured {
		add(m.Metric)
	}
	for _, name := range spec.MetricNames() {
		if _, ok := out[study.ValueKey(name)]; !ok {
			add(name)
		}
	}
	return out
}

// missing returns the first objective without a value.
func missing(spec *study.Spec, values map[string]study.Summary) string {
	for _, o := range spec.Objectives {
		if _, ok := values[study.ValueKey(o.Metric)]; !ok {
			return o.Metric
		}
	}
	return ""
}
