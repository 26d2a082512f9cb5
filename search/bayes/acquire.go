package bayes

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
)

// acquisition is what candidates of one ask are worth: the expected hypervolume
// improvement times a power of the probability that they are feasible; while
// nothing feasible is known, that probability alone.
type acquisition struct {
	*Model
	improvement *ehvi.Improvement // nil: nothing is feasible yet
	trust       float64           // factor on the standard deviations of objectives
	doubt       float64           // factor on those of constraints
	caution     float64           // the power of the probability of being feasible
	from        []space.Point     // where to look for candidates first: the front
}

const (
	// A greedy ask believes the means nearly as they are. That pays where there
	// are more knobs than trials can explore.
	greedyShare = 0.3
	greedyTrust = 0.2

	// A curious ask doubts the processes of the constraints, and so finds
	// feasible regions apart from those that are known. It is soon less needed.
	curiousAsks  = 6 // in relation to the number of trials
	curiousShare = 0.3
	curiousDoubt = 3

	// The power of the probability of being feasible grows with the trials from
	// leastCaution to mostCaution. Fronts often lie on the border of what is
	// feasible, where half of the asks would be infeasible without it; but more
	// of it early would keep the search from finding feasible regions.
	leastCaution  = 2.4
	mostCaution   = 4
	cautionTrials = 30 // for each unit of it

	// likely is the probability of being feasible from which on an outstanding
	// trial counts as part of the front.
	likely = 0.5
)

// plain is the acquisition of an ask that is neither greedy nor curious, without
// a front yet.
func (m *Model) plain() *acquisition {
	caution := float64(len(m.events)) / cautionTrials
	return &acquisition{Model: m, trust: 1, doubt: 1, caution: max(leastCaution, min(mostCaution, caution))}
}

// acquire prepares the acquisition of one ask.
func (m *Model) acquire(rng *rand.Rand) *acquisition {
	a := m.plain()
	if rng.Float64() < greedyShare {
		a.trust = greedyTrust
	}
	if rng.Float64() < min(curiousShare, curiousAsks/float64(len(m.events))) {
		a.doubt = curiousDoubt
	}
	values, points := m.denoised()
	if len(values) == 0 {
		for _, e := range m.events {
			a.from = append(a.from, e.input.Levels)
		}
		return a
	}
	var front [][]float64
	for _, k := range pareto.Front(values) {
		front, a.from = append(front, values[k]), append(a.from, points[k])
	}
	reference := m.reference(values)
	narrow(reference, values, front, rng)
	a.improvement = ehvi.New(front, reference, m.axes())
	return a
}

// axes are the scales that objectives are predicted on.
func (m *Model) axes() []ehvi.Axis {
	axes := make([]ehvi.Axis, len(m.terms.Directions))
	for j := range axes {
		axes[j] = ehvi.Axis{Scale: m.parts[j].scale, Unit: m.parts[j].unit}
	}
	return axes
}

// denoised returns the values of feasible trials, each at the posterior mean of
// its process, and of pending ones that are likely to be feasible.
func (m *Model) denoised() (values [][]float64, points []space.Point) {
	fitted := make([][]float64, len(m.terms.Directions))
	for j := range fitted {
		if p := m.parts[j]; p.surrogate != nil {
			fitted[j] = p.believer.Fitted()
		}
	}
	for i, e := range m.events {
		if !e.counts() {
			continue
		}
		v := slices.Clone(e.Values)
		for j, p := range m.parts[:len(v)] {
			if p.surrogate != nil && p.rows[i] >= 0 {
				v[j] = p.scale.Inverse(fitted[j][p.rows[i]])
			}
		}
		values, points = append(values, v), append(points, e.input.Levels)
	}
	for _, p := range m.pending {
		chance := m.keeps(m.predict([]Foreseen{p.Foreseen}), 0, 1)
		if chance >= math.Log(likely) && !slices.ContainsFunc(p.values, notFinite) {
			values, points = append(values, p.values), append(points, p.input.Levels)
		}
	}
	return values, points
}

// score returns what points are worth: more is better, -Inf is no candidate.
func (a *acquisition) score(points []Foreseen) []float64 {
	b := a.predict(points)
	out := make([]float64, len(points))
	if a.improvement != nil {
		m := len(a.terms.Directions)
		for _, sd := range b.sd[:m] {
			for i := range sd {
				sd[i] *= a.trust
			}
		}
		a.improvement.Expect(b.mean[:m], b.sd[:m], out)
	}
	for i, p := range points {
		chance := a.keeps(b, i, a.doubt)
		switch {
		case !p.ok:
			out[i] = math.Inf(-1)
		case a.improvement != nil:
			out[i] *= math.Exp(a.caution * chance)
		default:
			out[i] = chance + a.within(b, i)
		}
		if math.IsNaN(out[i]) {
			out[i] = math.Inf(-1)
		}
	}
	return out
}
