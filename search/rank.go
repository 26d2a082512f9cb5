package search

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
)

// margin is how far the reference lies beyond the worst of the points it
// serves, as a share of their range: so the ends of a front count too.
const margin = 0.1

// selectBest puts the k best of some complete trials first: whole
// non-dominated ranks, and of the rank that k cuts those that together add
// most hypervolume (Ozaki et al. 2020).
func (t terms) selectBest(records []*record, k int) []*record {
	points := make([][]float64, len(records))
	for i, r := range records {
		points[i] = r.values
	}
	ranks := pareto.Ranks(points)
	fronts := make([][]int, slices.Max(ranks)+1)
	for i, rank := range ranks {
		fronts[rank] = append(fronts[rank], i)
	}
	out := make([]*record, 0, len(records))
	for _, front := range fronts {
		if room := k - len(out); 0 < room && room < len(front) {
			front = t.spread(points, front, room)
		}
		for _, i := range front {
			out = append(out, records[i])
		}
	}
	return out
}

// spread puts first those k of a front that together add most hypervolume.
func (t terms) spread(points [][]float64, front []int, k int) []int {
	members := make([][]float64, len(front))
	for i, j := range front {
		members[i] = points[j]
	}
	scaled, reference := t.scaled(members)
	chosen := make([]bool, len(front))
	var out []int
	for _, i := range pareto.Subset(scaled, k, reference) {
		chosen[i] = true
		out = append(out, front[i])
	}
	for i, j := range front {
		if !chosen[i] {
			out = append(out, j)
		}
	}
	return out
}

// scaled maps the members of a front to units in which their best is 0 and the
// reference 1: the limit where the user gave one, else a little beyond the
// worst of the members.
func (t terms) scaled(members [][]float64) (points [][]float64, reference []float64) {
	low, high := pareto.Bounds(members)
	reference = slices.Repeat([]float64{1}, len(low))
	points = make([][]float64, len(members))
	for i, p := range members {
		points[i] = make([]float64, len(p))
		for m, x := range p {
			// Halves, because the range itself may overflow.
			width := (high[m]/2 - low[m]/2) * (1 + margin)
			if limit := t.limits[m]; !math.IsNaN(limit) {
				width = limit/2 - low[m]/2
			}
			if width > 0 {
				points[i][m] = (x/2 - low[m]/2) / width
			}
		}
	}
	return points, reference
}
