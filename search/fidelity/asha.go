package fidelity

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
)

// ASHA is asynchronous successive halving (Li et al. 2020) in the form that
// stops trials instead of pausing them, for one objective: at Min chunks and at
// every Factor times more, a trial goes on if it is among the best of 1/Factor
// of those that came as far. It states no error rate, and it is here to compare
// with.
type ASHA struct {
	Min, Factor int
}

// Rungs returns after how many chunks a trial is judged.
func (a ASHA) Rungs(chunks int) []int {
	var rungs []int
	for c := a.Min; c < chunks; c *= a.Factor {
		rungs = append(rungs, c)
	}
	return rungs
}

// Promotes reports whether a trial goes on beyond a rung. others are the values
// there of the trials before, stopped ones too; less is better.
func (a ASHA) Promotes(others []float64, own float64) bool {
	values := append(slices.Clone(others), own)
	slices.Sort(values)
	return own <= values[max(0, len(values)/a.Factor-1)]
}

// MOASHA is successive halving for several objectives (Schmucker et al. 2021):
// the trials of a rung are ordered by non-dominated sorting, and those of one
// front so that every next one is the furthest from those before (an
// epsilon-net, Clarkson 2006). The order of a front begins with the best in the
// first objective. Distances are of objectives scaled to their range in the
// front.
type MOASHA struct {
	ASHA
}

// Best returns the indices of the best of 1/Factor of the trials of a rung,
// which go on; less is better in every objective.
func (a MOASHA) Best(rung [][]float64) []int {
	return order(rung)[:len(rung)/a.Factor]
}

// order returns the indices of points from best to worst.
func order(points [][]float64) []int {
	ranks := pareto.Ranks(points)
	var all []int
	for rank := 0; len(all) < len(points); rank++ {
		var layer []int
		for i, r := range ranks {
			if r == rank {
				layer = append(layer, i)
			}
		}
		all = append(all, net(points, layer)...)
	}
	return all
}

// net orders the points of a layer, furthest first.
func net(points [][]float64, layer []int) []int {
	if len(layer) == 0 {
		return nil
	}
	chosen := make([][]float64, len(layer))
	for i, j := range layer {
		chosen[i] = points[j]
	}
	low, high := pareto.Bounds(chosen)
	left := slices.Clone(layer)
	first := 0
	for i, j := range left {
		if points[j][0] < points[left[first]][0] {
			first = i
		}
	}
	out := []int{left[first]}
	left = slices.Delete(left, first, first+1)
	for len(left) > 0 {
		best, furthest := 0, -1.0
		for i, j := range left {
			nearest := math.Inf(1)
			for _, k := range out {
				nearest = min(nearest, distance(points[j], points[k], low, high))
			}
			if nearest > furthest {
				best, furthest = i, nearest
			}
		}
		out = append(out, left[best])
		left = slices.Delete(left, best, best+1)
	}
	return out
}

func distance(a, b, low, high []float64) float64 {
	sum := 0.0
	for m := range a {
		if high[m] > low[m] {
			sum += square((a[m] - b[m]) / (high[m] - low[m]))
		}
	}
	return math.Sqrt(sum)
}
