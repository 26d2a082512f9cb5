// Package space sees the knobs of a study as a grid: every knob with more than
// one value is a dimension of numbered levels. Samplers work on points of the
// grid; only this package knows how a level becomes a value.
package space

import (
	"encoding/binary"
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

// Key is the point as a key for maps: equal for equal points alone.
func (p Point) Key() string {
	b := make([]byte, 0, 2*len(p))
	for _, level := range p {
		b = binary.AppendVarint(b, int64(level))
	}
	return string(b)
}

// Space is the grid of a list of knobs. It does not change once made.
type Space struct {
	dims  []Dim
	knobs []knob
}

// knob is a knob of either kind: a dimension, or one with a single value.
type knob struct {
	name  string
	dim   int // -1: a single value
	value study.Value
	when  []condition // all must hold
}

// condition holds while the parent is active and at one of the levels.
type condition struct {
	parent int // of Space.knobs
	levels []bool
}

// New makes the grid. A neutral value is what a knob has where a design says
// nothing of it; where neutral has no usable value for a knob, that is the
// first choice or the lowest number.
func New(knobs []study.Knob, neutral map[string]study.Value) (*Space, error) {
	s := &Space{knobs: make([]knob, len(knobs))}
	index := make(map[string]int, len(knobs))
	for i, k := range knobs {
		if _, ok := index[k.Name]; ok {
			return nil, invalid(k, "is named twice").Trying("name each knob once")
		}
		index[k.Name] = i
		d, err := newDim(k)
		if err != nil {
			return nil, err
		}
		if d.Levels == 1 {
			s.knobs[i] = knob{name: k.Name, dim: -1, value: d.Value(0)}
			continue
		}
		if v, ok := neutral[k.Name]; ok {
			d.Neutral = max(0, d.Level(v))
		}
		s.knobs[i] = knob{name: k.Name, dim: len(s.dims)}
		s.dims = append(s.dims, d)
	}
	for i, k := range knobs {
		for name, values := range k.When {
			parent, ok := index[name]
			if !ok {
				return nil, invalid(k, "depends on "+name+", which is no knob of this study").Trying("add %s or drop the condition", name)
			}
			s.knobs[i].when = append(s.knobs[i].when, condition{parent, s.levelsOf(parent, values)})
		}
	}
	return s, nil
}

// levelsOf says at which levels a knob has one of the values.
func (s *Space) levelsOf(k int, values []study.Value) []bool {
	if s.knobs[k].dim < 0 {
		return []bool{slices.Contains(values, s.knobs[k].value)}
	}
	d := s.dims[s.knobs[k].dim]
	levels := make([]bool, d.Levels)
	for l := range levels {
		levels[l] = slices.Contains(values, d.Value(l))
	}
	return levels
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

// Assignment returns the values at p, without those of inactive knobs (as
// study.Prune would leave them). Levels that are Absent count as neutral.
func (s *Space) Assignment(p Point) study.Assignment {
	a := make(study.Assignment, len(s.knobs))
	for i, active := range s.active(p) {
		switch k := s.knobs[i]; {
		case !active:
		case k.dim < 0:
			a[k.name] = k.value
		default:
			a[k.name] = s.dims[k.dim].Value(s.level(k, p))
		}
	}
	return a
}

// level is the level of a knob at p.
func (s *Space) level(k knob, p Point) int {
	if k.dim < 0 {
		return 0
	}
	if p[k.dim] == Absent {
		return s.dims[k.dim].Neutral
	}
	return p[k.dim]
}

// active reports which knobs are active at p. A knob whose condition names an
// inactive knob is inactive, whatever the order of knobs.
func (s *Space) active(p Point) []bool {
	active := make([]bool, len(s.knobs))
	for i := range active {
		active[i] = true
	}
	for changed := true; changed; {
		changed = false
		for i, k := range s.knobs {
			for _, c := range k.when {
				if active[i] && !(active[c.parent] && c.levels[s.level(s.knobs[c.parent], p)]) {
					active[i], changed = false, true
				}
			}
		}
	}
	return active
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

// Inside returns where a lies on the grid. It fails unless a gives every active
// knob a value of its domain.
func (s *Space) Inside(a study.Assignment) (p Point, ok bool) {
	p = s.Point(a)
	active := s.Assignment(p)
	for i, d := range s.dims {
		if _, needed := active[d.Knob.Name]; needed && p[i] == Absent {
			return nil, false
		}
	}
	return p, true
}

// Neutral returns the point at which every knob is neutral.
func (s *Space) Neutral() Point {
	p := make(Point, len(s.dims))
	for i, d := range s.dims {
		p[i] = d.Neutral
	}
	return p
}

// All returns every point, those that differ in the last dimension alone next
// to each other.
func (s *Space) All() []Point {
	points := []Point{{}}
	for _, d := range s.dims {
		var longer []Point
		for _, p := range points {
			for l := range d.Levels {
				longer = append(longer, append(slices.Clone(p), l))
			}
		}
		points = longer
	}
	return points
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
	out := slices.Clone(p)
	for i, active := range s.active(p) {
		if k := s.knobs[i]; k.dim >= 0 && (!active || p[k.dim] == Absent) {
			out[k.dim] = s.dims[k.dim].Neutral
		}
	}
	return out
}

// Prune returns p with Absent in place of the levels of inactive knobs: as
// Point sees the assignment at p.
func (s *Space) Prune(p Point) Point {
	out := slices.Clone(p)
	for i, active := range s.active(p) {
		if k := s.knobs[i]; k.dim >= 0 && !active {
			out[k.dim] = Absent
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
