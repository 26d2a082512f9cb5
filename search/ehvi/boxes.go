package ehvi

import (
	"cmp"
	"math"
	"slices"
)

// Box is an axis-aligned box of objective space, open below where Low is -Inf.
type Box struct{ Low, High []float64 }

// Decompose cuts the region that is better than the reference and not
// dominated by any point of front into boxes that do not overlap. Less is
// better. Points that do not lie below the reference, or are not finite,
// dominate nothing of it. An objective count of 0 has no boxes.
//
// There is 1 box for one objective, n+1 for two and at most 2n+1 for three (the
// sweep of Yang et al. 2019, "Efficient computation of expected hypervolume
// improvement using box decomposition algorithms"). From four objectives on the
// number grows faster than the front: see MaxBoxes.
func Decompose(front [][]float64, reference []float64) []Box {
	boxes, _ := decompose(front, reference, math.MaxInt)
	return boxes
}

// decompose gives up once there are more than limit boxes.
func decompose(front [][]float64, reference []float64, limit int) (boxes []Box, ok bool) {
	points := inside(front, reference)
	switch len(reference) {
	case 0:
		return nil, true
	case 1:
		high := reference[0]
		for _, p := range points {
			high = min(high, p[0])
		}
		return []Box{{Low: []float64{math.Inf(-1)}, High: []float64{high}}}, true
	case 2:
		return strips(points, reference), true
	case 3:
		return sweepStrips(points, reference), true
	}
	return sweep(points, reference, limit)
}

// inside returns the points below the reference that no other one dominates or
// equals, sorted by the last objective.
func inside(front [][]float64, reference []float64) [][]float64 {
	var points [][]float64
	for _, p := range front {
		if len(p) == len(reference) && below(p, reference) {
			points = append(points, p)
		}
	}
	slices.SortFunc(points, func(a, b []float64) int {
		for m := len(a) - 1; m >= 0; m-- {
			if c := cmp.Compare(a[m], b[m]); c != 0 {
				return c
			}
		}
		return 0
	})
	// A point can be dominated, or equalled, only by one that sorts before it.
	kept := points[:0]
	for _, p := range points {
		if !slices.ContainsFunc(kept, func(q []float64) bool { return covers(q, p) }) {
			kept = append(kept, p)
		}
	}
	return kept
}

// below reports whether p is finite and better than the reference throughout.
func below(p, reference []float64) bool {
	for m, x := range p {
		if !(x < reference[m]) || math.IsInf(x, -1) {
			return false
		}
	}
	return true
}

// covers reports whether q is nowhere worse than p.
func covers(q, p []float64) bool {
	for m, x := range q {
		if x > p[m] {
			return false
		}
	}
	return true
}

// strips are the columns under the staircase of two objectives. Points are
// sorted by the second objective, hence fall in the first.
func strips(points [][]float64, reference []float64) []Box {
	boxes := make([]Box, 0, len(points)+1)
	right, low := reference[0], math.Inf(-1)
	for _, p := range points {
		boxes = append(boxes, Box{Low: []float64{p[0], low}, High: []float64{right, p[1]}})
		right = p[0]
	}
	return append(boxes, Box{Low: []float64{math.Inf(-1), low}, High: []float64{right, reference[1]}})
}

// strip is a column under the staircase of the first two objectives, not
// dominated from open up along the third.
type strip struct{ left, right, top, open float64 }

func (s strip) box(close float64) Box {
	return Box{Low: []float64{s.left, math.Inf(-1), s.open}, High: []float64{s.right, s.top, close}}
}

// sweepStrips moves up the third objective. A point that is met there lowers
// the strips to its right: they end, and one new strip of its height begins.
func sweepStrips(points [][]float64, reference []float64) []Box {
	var boxes []Box
	// From left to right; tops fall.
	staircase := []strip{{math.Inf(-1), reference[0], reference[1], math.Inf(-1)}}
	for _, p := range points {
		from := slices.IndexFunc(staircase, func(s strip) bool { return s.right > p[0] })
		to := from
		for ; to < len(staircase) && staircase[to].top > p[1]; to++ {
			s := staircase[to]
			s.left = max(s.left, p[0])
			boxes = append(boxes, s.box(p[2]))
		}
		lowered := strip{p[0], staircase[to-1].right, p[1], p[2]}
		if staircase[from].left < p[0] { // the part to the left of the point goes on
			staircase[from].right = p[0]
			from++
		}
		staircase = slices.Replace(staircase, from, max(from, to), lowered)
	}
	for _, s := range staircase {
		boxes = append(boxes, s.box(reference[2]))
	}
	return slices.DeleteFunc(boxes, empty)
}

func empty(b Box) bool {
	for m, x := range b.Low {
		if !(x < b.High[m]) {
			return true
		}
	}
	return false
}

// sweep moves up the last objective, with a partition of what is not dominated
// in the others. A point cuts its part out of every cell it reaches into.
func sweep(points [][]float64, reference []float64, limit int) ([]Box, bool) {
	last := len(reference) - 1
	open := Box{Low: make([]float64, last+1), High: slices.Clone(reference)}
	for m := range open.Low {
		open.Low[m] = math.Inf(-1)
	}
	var boxes []Box
	cells := []Box{open} // Low[last] is where a cell begins
	for _, p := range points {
		var kept []Box
		for _, c := range cells {
			if !below(p[:last], c.High[:last]) {
				kept = append(kept, c)
				continue
			}
			for m := range last { // what p does not dominate, one objective at a time
				if p[m] > c.Low[m] {
					rest := Box{Low: slices.Clone(c.Low), High: slices.Clone(c.High)}
					rest.High[m] = p[m]
					kept = append(kept, rest)
					c.Low = slices.Clone(c.Low)
					c.Low[m] = p[m]
				}
			}
			if p[last] > c.Low[last] {
				c.High = slices.Clone(c.High)
				c.High[last] = p[last]
				boxes = append(boxes, c)
			}
		}
		if cells = kept; len(boxes)+len(cells) > limit {
			return nil, false
		}
	}
	return append(boxes, cells...), true
}
