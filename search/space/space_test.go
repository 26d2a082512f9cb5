package space_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

func texts(names ...string) []study.Value {
	var out []study.Value
	for _, n := range names {
		out = append(out, study.Text(n))
	}
	return out
}

// knobs has one of every kind.
func knobs() []study.Knob {
	return []study.Knob{
		{Name: "type", Choice: texts("a", "b", "c")},
		{Name: "count", Int: &[2]int{2, 8}},
		{Name: "size", Int: &[2]int{1, 64}, Log: true},
		{Name: "rate", Float: &[2]float64{0.001, 1}, Log: true},
		{Name: "share", Float: &[2]float64{-1, 1}},
		{Name: "only", Choice: texts("x")},
		{Name: "flash", Choice: []study.Value{study.Bool(false), study.Bool(true)}},
		{Name: "cache", Choice: texts("f16", "q8", "q4"), When: map[string][]study.Value{"flash": {study.Bool(true)}}},
	}
}

func newSpace(t *testing.T, knobs []study.Knob, neutral map[string]study.Value) *space.Space {
	t.Helper()
	s, err := space.New(knobs, neutral)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPointAndAssignmentAreInverse(t *testing.T) {
	s := newSpace(t, knobs(), nil)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		p := s.Random(rng)
		a := s.Assignment(p)
		if a["only"] != study.Text("x") {
			t.Fatalf("the fixed knob is %v", a["only"])
		}
		for i, d := range s.Dims() {
			if v, ok := a[d.Knob.Name]; ok && !d.Knob.Contains(v) {
				t.Fatalf("%s is %v", d.Knob.Name, v)
			}
			if d.Knob.Name == "cache" && !a["flash"].True() {
				if _, ok := a["cache"]; ok {
					t.Fatal("an inactive knob has a value")
				}
				p[i] = space.Absent
			}
		}
		if got := s.Point(a); !slices.Equal(got, p) {
			t.Fatalf("point %v gives %v, and that %v", p, a, got)
		}
	}
}

func TestEveryLevelHasItsShare(t *testing.T) {
	const draws = 7000
	s := newSpace(t, []study.Knob{{Name: "bits", Int: &[2]int{2, 8}}, {Name: "type", Choice: texts("a", "b", "c", "d", "e", "f", "g")}}, nil)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range s.Dims() {
		counts := make([]int, 7)
		for range draws {
			counts[s.Random(rng)[i]]++
		}
		for level, n := range counts { // 1000 expected, standard deviation 29
			if n < 850 || n > 1150 {
				t.Errorf("dimension %d: level %d drawn %d times of %d, want about %d", i, level, n, draws, draws/7)
			}
		}
	}
}

func TestScales(t *testing.T) {
	s := newSpace(t, knobs(), nil)
	for _, d := range s.Dims() {
		if d.At(0) != 0 || d.At(math.Nextafter(1, 0)) != d.Levels-1 || d.At(1) != d.Levels-1 {
			t.Errorf("%s: the ends are not reached", d.Knob.Name)
		}
		for l := range d.Levels {
			if got := d.At(d.Unit(l)); got != l {
				t.Errorf("%s: level %d comes back as %d", d.Knob.Name, l, got)
			}
			if got := d.Level(d.Value(l)); got != l {
				t.Errorf("%s: value %v of level %d comes back as %d", d.Knob.Name, d.Value(l), l, got)
			}
		}
	}
	rate := s.Dims()[3]
	if v := rate.Value(128).Float(); math.Abs(v-math.Sqrt(0.001)) > 1e-9 {
		t.Errorf("the middle of a logarithmic range is %v", v)
	}
	size := s.Dims()[2]
	if l := size.At(0.5); l+1 < 5 || l+1 > 7 { // √(0.5·64.5) = 5.7
		t.Errorf("the middle of 1 … 64 on a logarithmic scale is %d", l+1)
	}
}

func TestNeutral(t *testing.T) {
	s := newSpace(t, knobs(), map[string]study.Value{"type": study.Text("b"), "count": study.Number(99), "elsewhere": study.Bool(true)})
	a := s.Assignment(s.Neutral())
	if a["type"] != study.Text("b") || a["count"] != study.Number(2) || a["flash"] != study.Bool(false) {
		t.Errorf("neutral is %v", a)
	}
}

func TestOutsideIsAbsent(t *testing.T) {
	s := newSpace(t, knobs(), nil)
	p := s.Point(study.Assignment{"type": study.Text("z"), "count": study.Number(2.5), "flash": study.Bool(true), "share": study.Number(0.001)})
	want := space.Point{space.Absent, space.Absent, space.Absent, space.Absent, 128, 1, space.Absent}
	if !slices.Equal(p, want) {
		t.Errorf("point %v, want %v", p, want)
	}
}

func TestNeighboursCoverTheSpace(t *testing.T) {
	s := newSpace(t, []study.Knob{
		{Name: "type", Choice: texts("a", "b", "c", "d")},
		{Name: "count", Int: &[2]int{0, 3}},
		{Name: "flash", Choice: []study.Value{study.Bool(false), study.Bool(true)}},
		{Name: "cache", Choice: texts("f16", "q8", "q4"), When: map[string][]study.Value{"flash": {study.Bool(true)}}},
		{Name: "deep", Int: &[2]int{1, 2}, When: map[string][]study.Value{"cache": {study.Text("q4")}}},
	}, nil)
	seen := map[string]bool{}
	queue := []space.Point{s.Neutral()}
	order := []int{4, 2, 0, 1, 3}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		key := s.Assignment(p).Key()
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, q := range s.Neighbours(p, order) {
			if s.Assignment(q).Key() == key {
				t.Fatalf("%v is a neighbour of itself", q)
			}
			queue = append(queue, q)
		}
	}
	if want := 4 * 4 * (1 + 2 + 2); len(seen) != want {
		t.Errorf("%d assignments are reached, want %d", len(seen), want)
	}
	first := s.Neighbours(space.Point{1, 1, 0, 0, 0}, []int{1, 0})[:4]
	want := []space.Point{{1, 0, 0, 0, 0}, {1, 2, 0, 0, 0}, {0, 1, 0, 0, 0}, {2, 1, 0, 0, 0}}
	if !slices.EqualFunc(first, want, func(a, b space.Point) bool { return slices.Equal(a, b) }) {
		t.Errorf("first neighbours %v, want %v", first, want)
	}
}

func TestRefusals(t *testing.T) {
	cases := map[string][]study.Knob{
		"knob a is named twice":                  {{Name: "a", Choice: texts("x")}, {Name: "a", Choice: texts("y")}},
		"knob a has no values":                   {{Name: "a", Choice: []study.Value{}}},
		"knob b has no values":                   {{Name: "b"}},
		"knob c has no values":                   {{Name: "c", Int: &[2]int{3, 2}}},
		"knob d has no values":                   {{Name: "d", Float: &[2]float64{0, math.NaN()}}},
		"knob e has a logarithmic scale":         {{Name: "e", Int: &[2]int{0, 2}, Log: true}},
		"knob w has a range that is too wide":    {{Name: "w", Float: &[2]float64{1e-300, 1e300}, Log: true}},
		"depends on g, which is no knob of this": {{Name: "f", Choice: texts("x", "y"), When: map[string][]study.Value{"g": texts("x")}}},
	}
	for want, knobs := range cases {
		_, err := space.New(knobs, nil)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestEmptySpace(t *testing.T) {
	for _, knobs := range [][]study.Knob{nil, {{Name: "only", Int: &[2]int{3, 3}}}} {
		s := newSpace(t, knobs, nil)
		if len(s.Dims()) != 0 || s.Size() != 1 || len(s.Neighbours(s.Neutral(), nil)) != 0 {
			t.Errorf("a space of one point has %d dimensions and size %g", len(s.Dims()), s.Size())
		}
		if a := s.Assignment(space.Point{}); len(a) != len(knobs) {
			t.Errorf("its assignment is %v", a)
		}
	}
}

func TestInside(t *testing.T) {
	s := newSpace(t, knobs(), nil)
	good := s.Assignment(s.Neutral())
	for what, test := range map[string]struct {
		change func(study.Assignment)
		inside bool
	}{
		"as it is":                 {func(study.Assignment) {}, true},
		"outside the domain":       {func(a study.Assignment) { a["count"] = study.Number(9) }, false},
		"a value is missing":       {func(a study.Assignment) { delete(a, "type") }, false},
		"an active one is missing": {func(a study.Assignment) { a["flash"] = study.Bool(true) }, false},
		"an inactive one is given": {func(a study.Assignment) { a["cache"] = study.Text("none") }, true},
		"a knob too many":          {func(a study.Assignment) { a["elsewhere"] = study.Number(1) }, true},
	} {
		a := maps.Clone(good)
		test.change(a)
		p, ok := s.Inside(a)
		if ok != test.inside || ok && !slices.Equal(p, s.Point(a)) {
			t.Errorf("%s: %v, %v", what, p, ok)
		}
	}
}

func TestKeysTellPointsApart(t *testing.T) {
	met := map[string]space.Point{}
	for _, p := range []space.Point{{}, {0}, {space.Absent}, {1}, {64}, {128}, {300}, {0, 0}, {1, 0}, {0, 1}, {300, 0}, {44, 2}} {
		if q, ok := met[p.Key()]; ok {
			t.Errorf("%v and %v have one key", p, q)
		}
		met[p.Key()] = p
	}
	if p := (space.Point{5, 300}); p.Key() != slices.Clone(p).Key() {
		t.Error("equal points have two keys")
	}
}
