package api

import (
	"cmp"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/study"
)

// valueName is the key under which a trial holds a metric's statistic: the
// default statistic has no suffix.
func valueName(metric string) string {
	info, statistic, ok := study.LookupMetric(metric)
	switch {
	case !ok:
		return metric
	case statistic == study.DefaultStatistic:
		return info.Name
	}
	return info.Name + "." + statistic
}

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
	order := nondominated(costs)
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
	if p.state != study.Complete || len(objectives) == 0 {
		return nil, false
	}
	costs := make([]float64, len(objectives))
	for i, o := range objectives {
		v, ok := p.values[valueName(o.Metric)]
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

// nondominated returns the indices of the points that no other dominates;
// equal points are all kept.
func nondominated(costs [][]float64) []int {
	var front []int
	for i, p := range costs {
		if !slices.ContainsFunc(costs, func(q []float64) bool { return dominates(q, p) }) {
			front = append(front, i)
		}
	}
	return front
}

func dominates(q, p []float64) bool {
	better := false
	for i := range p {
		if q[i] > p[i] {
			return false
		}
		better = better || q[i] < p[i]
	}
	return better
}
