package history

import (
	"cmp"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
)

// Classes parts told trials: feasible ones by number; and the others from
// best to worst: those of which too much is missing to say, by number, and
// infeasible ones by how much they break their bounds. The result does not
// depend on the order of tells.
func (t Terms) Classes(told []*Trial) (feasible, others []*Trial) {
	var infeasible []*Trial
	for _, r := range slices.SortedFunc(slices.Values(told), byNumber) {
		switch {
		case r.Infeasible:
			infeasible = append(infeasible, r)
		case r.complete():
			feasible = append(feasible, r)
		default:
			others = append(others, r)
		}
	}
	violation := t.violations(infeasible)
	slices.SortStableFunc(infeasible, func(a, b *Trial) int { return cmp.Compare(violation[a], violation[b]) })
	return feasible, append(others, infeasible...)
}

// violations returns how much infeasible trials break their bounds: the sum of
// what is known, each bound in units of its worst finite violation; +Inf for
// trials of which no violation is known.
func (t Terms) violations(infeasible []*Trial) map[*Trial]float64 {
	worst := make([]float64, t.bounds())
	for _, r := range infeasible {
		for i := range worst {
			if x := t.excess(r.Evidence, i); x > worst[i] && !math.IsInf(x, 0) {
				worst[i] = x
			}
		}
	}
	total := make(map[*Trial]float64, len(infeasible))
	for _, r := range infeasible {
		for i := range worst {
			if x := t.excess(r.Evidence, i); x > 0 {
				total[r] += x / worst[i] // worst is 0 only if x is infinite
			}
		}
		if total[r] == 0 {
			total[r] = math.Inf(1)
		}
	}
	return total
}

// Split returns the told trials, the k best of them (all, if there are fewer)
// apart: feasible ones by non-dominated rank, and of the last rank that has
// room those that together add most hypervolume (Ozaki et al. 2020); then the
// others as in Classes.
func (h *History) Split(k int) (best, rest []*Trial) {
	feasible, others := h.Terms.Classes(h.Told)
	for _, front := range Fronts(feasible, len(feasible)) {
		if room := k - len(best); room < len(front) {
			chosen, left := h.Terms.spread(front, max(0, room))
			best, rest = append(best, chosen...), append(rest, left...)
		} else {
			best = append(best, front...)
		}
	}
	room := min(max(0, k-len(best)), len(others))
	return append(best, others[:room]...), append(rest, others[room:]...)
}

// Fronts returns the non-dominated fronts of complete trials, as many as hold
// k of them.
func Fronts(trials []*Trial, k int) [][]*Trial {
	points := make([][]float64, len(trials))
	for i, r := range trials {
		points[i] = r.Values
	}
	var fronts [][]*Trial
	for i, rank := range pareto.Ranks(points) {
		for len(fronts) <= rank {
			fronts = append(fronts, nil)
		}
		fronts[rank] = append(fronts[rank], trials[i])
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
func (t Terms) spread(front []*Trial, k int) (chosen, left []*Trial) {
	if k == 0 {
		return nil, front
	}
	members := make([][]float64, len(front))
	for i, r := range front {
		members[i] = r.Values
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

// margin is how far the reference of scaled lies beyond the worst of the points it
// serves, as a share of their range: so the ends of a front count too.
const margin = 0.1

// scaled maps the members of a front to units in which their best is 0 and the
// reference 1: the limit where the user gave one, else a little beyond the
// worst of the members.
func (t Terms) scaled(members [][]float64) (points [][]float64, reference []float64) {
	low, high := pareto.Bounds(members)
	reference = slices.Repeat([]float64{1}, len(low))
	points = make([][]float64, len(members))
	for i, p := range members {
		points[i] = make([]float64, len(p))
		for m, x := range p {
			// Halves, because the range itself may overflow.
			width := (high[m]/2 - low[m]/2) * (1 + margin)
			if limit := t.Limits[m]; !math.IsNaN(limit) {
				width = limit/2 - low[m]/2
			}
			if width > 0 {
				points[i][m] = (x/2 - low[m]/2) / width
			}
		}
	}
	return points, reference
}
