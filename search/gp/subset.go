package gp

import (
	"cmp"
	"math"
	"slices"
)

// Subset chooses at most limit of the points to fit a model to, where there
// are too many for a cubic cost, and returns their indices, ascending. Points
// to keep come first; half of the room left goes to those nearest to a kept
// point, the other half is spread evenly over the order of Y. If even those to
// keep are too many, they are spread over the order of their Y. Points whose Y
// is not finite are left out. Features do not count. Time is the number of
// points times the number kept.
func Subset(dims []Dim, x []Input, y []float64, keep []bool, limit int) []int {
	var kept, rest []int
	for i, v := range y {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
		case keep != nil && keep[i]:
			kept = append(kept, i)
		default:
			rest = append(rest, i)
		}
	}
	byValue := func(i, j int) int { return cmp.Or(cmp.Compare(y[i], y[j]), cmp.Compare(i, j)) }
	slices.SortFunc(kept, byValue)
	chosen := spreadOut(kept, limit)
	if room := limit - len(chosen); len(kept) > 0 && room > 0 {
		distance := nearest(dims, x, kept)
		slices.SortFunc(rest, func(i, j int) int { return cmp.Or(cmp.Compare(distance[i], distance[j]), cmp.Compare(i, j)) })
		near := min((room+1)/2, len(rest))
		chosen, rest = append(chosen, rest[:near]...), rest[near:]
	}
	slices.SortFunc(rest, byValue)
	chosen = append(chosen, spreadOut(rest, limit-len(chosen))...)
	slices.Sort(chosen)
	return chosen
}

// spreadOut returns at most n elements of a list at even steps, with both ends.
func spreadOut(list []int, n int) []int {
	if len(list) <= n {
		return slices.Clone(list)
	}
	var out []int
	for k := range n {
		out = append(out, list[k*(len(list)-1)/max(1, n-1)])
	}
	return out
}

// nearest returns the squared distance of every point to the nearest of some.
func nearest(dims []Dim, x []Input, some []int) []float64 {
	out := make([]float64, len(x))
	for i := range out {
		out[i] = math.Inf(1)
	}
	axes, row, sum := make([]axis, len(dims)), make([]float64, len(x)), make([]float64, len(x))
	for d := range dims {
		axes[d] = newKnob(dims[d])
		for i := range x {
			axes[d].add(axes[d].knob(x[i].Levels[d]))
		}
	}
	scrap := make([]float64, len(x))
	for _, j := range some {
		clear(sum)
		for d := range axes {
			axes[d].row(axes[d].knob(x[j].Levels[d]), 1, 1, scrap, row)
			for i, v := range row {
				sum[i] += v
			}
		}
		for i, v := range sum {
			out[i] = min(out[i], v)
		}
	}
	return out
}
