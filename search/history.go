package search

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// history is all that strategies may know: what was asked and what was told.
type history struct {
	space      *space.Space
	directions []study.Direction
	trials     map[int]*record
	seen       map[string]int // recipe key → number of trials that have it
}

// record is a trial.
type record struct {
	number int
	point  space.Point
	key    string
	told   bool
	// values are oriented so that less is better; nil if outstanding or
	// infeasible.
	values []float64
}

func newHistory(sp *space.Space, directions []study.Direction) *history {
	return &history{space: sp, directions: directions, trials: map[int]*record{}, seen: map[string]int{}}
}

func (h *history) add(n int, p space.Point, key string) error {
	if _, ok := h.trials[n]; ok {
		return fault.New(fault.Conflict, "cannot add trial %d: the search has a trial of this number", n)
	}
	h.trials[n] = &record{number: n, point: p, key: key}
	h.seen[key]++
	return nil
}

func (h *history) outstanding(n int) (*record, error) {
	r, ok := h.trials[n]
	if !ok || r.told {
		return nil, fmt.Errorf("trial %d: %w", n, ErrUnknown)
	}
	return r, nil
}

func (h *history) tell(n int, o Outcome) error {
	r, err := h.outstanding(n)
	if err != nil {
		return err
	}
	if !o.Infeasible && len(o.Values) != len(h.directions) {
		return fault.New(fault.Invalid, "cannot tell trial %d: %d values for %d objectives", n, len(o.Values), len(h.directions))
	}
	r.told = true
	if !o.Infeasible && !slices.ContainsFunc(o.Values, notFinite) {
		r.values = pareto.Orient(o.Values, h.directions)
	}
	return nil
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }

func (h *history) forget(n int) error {
	r, err := h.outstanding(n)
	if err != nil {
		return err
	}
	delete(h.trials, n)
	if h.seen[r.key]--; h.seen[r.key] == 0 {
		delete(h.seen, r.key)
	}
	return nil
}

// ranked returns the told trials from best to worst: by non-dominated rank,
// within the front those first that add the most hypervolume, infeasible ones
// last. The order does not depend on the order of tells.
func (h *history) ranked() []*record {
	var feasible, infeasible []*record
	for _, r := range h.trials {
		switch {
		case r.values != nil:
			feasible = append(feasible, r)
		case r.told:
			infeasible = append(infeasible, r)
		}
	}
	byNumber := func(a, b *record) int { return cmp.Compare(a.number, b.number) }
	slices.SortFunc(feasible, byNumber)
	slices.SortFunc(infeasible, byNumber)
	return append(rank(feasible), infeasible...)
}

// rank orders trials with values.
func rank(records []*record) []*record {
	points := make([][]float64, len(records))
	for i, r := range records {
		points[i] = r.values
	}
	type place struct {
		rank  int
		bonus float64
	}
	places := make(map[*record]place, len(records))
	var front []*record
	for i, rank := range pareto.Ranks(points) {
		places[records[i]] = place{rank: rank}
		if rank == 0 {
			front = append(front, records[i])
		}
	}
	for i, volume := range contributions(front) {
		places[front[i]] = place{bonus: volume}
	}
	slices.SortStableFunc(records, func(a, b *record) int {
		p, q := places[a], places[b]
		return cmp.Or(cmp.Compare(p.rank, q.rank), cmp.Compare(q.bonus, p.bonus))
	})
	return records
}

// margin is how far the reference lies beyond the worst of the front, as a
// share of the front's range: so the ends of the front count too.
const margin = 0.1

// contributions returns what each trial of a front adds to its hypervolume.
func contributions(front []*record) []float64 {
	if len(front) == 0 {
		return nil
	}
	points := make([][]float64, len(front))
	for i, r := range front {
		points[i] = r.values
	}
	low, high := pareto.Bounds(points)
	for m := range high {
		high[m] += margin * (high[m] - low[m])
		if high[m] == low[m] { // all equal: any distance serves
			high[m] += max(1, math.Abs(high[m]))
		}
	}
	return pareto.Contributions(points, high)
}
