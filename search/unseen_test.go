package search

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

// TestUnseenIsNearest compares the walk with a look at every point: the one
// taken is unseen, and none unseen is fewer steps away.
func TestUnseenIsNearest(t *testing.T) {
	var types []study.Value
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		types = append(types, study.Text(n))
	}
	s, err := New(Config{
		Knobs:      []study.Knob{{Name: "type", Choice: types}, {Name: "x", Int: &[2]int{0, 5}}, {Name: "y", Int: &[2]int{0, 5}}},
		Directions: []study.Direction{study.Min},
		Sampler:    Random,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := s.(*core)
	var all []space.Point
	for level := range types {
		for i := range 36 {
			all = append(all, space.Point{level, i / 6, i % 6})
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for n, i := range rng.Perm(len(all)) { // fill the space in any order
		from := all[rng.IntN(len(all))]
		p, err := c.unseen(from, rng)
		if err != nil {
			t.Fatal(err)
		}
		least := 1000
		for _, q := range all {
			if c.history.Fresh(q) {
				least = min(least, steps(from, q))
			}
		}
		if !c.history.Fresh(p) || steps(from, p) != least {
			t.Fatalf("%d seen: from %v the walk finds %v, %d steps away; the nearest is %d", n, from, p, steps(from, p), least)
		}
		if err := c.Add(n, c.space.Assignment(all[i])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.unseen(all[0], rng); !errors.Is(err, ErrExhausted) {
		t.Errorf("a full space: %v", err)
	}
}

// steps is the distance of the walk: a choice in one step, numbers one by one.
func steps(p, q space.Point) int {
	d := max(p[1]-q[1], q[1]-p[1]) + max(p[2]-q[2], q[2]-p[2])
	if p[0] != q[0] {
		d++
	}
	return d
}
