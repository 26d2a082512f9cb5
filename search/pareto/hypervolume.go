package pareto

import "slices"

// Hypervolume returns the volume between the points and the reference that the
// points dominate, in the product of the objectives' units. Points that are
// not finite or not better than the reference in every objective add nothing.
//
// It is exact for any number of objectives: sweeps in two and three, and slices
// along the last objective above (Zitzler 1999, "hypervolume by slicing
// objectives"), which cost at worst n^(m-1) for n points and m objectives.
func Hypervolume(points [][]float64, reference []float64) float64 {
	inside := make([][]float64, 0, len(points))
	for _, p := range points {
		if len(p) == len(reference) && finite(p) && strictlyBelow(p, reference) {
			inside = append(inside, p)
		}
	}
	if len(inside) == 0 || len(reference) == 0 {
		return 0
	}
	return volume(inside, reference)
}

// Contributions returns for every point the hypervolume that would be lost
// without it: its own box less what the other points, clipped to that box,
// dominate of it (While et al. 2012, exclusive hypervolume). Equal points and
// dominated points have 0, and so have points that Hypervolume leaves out.
func Contributions(points [][]float64, reference []float64) []float64 {
	lost := make([]float64, len(points))
	for i, p := range points {
		own := Hypervolume([][]float64{p}, reference)
		if own == 0 {
			continue
		}
		var others [][]float64
		for j, q := range points {
			if j != i && len(q) == len(p) && finite(q) {
				others = insert(others, clipped(q, p))
			}
		}
		lost[i] = max(0, own-Hypervolume(others, reference))
	}
	return lost
}

// clipped returns the corner of what q dominates within the box of p.
func clipped(q, p []float64) []float64 {
	corner := slices.Clone(p)
	for m, x := range q {
		corner[m] = max(corner[m], x)
	}
	return corner
}

// volume measures points that are all better than the reference.
func volume(points [][]float64, reference []float64) float64 {
	switch len(reference) {
	case 1:
		best := slices.MinFunc(points, func(a, b []float64) int { return compare(a[0], b[0]) })
		return reference[0] - best[0]
	case 2:
		return area(points, reference)
	case 3:
		return sweep(points, reference)
	}
	last := len(reference) - 1
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b []float64) int { return compare(a[last], b[last]) })
	total := 0.0
	var slice [][]float64 // the points at or below the slice, without the last objective
	for i, p := range sorted {
		slice = insert(slice, p[:last])
		top := reference[last]
		if i+1 < len(sorted) {
			top = sorted[i+1][last]
		}
		if top > p[last] {
			total += (top - p[last]) * volume(slice, reference[:last])
		}
	}
	return total
}

// insert adds p to a non-dominated set.
func insert(set [][]float64, p []float64) [][]float64 {
	for _, q := range set {
		if Dominates(q, p) || slices.Equal(p, q) {
			return set
		}
	}
	set = slices.DeleteFunc(set, func(q []float64) bool { return Dominates(p, q) })
	return append(set, p)
}

// area is the hypervolume of two objectives.
func area(points [][]float64, reference []float64) float64 {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b []float64) int {
		if c := compare(a[0], b[0]); c != 0 {
			return c
		}
		return compare(a[1], b[1])
	})
	total, ceiling := 0.0, reference[1]
	for _, p := range sorted {
		if p[1] < ceiling {
			total += (reference[0] - p[0]) * (ceiling - p[1])
			ceiling = p[1]
		}
	}
	return total
}

// sweep is the hypervolume of three objectives: the area of what lies below the
// third objective's value grows with it.
func sweep(points [][]float64, reference []float64) float64 {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b []float64) int { return compare(a[2], b[2]) })
	s := stair{steps: make([][2]float64, 0, len(points)), right: reference[0], top: reference[1]}
	total := 0.0
	for i, p := range sorted {
		s.add(p[0], p[1])
		end := reference[2]
		if i+1 < len(sorted) {
			end = sorted[i+1][2]
		}
		total += (end - p[2]) * s.area
	}
	return total
}

// stair is a front of two objectives, from the lowest first objective to the
// highest, and the area between it and the reference.
type stair struct {
	steps      [][2]float64
	right, top float64 // the reference
	area       float64
}

// add puts in a point below the reference, and takes out what it dominates.
func (s *stair) add(x, y float64) {
	i := 0
	for i < len(s.steps) && s.steps[i][0] < x {
		i++
	}
	height := s.top // of the stair to the right of x
	if i > 0 {
		height = s.steps[i-1][1]
	}
	if height <= y || i < len(s.steps) && s.steps[i][0] == x && s.steps[i][1] <= y {
		return
	}
	j, from := i, x
	for ; j < len(s.steps) && s.steps[j][1] >= y; j++ {
		s.area += (s.steps[j][0] - from) * (height - y)
		from, height = s.steps[j][0], s.steps[j][1]
	}
	end := s.right
	if j < len(s.steps) {
		end = s.steps[j][0]
	}
	s.area += (end - from) * (height - y)
	s.steps = slices.Replace(s.steps, i, j, [2]float64{x, y})
}

func strictlyBelow(p, reference []float64) bool {
	for i, x := range p {
		if !(x < reference[i]) {
			return false
		}
	}
	return true
}
