// Package space sees the knobs of a study as a grid: every knob with more than
// one value is a dimension of numbered levels. Samplers work on points of the
// grid; only this package knows how a level becomes a value.
package space

import (
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Point is one level for each dimension. A level of Absent stands for a knob
// that is inactive or has a value outside its domain.
type Point []int

// Absent is the level of a knob without a usable value.
const Absent = -1

// Space is the grid of a list of knobs. It does not change once made.
type Space struct {
	knobs []study.Knob
	dims  []Dim
	fixed study.Assignment // the knobs with a single value
}

// New makes the grid. A neutral value is what a knob has where a design says
// nothing of it; where neutral has no usable value for a knob, that is the
// first choice or the lowest number.
func New(knobs []study.Knob, neutral map[string]study.Value) (*Space, error) {
	s := &Space{knobs: slices.Clone(knobs), fixed: study.Assignment{}}
	names := make(map[string]bool, len(knobs))
	for _, k := range knobs {
		if names[k.Name] {
			return nil, invalid(k, "is named twice").Trying("name each knob once")
		}
		names[k.Name] = true
		d, err := newDim(k)
		if err != nil {
			return nil, err
		}
		if d.Levels == 1 {
			s.fixed[k.Name] = d.Value(0)
			continue
		}
		if v, ok := neutral[k.Name]; ok {
			d.Neutral = max(0, d.Level(v))
		}
		s.dims = append(s.dims, d)
	}
	for _, k := range knobs {
		for name := range k.When {
			if !names[name] {
				return nil, invalid(k, "depends on "+name+", which is no knob of this study").Trying("add %s or drop the condition", name)
			}
		}
	}
	return s, nil
}

func invalid(k study.Knob, what string) *fault.Error {
	return fault.New(fault.Invalid, "cannot search: knob %s %s", k.Name, what)
}

// Dims returns the dimensions, in the order of the knobs. They are not to be
// changed.
func (s *Space) Dims() []Dim { return s.dims }

// Size is the number of points, at least the number of assignments: points
// that differ in inactive knobs alone are one assignment.
func (s *Space) Size() float64 {
	size := 1.0
	for _, d := range s.dims {
		size *= float64(d.Levels)
	}
	return size
}

// Assignment returns the values at p, without those of inactive knobs. Levels
// that are Absent count as neutral.
func (s *Space) Assignment(p Point) study.Assignment {
	a := make(study.Assignment, len(s.dims)+len(s.fixed))
	for name, v := range s.fixed {
		a[name] = v
	}
	for i, d := range s.dims {
		level := p[i]
		if level == Absent {
			level = d.Neutral
		}
		a[d.Knob.Name] = d.Value(level)
	}
	return study.Prune(s.knobs, a)
}

// Point returns where a lies on the grid. A number between two levels goes to
// the nearer one.
func (s *Space) Point(a study.Assignment) Point {
	p := make(Point, len(s.dims))
	for i, d := range s.dims {
		p[i] = Absent
		if v, ok := a[d.Knob.Name]; ok {
			p[i] = d.Level(v)
		}
	}
	return p
}

// Neutral returns the point at which every knob is neutral.
func (s *Space) Neutral() Point {
	p := make(Point, len(s.dims))
	for i, d := range s.dims {
		p[i] = d.Neutral
	}
	return p
}

// Random draws every level evenly, on the knob's scale.
func (s *Space) Random(rng *rand.Rand) Point {
	p := make(Point, len(s.dims))
	for i, d := range s.dims {
		p[i] = d.At(rng.Float64())
	}
	return p
}

// At maps a point of the unit cube onto the grid.
func (s *Space) At(unit []float64) Point {
	p := make(Point, len(s.dims))
	for i, d := range s.dims {
		p[i] = d.At(unit[i])
	}
	return p
}

// Canonical returns the point of the same assignment that has inactive knobs
// at neutral.
func (s *Space) Canonical(p Point) Point {
	a := s.Assignment(p)
	out := slices.Clone(p)
	for i, d := range s.dims {
		if _, active := a[d.Knob.Name]; !active || out[i] == Absent {
			out[i] = d.Neutral
		}
	}
	return out
}

// Neighbours returns the canonical points one step from p: any other value of
// one choice, the next number up or down. Dimensions are changed in the given
// order, levels from the nearest on.
func (s *Space) Neighbours(p Point, order []int) []Point {
	var out []Point
	for _, i := range order {
		d := s.dims[i]
		reach := 1
		if !d.Ordered() {
			reach = d.Levels - 1
		}
		for step := 1; step <= reach; step++ {
			for _, level := range [2]int{p[i] - step, p[i] + step} {
				if level < 0 || level >= d.Levels {
					continue
				}
				q := slices.Clone(p)
				q[i] = level
				if q = s.Canonical(q); q[i] == level { // else the knob is inactive here
					out = append(out, q)
				}
			}
		}
	}
	return out
}
