package api

import (
	"cmp"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// frontOf returns the numbers of the non-dominated feasible points, best first
// objective first. A point without a value for every objective is not on it.
func frontOf(points []point, objectives []study.Objective) []int {
	costs := make([][]float64, 0, len(points))
	kept := make([]point, 0, len(points))
	for _, p := range points {
		if c, ok := p.costs(objectives); ok {
			costs, kept = append(costs, c), append(kept, p)
		}
	}
	front := []int{}
	order := pareto.Front(costs)
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(costs[i][0], costs[j][0]), cmp.Compare(kept[i].number, kept[j].number))
	})
	for _, i := range order {
		front = append(front, kept[i].number)
	}
	return front
}

// costs are the point's objective values, turned so that less is better.
func (p *point) costs(objectives []study.Objective) ([]float64, bool) {
	if !p.feasible || len(objectives) == 0 {
		return nil, false
	}
	costs := make([]float64, len(objectives))
	for i, o := range objectives {
		v, ok := p.values[study.ValueKey(o.Metric)]
		if !ok || math.IsNaN(v.Value) {
			return nil, false
		}
		costs[i] = v.Value
		if o.Direction == study.Max {
			costs[i] = -v.Value
		}
	}
	return costs, true
}
