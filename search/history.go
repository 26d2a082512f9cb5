package search

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

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
	sisters    int // evidence from sister lanes that came before the tell
	evidence       // of a told trial
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

// open returns an outstanding trial.
func (h *history) open(n int) (*record, error) {
	r, ok := h.trials[n]
	if !ok || r.told {
		return nil, fmt.Errorf("trial %d: %w", n, ErrUnknown)
	}
	return r, nil
}

func (h *history) tell(n int, o Outcome) error {
	r, err := h.open(n)
	if err != nil {
		return err
	}
	e, err := h.terms.read(o)
	if err != nil {
		return fault.New(fault.Invalid, "cannot tell trial %d: %v", n, err)
	}
	r.told, r.evidence, r.sisters = true, e, len(h.sisters)
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
	r, err := h.open(n)
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

// classes parts told trials: feasible ones by number; and the others from
// best to worst: those of which too much is missing to say, by number, and
// infeasible ones by how much they break their bounds. The result does not
// depend on the order of tells.
func (t terms) classes(told []*record) (feasible, others []*record) {
	var infeasible []*record
	for _, r := range slices.SortedFunc(slices.Values(told), byNumber) {
		switch {
		case r.infeasible:
			infeasible = append(infeasible, r)
		case r.complete():
			feasible = append(feasible, r)
		default:
			others = append(others, r)
		}
	}
	violation := t.violations(infeasible)
	slices.SortStableFunc(infeasible, func(a, b *record) int { return cmp.Compare(violation[a], violation[b]) })
	return feasible, append(others, infeasible...)
}

// split returns the told trials, the k best of them (all, if there are fewer)
// apart: feasible ones by non-dominated rank, and of the last rank that has
// room those that together add most hypervolume (Ozaki et al. 2020); then the
// others as in classes.
func (h *history) split(k int) (best, rest []*record) {
	feasible, others := h.terms.classes(h.told)
	for _, front := range fronts(feasible, len(feasible)) {
		if room := k - len(best); room < len(front) {
			chosen, left := h.terms.spread(front, max(0, room))
			best, rest = append(best, chosen...), append(rest, left...)
		} else {
			best = append(best, front...)
		}
	}
	room := min(max(0, k-len(best)), len(others))
	return append(best, others[:room]...), append(rest, others[room:]...)
}

// outstanding returns the trials that are not told yet, by number.
func (h *history) outstanding() []*record {
	var open []*record
	for _, r := range h.trials {
		if !r.told {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, byNumber)
	return open
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
