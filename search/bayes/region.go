package bayes

import (
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
)

const (
	// A share of the asks looks at a region of interest only, which bounds a
	// share of the objectives.
	regionShare = 0.6

	// The bound is a random quantile of what was observed between these, but
	// leaves at least a share of the front's range.
	quantileLow, quantileHigh = 0.15, 0.8
	regionLeast               = 0.15
)

// reference is that of the values of a front, for which the values of all
// trials count. Some of them broke a bound: to them it is far, so that feasible
// regions apart from the known ones count too.
func (m *Model) reference(values [][]float64) []float64 {
	var told [][]float64
	for _, e := range m.events {
		if e.trial {
			told = append(told, e.Values)
		}
	}
	return m.terms.Reference(values, told)
}

// narrow moves the reference, at random, to a region of interest.
func narrow(reference []float64, values, front [][]float64, rng *rand.Rand) {
	if len(reference) < 2 || rng.Float64() >= regionShare {
		return
	}
	low, high := pareto.Bounds(front)
	column := make([]float64, len(values))
	for j := range reference {
		bounded, quantile := rng.Float64() < regionShare, quantileLow+(quantileHigh-quantileLow)*rng.Float64()
		if !bounded {
			continue
		}
		for i, v := range values {
			column[i] = v[j]
		}
		slices.Sort(column)
		at := column[int(quantile*float64(len(column)))]
		reference[j] = min(reference[j], max(at, low[j]+regionLeast*(high[j]-low[j])))
	}
}
