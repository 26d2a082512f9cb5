package search

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// history is all that strategies may know: what was asked and what was told.
type history struct {
	space   *space.Space
	terms   terms
	trials  map[int]*record
	told    []*record      // in the order of the tells
	sisters []sister       // in the order of Observe
	seen    map[string]int // recipe key → number of trials that have it
	version int            // rises with every change
}

// record is a trial.
type record struct {
	number     int
	assignment study.Assignment
	point      space.Point
	key        string
	told       bool
	evidence   // of a told trial
}

// sister is evidence from a sister lane.
type sister struct {
	assignment study.Assignment
	point      space.Point
	evidence
}

func newHistory(sp *space.Space, t terms) *history {
	return &history{space: sp, terms: t, trials: map[int]*record{}, seen: map[string]int{}}
}

func (h *history) add(n int, a study.Assignment, key string) error {
	if _, ok := h.trials[n]; ok {
		return fault.New(fault.Conflict, "cannot add trial %d: the search has a trial of this number", n)
	}
	h.trials[n] = &record{number: n, assignment: maps.Clone(a), point: h.space.Point(a), key: key}
	h.seen[key]++
	h.version++
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
	e, err := h.terms.read(o)
	if err != nil {
		return fault.New(fault.Invalid, "cannot tell trial %d: %v", n, err)
	}
	r.told, r.evidence = true, e
	h.told = append(h.told, r)
	h.version++
	return nil
}

func (h *history) observe(a study.Assignment, o Outcome) error {
	e, err := h.terms.read(o)
	if err != nil {
		return fault.New(fault.Invalid, "cannot take the evidence of a sister lane: %v", err)
	}
	h.sisters = append(h.sisters, sister{assignment: maps.Clone(a), point: h.space.Point(a), evidence: e})
	h.version++
	return nil
}

func (h *history) forget(n int) error {
	r, err := h.outstanding(n)
	if err != nil {
		return err
	}
	delete(h.trials, n)
	if h.seen[r.key]--; h.seen[r.key] == 0 {
		delete(h.seen, r.key)
	}
	h.version++
	return nil
}

// ranked returns the told trials from best to worst: by non-dominated rank,
// within the front those first that add the most hypervolume; then those of
// which too much is missing to say; then infeasible ones, by how much they
// break their bounds. The order does not depend on the order of tells.
func (h *history) ranked() []*record {
	var feasible, incomplete, infeasible []*record
	for _, r := range slices.SortedFunc(slices.Values(h.told), byNumber) {
		switch {
		case r.infeasible:
			infeasible = append(infeasible, r)
		case r.complete():
			feasible = append(feasible, r)
		default:
			incomplete = append(incomplete, r)
		}
	}
	violation := h.terms.violations(infeasible)
	slices.SortStableFunc(infeasible, func(a, b *record) int { return cmp.Compare(violation[a], violation[b]) })
	return slices.Concat(rank(feasible), incomplete, infeasible)
}

func byNumber(a, b *record) int { return cmp.Compare(a.number, b.number) }

// violations returns how much infeasible trials break their bounds: the sum of
// what is known, each bound in units of its worst finite violation; +Inf for
// trials of which no violation is known.
func (t terms) violations(infeasible []*record) map[*record]float64 {
	worst := make([]float64, t.bounds())
	for _, r := range infeasible {
		for i := range worst {
			if x := t.excess(r.evidence, i); x > worst[i] && !math.IsInf(x, 0) {
				worst[i] = x
			}
		}
	}
	total := make(map[*record]float64, len(infeasible))
	for _, r := range infeasible {
		for i := range worst {
			if x := t.excess(r.evidence, i); x > 0 {
				total[r] += x / worst[i] // worst is 0 only if x is infinite
			}
		}
		if total[r] == 0 {
			total[r] = math.Inf(1)
		}
	}
	return total
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
