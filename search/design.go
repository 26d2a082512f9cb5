package search

import (
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/space"
)

// newDesign plans the first trials of the model: homogeneous designs, in which
// the knobs of a group that shares one domain are all at the same level, then a
// Latin hypercube (McKay et al. 1979).
func newDesign(sp *space.Space, objectives, budget int, rng *rand.Rand) *start {
	dims := len(sp.Dims())
	size := max(8, min(16, dims))
	if budget > 0 {
		size = min(size, max(8, budget/3))
	}
	cube := latin(sp, size, rng)
	s := &start{space: sp}
	if objectives > 1 {
		s.homogeneous = levelled(sp, cube)
	}
	more := cube[:max(4, size-len(s.homogeneous))]
	s.homogeneous = append(s.homogeneous, more...)
	s.size = len(s.homogeneous)
	if budget > 0 {
		s.size = min(s.size, budget)
	}
	return s
}

// latin draws n points of which every knob's levels are spread evenly.
func latin(sp *space.Space, n int, rng *rand.Rand) []space.Point {
	unit := make([][]float64, n)
	for i := range unit {
		unit[i] = make([]float64, len(sp.Dims()))
	}
	for d := range sp.Dims() {
		for i, k := range rng.Perm(n) {
			unit[i][d] = (float64(k) + rng.Float64()) / float64(n)
		}
	}
	points := make([]space.Point, n)
	for i, u := range unit {
		points[i] = sp.At(u)
	}
	return points
}

const (
	groupLevels = 16 // most levels of knobs that form a group
	groupSize   = 3  // fewest members
	mostLevels  = 6  // most designs of one group
)

// levelled returns the homogeneous designs. Knobs outside the group are as in
// the points of the cube.
func levelled(sp *space.Space, cube []space.Point) []space.Point {
	var designs []space.Point
	for _, g := range groups(sp) {
		for _, level := range spread(sp.Dims()[g[0]].Levels, mostLevels) {
			p := slices.Clone(cube[len(designs)%len(cube)])
			for _, i := range g {
				p[i] = level
			}
			designs = append(designs, p)
		}
	}
	return designs
}

// groups returns the knobs that share one domain of few levels.
func groups(sp *space.Space) [][]int {
	var all [][]int
	for i, d := range sp.Dims() {
		if d.Levels > groupLevels {
			continue
		}
		at := slices.IndexFunc(all, func(g []int) bool { return alike(sp.Dims()[g[0]], d) })
		if at < 0 {
			all = append(all, []int{i})
			continue
		}
		all[at] = append(all[at], i)
	}
	return slices.DeleteFunc(all, func(g []int) bool { return len(g) < groupSize })
}

func alike(a, b space.Dim) bool {
	if a.Ordered() != b.Ordered() || a.Levels != b.Levels {
		return false
	}
	for l := range a.Levels {
		if a.Value(l) != b.Value(l) {
			return false
		}
	}
	return true
}
