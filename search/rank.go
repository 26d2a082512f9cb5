package search

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
)

// margin is how far the reference lies beyond the worst of the points it
// serves, as a share of their range: so the ends of a front count too.
const margin = 0.1

// fronts returns the non-dominated fronts of complete trials, as many as hold
// k of them.
func fronts(records []*record, k int) [][]*record {
	points := make([][]float64, len(records))
	for i, r := range records {
		points[i] = r.values
	}
	var fronts [][]*record
	for i, rank := range pareto.Ranks(points) {
		for len(fronts) <= rank {
			fronts = append(fronts, nil)
		}
		fronts[rank] = append(fronts[rank], records[i])
	}
	held := 0
	for i, front := range fronts {
		if held >= k {
			return fronts[:i]
		}
		held += len(front)
	}
	return fronts
}

// spread chooses those k of a front that together add most hypervolume.
func (t terms) spread(front []*record, k int) (chosen, left []*record) {
	if k == 0 {
		return nil, front
	}
	members := make([][]float64, len(front))
	for i, r := range front {
		members[i] = r.values
	}
	taken := make([]bool, len(front))
	points, reference := t.scaled(members)
	for _, i := range pareto.Subset(points, k, reference) {
		taken[i] = true
		chosen = append(chosen, front[i])
	}
	for i, r := range front {
		if !taken[i] {
			left = append(left, r)
		}
	}
	return chosen, left
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
