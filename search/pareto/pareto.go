// Package pareto compares vectors of objectives: dominance, non-dominated
// ranks, fronts, hypervolume and the knee. All of it minimises; Orient turns
// objectives to be maximised around. A point that holds a NaN is never on a
// front and has the worst rank.
package pareto

import (
	"math"
	"slices"
	"sort"

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
// Points with a NaN get the rank after the last.
//
// A point goes to the first front that does not dominate it, found by binary
// search over the fronts so far, the points in lexicographic order (Zhang et
// al. 2015, ENS-BS). Memory is linear in the number of points; time is at worst
// quadratic, when all are on one front.
func Ranks(points [][]float64) []int {
	ranks := make([]int, len(points))
	order := make([]int, 0, len(points))
	for i, p := range points {
		if !hasNaN(p) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return slices.Compare(points[i], points[j]) })
	var fronts []layer
	for n, i := range order {
		if n > 0 && slices.Equal(points[i], points[order[n-1]]) {
			ranks[i] = ranks[order[n-1]] // and need not stand for itself
			continue
		}
		ranks[i] = sort.Search(len(fronts), func(f int) bool { return !fronts[f].dominates(points[i]) })
		if ranks[i] == len(fronts) {
			fronts = append(fronts, layer{width: max(0, len(points[i])-1)})
		}
		fronts[ranks[i]].add(points[i])
	}
	for i, p := range points {
		if hasNaN(p) {
			ranks[i] = len(fronts)
		}
	}
	return ranks
}

// layer is a front to which points are added in lexicographic order. It holds
// them without their first objective, in which no later point is better.
type layer struct {
	width int
	rest  []float64
	size  int
}

func (l *layer) add(p []float64) {
	l.size++
	switch l.width {
	case 0:
	case 1: // the latest is the best in the second objective
		l.rest = append(l.rest[:0], p[1])
	default:
		l.rest = append(l.rest, p[1:]...)
	}
}

// dominates reports whether a point of the front dominates p, which comes
// later and is equal to none of them.
func (l *layer) dominates(p []float64) bool {
	if l.width == 0 {
		return l.size > 0
	}
	for end := len(l.rest); end > 0; end -= l.width { // the latest are the nearest
		if nowhereWorse(l.rest[end-l.width:end], p[1:]) {
			return true
		}
	}
	return false
}

func nowhereWorse(a, b []float64) bool {
	for i, x := range a {
		if x > b[i] {
			return false
		}
	}
	return true
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

// Knee returns the index of the point of the front that lies furthest below
// the line (plane) through the corners at which one objective is at the
// front's worst and the others at its best, each objective scaled to its range
// over the front. For two objectives that is the line through the extremes. Of
// equal points the first wins; ok is false if the front is empty. Points that
// are not finite are left out.
func Knee(points [][]float64) (index int, ok bool) {
	var front [][]float64
	var indices []int
	for _, i := range Front(points) {
		if finite(points[i]) {
			front, indices = append(front, points[i]), append(indices, i)
		}
	}
	if len(front) == 0 {
		return 0, false
	}
	low, high := Bounds(front)
	best := math.Inf(1)
	for i, p := range front {
		// The distance to the plane where the scaled objectives sum to 1 is
		// (1 - sum)/√m: the point with the least sum is the furthest below.
		sum := 0.0
		for m, x := range p {
			if high[m] > low[m] {
				// Halves, because the range itself may overflow.
				sum += (x/2 - low[m]/2) / (high[m]/2 - low[m]/2)
			}
		}
		if sum < best {
			best, index = sum, indices[i]
		}
	}
	return index, true
}

// Bounds returns the lowest and the highest value of each objective over the
// points, of which there is at least one and none with a NaN.
func Bounds(points [][]float64) (low, high []float64) {
	low, high = slices.Clone(points[0]), slices.Clone(points[0])
	for _, p := range points {
		for m, x := range p {
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
