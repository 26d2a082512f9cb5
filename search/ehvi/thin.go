package ehvi

import (
	"math"
	"math/rand/v2"
	"slices"
)

// draws is the number of points at which a box is probed.
const draws = 16

// thinned stands in for a partition that would have more than limit boxes. It
// partitions what a part of the front leaves, points that lie far from each
// other, and counts every box by the share of it that the other points leave,
// found by Monte Carlo at points that are the same for every box and every
// candidate. Points are as inside returns them; there are at least two.
func thinned(points [][]float64, reference []float64, limit int) (boxes []Box, weights []float64) {
	order := spread(points, reference)
	ideal := slices.Clone(reference)
	for _, p := range points {
		for m, x := range p {
			ideal[m] = min(ideal[m], x)
		}
	}
	size := len(points)
	for ok := false; !ok; {
		size = size * 7 / 8
		boxes, ok = decompose(pick(points, order[:size]), reference, limit)
	}
	weights = make([]float64, len(boxes))
	probes := uniform(draws, len(reference))
	rest := pick(points, order[size:])
	for i, b := range boxes {
		weights[i] = left(b, rest, ideal, probes)
	}
	return boxes, weights
}

// spread orders points so that every next one is as far as can be from all
// before it (Gonzalez 1985), from the one that is best in the first objective
// on. Objectives are scaled to the range of the points.
func spread(points [][]float64, reference []float64) []int {
	scale := make([]float64, len(reference))
	first := 0
	for i, p := range points {
		if p[0] < points[first][0] {
			first = i
		}
		for m := range p {
			for _, q := range points[:i] {
				scale[m] = max(scale[m], math.Abs(p[m]-q[m]))
			}
		}
	}
	gap := slices.Repeat([]float64{math.Inf(1)}, len(points))
	order := make([]int, 0, len(points))
	for next := first; len(order) < len(points); {
		order = append(order, next)
		gap[next] = -1
		chosen := next
		for i, p := range points {
			if gap[i] < 0 {
				continue
			}
			square := 0.0
			for m := range p {
				if scale[m] > 0 {
					d := (p[m] - points[chosen][m]) / scale[m]
					square += d * d
				}
			}
			if gap[i] = min(gap[i], square); next == chosen || gap[i] > gap[next] {
				next = i
			}
		}
	}
	return order
}

func pick(points [][]float64, indices []int) [][]float64 {
	out := make([][]float64, len(indices))
	for i, k := range indices {
		out[i] = points[k]
	}
	return out
}

// uniform draws n points of the unit cube.
func uniform(n, dims int) [][]float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, dims)
		for m := range out[i] {
			out[i][m] = rng.Float64()
		}
	}
	return out
}

// left is the share of a box that no point dominates. Where the box is open
// below, its part above the ideal is probed: below it nothing is dominated, but
// candidates rarely reach there.
func left(b Box, points [][]float64, ideal []float64, probes [][]float64) float64 {
	var near [][]float64
	for _, p := range points {
		if below(p, b.High) {
			near = append(near, p)
		}
	}
	if len(near) == 0 {
		return 1
	}
	free := 0
	at := make([]float64, len(ideal))
	for _, u := range probes {
		for m := range at {
			low := max(b.Low[m], min(ideal[m], b.High[m]))
			at[m] = low + u[m]*(b.High[m]-low)
		}
		if !slices.ContainsFunc(near, func(p []float64) bool { return covers(p, at) }) {
			free++
		}
	}
	return float64(free) / draws
}
