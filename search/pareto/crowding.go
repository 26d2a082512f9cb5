package pareto

import (
	"math"
	"slices"
)

// Crowding returns for every point of a front how far apart its neighbours
// are: the sum over the objectives of the distance between the next lower and
// the next higher point, as a share of the range of all; +Inf for the ends
// (Deb et al. 2002). Points are finite. Of points with equal values the first
// counts as the lower.
func Crowding(points [][]float64) []float64 {
	distance := make([]float64, len(points))
	if len(points) == 0 {
		return distance
	}
	low, high := Bounds(points)
	order := make([]int, len(points))
	for m := range low {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return compare(points[i][m], points[j][m]) })
		distance[order[0]] = math.Inf(1)
		distance[order[len(order)-1]] = math.Inf(1)
		width := high[m]/2 - low[m]/2 // halves, because the range itself may overflow
		for k := 1; k+1 < len(order) && width > 0; k++ {
			distance[order[k]] += (points[order[k+1]][m]/2 - points[order[k-1]][m]/2) / width
		}
	}
	return distance
}
