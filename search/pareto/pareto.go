// Package pareto compares vectors of objectives: dominance, non-dominated
// ranks, fronts, hypervolume and the knee. All of it minimises; Orient turns
// objectives to be maximised around. A point that holds a NaN is never on a
// front and has the worst rank.
package pareto

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/study"
)

// Orient returns values with the sign of every objective to be maximised
// flipped, so that less is better throughout. Values beyond the directions are
// kept as they are.
func Orient(values []float64, directions []study.Direction) []float64 {
	out := slices.Clone(values)
	for i, d := range directions[:min(len(directions), len(out))] {
		if d == study.Max {
			out[i] = -out[i]
		}
	}
	return out
}

// Dominates reports whether a is nowhere worse than b and somewhere better.
// Points with a NaN, or of different lengths, neither dominate nor are
// dominated.
func Dominates(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	better := false
	for i, x := range a {
		switch {
		case x < b[i]:
			better = true
		case !(x <= b[i]): // worse, or a NaN
			return false
		}
	}
	return better
}

// Ranks returns the non-dominated rank of every point: 0 for the front, 1 for
// the front of what is left without it, and so on. Equal points share a rank.
// Points with a NaN get the rank after the last. Time is quadratic in the
// number of points (Deb et al. 2002, fast non-dominated sorting).
func Ranks(points [][]float64) []int {
	ranks := make([]int, len(points))
	above := make([]int, len(points))     // number of points that dominate i
	below := make([][]int32, len(points)) // points that i dominates
	var current []int
	for i, p := range points {
		if hasNaN(p) {
			ranks[i] = -1
			continue
		}
		for j := range i {
			if Dominates(p, points[j]) {
				below[i] = append(below[i], int32(j))
				above[j]++
			} else if Dominates(points[j], p) {
				below[j] = append(below[j], int32(i))
				above[i]++
			}
		}
	}
	for i := range points {
		if ranks[i] == 0 && above[i] == 0 {
			current = append(current, i)
		}
	}
	rank := 0
	for ; len(current) > 0; rank++ {
		var next []int
		for _, i := range current {
			ranks[i] = rank
			for _, j := range below[i] {
				if above[j]--; above[j] == 0 {
					next = append(next, int(j))
				}
			}
		}
		current = next
	}
	for i, r := range ranks {
		if r < 0 {
			ranks[i] = rank
		}
	}
	return ranks
}

// Front returns the indices of the points that no other point dominates, in
// ascending order. Equal points are all on it.
func Front(points [][]float64) []int {
	var front []int
	for i, p := range points {
		if hasNaN(p) || slices.ContainsFunc(points, func(q []float64) bool { return Dominates(q, p) }) {
			continue
		}
		front = append(front, i)
	}
	return front
}

// Crowding returns for every point the sum over the objectives of the distance
// between its two neighbours, each objective scaled to its range over points;
// the ends of an objective have +Inf (Deb et al. 2002). Equal points are
// neighbours of each other. It is meant for the points of one rank, which hold
// no NaN.
func Crowding(points [][]float64) []float64 {
	sums := make([]float64, len(points))
	if len(points) == 0 {
		return sums
	}
	order := make([]int, len(points))
	for m := range points[0] {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return compare(points[a][m], points[b][m]) })
		first, last := order[0], order[len(order)-1]
		scale := points[last][m] - points[first][m]
		if !(scale > 0) || math.IsInf(scale, 0) {
			continue
		}
		sums[first], sums[last] = math.Inf(1), math.Inf(1)
		for k := 1; k < len(order)-1; k++ {
			sums[order[k]] += (points[order[k+1]][m] - points[order[k-1]][m]) / scale
		}
	}
	return sums
}

// Knee returns the index of the point of the front that lies furthest below
// the line (plane) through the corners at which one objective is at the
// front's worst and the others at its best, each objective scaled to its range
// over the front. For two objectives that is the line through the extremes. Of
// equal points the first wins; ok is false if the front is empty. Points that
// are not finite are left out.
func Knee(points [][]float64) (index int, ok bool) {
	best := math.Inf(1)
	front := Front(points)
	front = slices.DeleteFunc(front, func(i int) bool { return !finite(points[i]) })
	if len(front) == 0 {
		return 0, false
	}
	low, high := bounds(points, front)
	for _, i := range front {
		// The distance to the plane where the scaled objectives sum to 1 is
		// (1 - sum)/√m: the point with the least sum is the furthest below.
		sum := 0.0
		for m, x := range points[i] {
			if high[m] > low[m] {
				sum += x/(high[m]-low[m]) - low[m]/(high[m]-low[m])
			}
		}
		if sum < best {
			best, index = sum, i
		}
	}
	return index, true
}

// bounds returns the lowest and highest value of each objective over chosen
// points.
func bounds(points [][]float64, chosen []int) (low, high []float64) {
	low = slices.Clone(points[chosen[0]])
	high = slices.Clone(low)
	for _, i := range chosen {
		for m, x := range points[i] {
			low[m], high[m] = min(low[m], x), max(high[m], x)
		}
	}
	return low, high
}

func hasNaN(p []float64) bool { return slices.ContainsFunc(p, math.IsNaN) }

func finite(p []float64) bool {
	return !slices.ContainsFunc(p, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
