package search

import (
	"math"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

// bounded minimises the first objective and maximises the second, which must
// be at least 10, under two constraints.
func bounded() Config {
	return Config{
		Knobs:       []study.Knob{{Name: "x", Int: &[2]int{0, 99}}},
		Directions:  []study.Direction{study.Min, study.Max},
		Limits:      []float64{math.NaN(), 10},
		Constraints: 2,
		Sampler:     Random,
	}
}

func newCore(t *testing.T, cfg Config) *core {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*core)
}

// tell adds trial n at x = n and tells its outcome.
func tell(t *testing.T, c *core, n int, o Outcome) {
	t.Helper()
	if err := c.Add(n, study.Assignment{"x": study.Number(float64(n))}); err != nil {
		t.Fatal(err)
	}
	if err := c.Tell(n, o); err != nil {
		t.Fatalf("trial %d: %v", n, err)
	}
}

func TestReplayComesFirst(t *testing.T) {
	cfg := bounded()
	at := func(x float64) study.Assignment { return study.Assignment{"x": study.Number(x)} }
	cfg.Replay = []study.Assignment{at(7), at(200), at(3), {}, at(5)} // 200 and nothing are not of this space
	c := newCore(t, cfg)
	if err := c.Add(0, at(3)); err != nil {
		t.Fatal(err)
	}
	for n, want := range []int{7, 5} {
		s, err := c.Ask(n + 1)
		if err != nil || s.Origin != OriginReplay || s.Assignment["x"].Int() != want {
			t.Errorf("ask %d: %v, %v; want %d", n+1, s, err, want)
		}
	}
	if s, err := c.Ask(3); err != nil || s.Origin == OriginReplay {
		t.Errorf("after the replay: %v, %v", s, err)
	}
	if err := c.Forget(1); err != nil { // it failed: asked again
		t.Fatal(err)
	}
	if s, err := c.Ask(4); err != nil || s.Origin != OriginReplay || s.Assignment["x"].Int() != 7 {
		t.Errorf("a replay that failed: %v, %v", s, err)
	}
}

// TestEvidenceIsNoTrial: what a sister lane saw may still be asked.
func TestEvidenceIsNoTrial(t *testing.T) {
	cfg := bounded()
	cfg.Knobs[0].Int = &[2]int{0, 2}
	c := newCore(t, cfg)
	for x := range 3 {
		if err := c.Observe(study.Assignment{"x": study.Number(float64(2 - x))}, Outcome{Values: []float64{float64(x), math.NaN()}}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		if _, err := c.Ask(n); err != nil {
			t.Errorf("ask %d: %v", n, err)
		}
	}
}
