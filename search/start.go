package search

import (
	"slices"

	"github.com/fettle-edge/fettle/search/goptuna"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/space"
)

// start is the design that a model begins with: homogeneous designs, then
// Sobol's sequence.
type start struct {
	space       *space.Space
	sequence    *goptuna.Sobol
	size        int // trials before the model takes over
	homogeneous []space.Point
}

// fewestStart and mostStart bound the number of trials of a start design. Within
// these it is one more than the knobs, as many as a linear function has
// coefficients. More did not help on any problem of package search/problems.
const (
	fewestStart = 5
	mostStart   = 8
)

// newStart plans the start design, at most two thirds of it homogeneous.
func newStart(sp *space.Space, sequence *goptuna.Sobol, budget int) *start {
	size := max(fewestStart, min(len(sp.Dims())+1, mostStart))
	if budget > 0 {
		size = min(size, budget)
	}
	return &start{space: sp, sequence: sequence, size: size, homogeneous: homogeneous(sp, size*2/3)}
}

const (
	groupSize   = 3  // fewest knobs that lead together
	groupLevels = 16 // most levels of a range that leads
)

// homogeneous returns designs in which all knobs are neutral but for the
// leading group, whose members all have the same value: the lowest level
// first, then the highest, then between. Members of a group share one domain,
// such as the types of several layers.
func homogeneous(sp *space.Space, most int) []space.Point {
	group := leading(sp.Dims())
	if len(group) == 0 {
		return nil
	}
	var designs []space.Point
	for _, level := range spread(sp.Dims()[group[0]].Levels, most) {
		p := sp.Neutral()
		for _, i := range group {
			p[i] = level
		}
		designs = append(designs, p)
	}
	return designs
}

// leading returns the knobs of the largest group; where none has enough
// members, those that share the longest choice.
func leading(dims []space.Dim) []int {
	var largest, longest []int
	for i, d := range dims {
		if d.Ordered() && d.Levels > groupLevels {
			continue
		}
		var group []int
		for j, e := range dims {
			if alike(d, e) {
				group = append(group, j)
			}
		}
		if group[0] != i {
			continue // looked at before
		}
		if len(group) > len(largest) {
			largest = group
		}
		if !d.Ordered() && (longest == nil || d.Levels > dims[longest[0]].Levels) {
			longest = group
		}
	}
	if len(largest) >= groupSize {
		return largest
	}
	return longest
}

// alike reports whether knobs share one domain.
func alike(a, b space.Dim) bool {
	j, k := a.Knob, b.Knob
	switch {
	case j.Choice != nil || k.Choice != nil:
		return slices.Equal(j.Choice, k.Choice)
	case j.Int != nil && k.Int != nil:
		return *j.Int == *k.Int && j.Log == k.Log
	case j.Float != nil && k.Float != nil:
		return *j.Float == *k.Float && j.Log == k.Log
	}
	return false
}

// spread returns at most k of n levels, evenly spaced, the two ends first and
// every next one in the middle of the widest gap.
func spread(n, k int) []int {
	k = min(n, k)
	if k <= 0 {
		return nil
	}
	levels := []int{0}
	for i := 1; i < k; i++ {
		levels = append(levels, i*(n-1)/(k-1))
	}
	order := []int{0}
	for len(order) < k {
		best, width := -1, -1
		for i := range levels {
			gap := n
			for _, j := range order {
				gap = min(gap, max(levels[i]-levels[j], levels[j]-levels[i]))
			}
			if gap > width {
				best, width = i, gap
			}
		}
		order = append(order, best)
	}
	for i, j := range order {
		order[i] = levels[j]
	}
	return order
}

// next returns the design's next point; ok is false once the design is asked.
func (s *start) next(h *history.History) (p space.Point, ok bool) {
	asked := h.Len()
	if asked >= s.size {
		return nil, false
	}
	for _, p := range s.homogeneous {
		if h.Fresh(p) {
			return p, true
		}
	}
	return s.space.At(s.sequence.At(asked)), true
}
