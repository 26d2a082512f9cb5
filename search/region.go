package search

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
)

const (
	// beyondWorst is how far the reference lies beyond the worst that was
	// observed, as a share of the front's range.
	beyondWorst = 0.05

	// A share of the asks looks at a region of interest only, which bounds a
	// share of the objectives.
	regionShare = 0.6

	// The bound is a random quantile of what was observed between these, but
	// leaves at least a share of the front's range.
	quantileLow, quantileHigh = 0.15, 0.8
	regionLeast               = 0.15
)

// reference is the user's limit of each objective, and where there is none the
// worst value of any trial, with a margin. Trials count that broke a bound: to
// them it is far, so that feasible regions apart from the known ones count too.
func (m *model) reference(values, front [][]float64) []float64 {
	low, high := pareto.Bounds(front)
	least, worst := pareto.Bounds(values)
	for _, e := range m.events {
		for j, x := range e.values {
			if e.trial && x > worst[j] { // not NaN
				worst[j] = x
			}
		}
	}
	for j, limit := range m.terms.limits {
		if !math.IsNaN(limit) {
			worst[j] = limit
			continue
		}
		width := max(high[j]-low[j], 0.02*(worst[j]-least[j]))
		if width == 0 { // all equal: any distance serves
			width = max(1, math.Abs(worst[j]))
		}
		worst[j] += beyondWorst * width
	}
	return worst
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
