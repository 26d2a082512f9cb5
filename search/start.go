package search

import (
	"slices"

	"github.com/fettle-edge/fettle/search/goptuna"
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

// newStart plans max(8, min(2·knobs, budget/3)) trials, at most two thirds of
// them homogeneous, but never more than the budget.
func newStart(sp *space.Space, sequence *goptuna.Sobol, budget int) *start {
	size := 2 * len(sp.Dims())
	if budget > 0 {
		size = min(size, budget/3)
	}
	size = max(8, size)
	if budget > 0 {
		size = min(size, budget)
	}
	return &start{space: sp, sequence: sequence, size: size, homogeneous: homogeneous(sp, size*2/3)}
}

// homogeneous returns designs in which all knobs are neutral but for the
// leading group, whose members all have the same value: the lowest level
// first, then the highest, then between. The group is the choice knobs that
// share the longest list of values, such as the types of several layers.
func homogeneous(sp *space.Space, most int) []space.Point {
	dims := sp.Dims()
	lead := -1
	for i, d := range dims {
		if !d.Ordered() && (lead < 0 || d.Levels > dims[lead].Levels) {
			lead = i
		}
	}
	if lead < 0 {
		return nil
	}
	var designs []space.Point
	for _, level := range spread(dims[lead].Levels, most) {
		p := sp.Neutral()
		for i, d := range dims {
			if slices.Equal(d.Knob.Choice, dims[lead].Knob.Choice) {
				p[i] = level
			}
		}
		designs = append(designs, p)
	}
	return designs
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
func (s *start) next(c *core) (p space.Point, ok bool) {
	asked := len(c.history.trials)
	if asked >= s.size {
		return nil, false
	}
	for _, p := range s.homogeneous {
		if _, ok := c.fresh(p); ok {
			return p, true
		}
	}
	return s.space.At(s.sequence.At(asked)), true
}
