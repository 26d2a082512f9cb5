package tuner

import (
	"math"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// outcome is what the sampler is told of a trial that ended by its own fault or
// with a result: the values there are, NaN for the others.
func outcome(spec *study.Spec, t study.Trial) search.Outcome {
	o := search.Outcome{Infeasible: t.State == study.Infeasible}
	for _, objective := range spec.Objectives {
		value, noise := math.NaN(), math.NaN()
		if s, ok := t.Values[study.ValueKey(objective.Metric)]; ok {
			value, noise = s.Value, standardError(objective.Metric, s, t.State)
		}
		o.Values, o.Noise = append(o.Values, value), append(o.Noise, noise)
	}
	return o
}

// standardError is that of a value as a value of this study. Quality is of the
// study's text, so it is exact once all chunks are scored, however far another
// text may differ.
func standardError(metric string, s study.Summary, state study.State) float64 {
	info, _, _ := study.LookupMetric(metric)
	switch {
	case info.Source == "exact", info.Source == "host" && state == study.Complete:
		return 0
	case info.Source == "target" && s.N < 2:
		return math.NaN()
	}
	return (s.High - s.Low) / (2 * study.Z95)
}
