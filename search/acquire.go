package search

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
)

// acquisition is what a candidate is worth: the expected hypervolume
// improvement times the probability that it is feasible; while nothing feasible
// is known, that probability alone.
type acquisition struct {
	*model
	improvement *ehvi.Improvement // nil: nothing is feasible yet
	front       []space.Point     // the points of the denoised front
}

const (
	// beyondWorst is how far the reference lies beyond the worst that was
	// observed, as a share of the front's range.
	beyondWorst = 0.05
	// regionShare is the share of asks that look at a random region of
	// interest, and of objectives that it bounds.
	regionShare = 0.6
	// likely is the probability of being feasible from which on an outstanding
	// trial counts as part of the front.
	likely = 0.5
)

// acquire prepares the acquisition of one ask.
func (m *model) acquire(rng *rand.Rand) *acquisition {
	a := &acquisition{model: m}
	values, points := m.denoised()
	if len(values) == 0 {
		a.front = m.leastBroken()
		return a
	}
	on := pareto.Front(values)
	front := make([][]float64, len(on))
	for i, k := range on {
		front[i] = values[k]
		a.front = append(a.front, points[k])
	}
	axes := make([]ehvi.Axis, len(m.terms.directions))
	for j := range axes {
		if p := m.parts[j]; !p.exact {
			axes[j] = ehvi.Axis{Scale: p.scale, Unit: p.unit}
		}
	}
	reference := m.reference(values, front)
	m.region(reference, values, front, rng)
	a.improvement = ehvi.New(front, reference, axes)
	return a
}

// denoised returns the values of feasible trials, each at the posterior mean of
// its process, and of pending ones that are likely to be feasible.
func (m *model) denoised() (values [][]float64, points []space.Point) {
	fitted := make([][]float64, len(m.terms.directions))
	for j := range fitted {
		if m.parts[j].modelled() {
			fitted[j] = m.parts[j].believer.Fitted()
		}
	}
	for i, e := range m.events {
		if !e.trial || e.infeasible || !e.complete() {
			continue
		}
		v := slices.Clone(e.values)
		for j, p := range m.parts[:len(v)] {
			if p.modelled() && p.rows[i] >= 0 {
				v[j] = p.scale.Inverse(fitted[j][p.rows[i]])
			}
		}
		values, points = append(values, v), append(points, e.input.Levels)
	}
	for _, p := range m.pending {
		if mean, sd := m.predict([]foreseen{p.foreseen}); math.Exp(m.feasible(mean, sd, 0)) >= likely {
			values, points = append(values, p.values), append(points, p.input.Levels)
		}
	}
	return values, points
}

// leastBroken returns the points from which to look for a feasible one.
func (m *model) leastBroken() []space.Point {
	var points []space.Point
	for _, e := range m.events {
		points = append(points, e.input.Levels)
	}
	return points
}

// reference is the user's limit of each objective, and where there is none the
// worst value that was observed or is on the front, with a margin.
func (m *model) reference(values, front [][]float64) []float64 {
	_, worst := pareto.Bounds(values)
	low, high := pareto.Bounds(front)
	spread, top := pareto.Bounds(values)
	for _, e := range m.events {
		for j, x := range e.values {
			if e.trial && !e.infeasible && x > worst[j] {
				worst[j] = x
			}
		}
	}
	for j := range worst {
		if l := m.terms.limits[j]; !math.IsNaN(l) {
			worst[j] = l
			continue
		}
		width := max(high[j]-low[j], 0.02*(top[j]-spread[j]))
		if width == 0 {
			width = max(1, math.Abs(worst[j]))
		}
		worst[j] += beyondWorst * width
	}
	return worst
}

// region lowers the reference at random in some objectives, to a quantile of
// what was observed but not into the best part of the front.
func (m *model) region(reference []float64, values, front [][]float64, rng *rand.Rand) {
	if len(reference) < 2 || rng.Float64() >= regionShare {
		return
	}
	low, high := pareto.Bounds(front)
	column := make([]float64, len(values))
	for j := range reference {
		chosen, at := rng.Float64() < regionShare, 0.15+0.65*rng.Float64()
		if !chosen {
			continue
		}
		for i, v := range values {
			column[i] = v[j]
		}
		slices.Sort(column)
		quantile := column[int(at*float64(len(column)))]
		reference[j] = min(reference[j], max(quantile, low[j]+0.15*(high[j]-low[j])))
	}
}

// score returns what points are worth: more is better, -Inf is no candidate.
func (a *acquisition) score(points []foreseen) []float64 {
	mean, sd := a.predict(points)
	out := make([]float64, len(points))
	if a.improvement != nil {
		m := len(a.terms.directions)
		a.improvement.Expect(mean[:m], sd[:m], out)
	}
	for i, p := range points {
		chance := a.feasible(mean, sd, i)
		switch {
		case !p.ok:
			out[i] = math.Inf(-1)
		case a.improvement != nil:
			out[i] *= math.Exp(chance)
		default:
			out[i] = chance + a.within(mean, sd, i)
		}
		if math.IsNaN(out[i]) {
			out[i] = math.Inf(-1)
		}
	}
	return out
}

// feasible is the logarithm of the probability that a point keeps all
// constraints and runs.
func (m *model) feasible(mean, sd [][]float64, i int) float64 {
	sum := 0.0
	for c := len(m.terms.directions); c < len(m.parts); c++ {
		p := m.parts[c]
		if !p.modelled() {
			continue
		}
		if column(c) == m.terms.ran() {
			sum += logCDF(mean[c][i] / math.Hypot(sd[c][i], vague))
		} else {
			sum += logCDF((p.scale.Forward(0) - mean[c][i]) / sd[c][i])
		}
	}
	return sum
}

// vague is added to the uncertainty of whether a trial runs, which a process
// over labels of ±1 underrates.
const vague = 0.5

// within is the logarithm of the probability of keeping the user's limits.
func (m *model) within(mean, sd [][]float64, i int) float64 {
	sum := 0.0
	for j, limit := range m.terms.limits {
		switch p := m.parts[j]; {
		case math.IsNaN(limit):
		case !p.exact:
			sum += logCDF((p.scale.Forward(limit) - mean[j][i]) / sd[j][i])
		case mean[j][i] > limit:
			sum = math.Inf(-1)
		}
	}
	return sum
}

// logCDF is the logarithm of the standard normal distribution function.
func logCDF(z float64) float64 {
	if z > -30 {
		return math.Log(math.Erfc(-z/math.Sqrt2) / 2)
	}
	return -z*z/2 - math.Log(-z*math.Sqrt(2*math.Pi))
}
