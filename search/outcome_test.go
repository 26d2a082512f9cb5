package search

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

var nan, inf = math.NaN(), math.Inf(1)

// bounded minimises the first objective and maximises the second, which must
// be at least 10, under two constraints.
func bounded() Config {
	return Config{
		Knobs:       []study.Knob{{Name: "x", Int: &[2]int{0, 99}}},
		Directions:  []study.Direction{study.Min, study.Max},
		Limits:      []float64{nan, 10},
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
func tell(t *testing.T, c *core, n int, o Outcome) *record {
	t.Helper()
	if err := c.Add(n, study.Assignment{"x": study.Number(float64(n))}); err != nil {
		t.Fatal(err)
	}
	if err := c.Tell(n, o); err != nil {
		t.Fatalf("trial %d: %v", n, err)
	}
	return c.history.trials[n]
}

func TestOutcomesAreRead(t *testing.T) {
	cases := []struct {
		name                 string
		outcome              Outcome
		values, noise        []float64
		constraints          []float64
		infeasible, complete bool
	}{
		{"all known", Outcome{Values: []float64{1, 20}, Noise: []float64{0, 2}, Constraints: []float64{-1, 0}},
			[]float64{1, -20}, []float64{0, 2}, []float64{-1, 0}, false, true},
		{"noise unknown", Outcome{Values: []float64{1, 20}, Noise: []float64{-1, inf}, Constraints: []float64{-1, 0}},
			[]float64{1, -20}, []float64{nan, nan}, []float64{-1, 0}, false, true},
		{"beyond the limit", Outcome{Values: []float64{1, 9}, Constraints: []float64{-1, 0}},
			[]float64{1, -9}, []float64{nan, nan}, []float64{-1, 0}, true, true},
		{"at the limit", Outcome{Values: []float64{1, 10}, Constraints: []float64{-1, 0}},
			[]float64{1, -10}, []float64{nan, nan}, []float64{-1, 0}, false, true},
		{"a broken constraint", Outcome{Values: []float64{1, 20}, Constraints: []float64{0.1, nan}},
			[]float64{1, -20}, []float64{nan, nan}, []float64{0.1, nan}, true, false},
		{"without end", Outcome{Values: []float64{inf, 20}, Constraints: []float64{inf, -inf}},
			[]float64{nan, -20}, []float64{nan, nan}, []float64{inf, nan}, true, false},
		{"a missing value", Outcome{Values: []float64{nan, 20}, Constraints: []float64{-1, -1}},
			[]float64{nan, -20}, []float64{nan, nan}, []float64{-1, -1}, false, false},
		{"constraints not known", Outcome{Values: []float64{1, 20}},
			[]float64{1, -20}, []float64{nan, nan}, []float64{nan, nan}, false, false},
		{"told infeasible", Outcome{Infeasible: true},
			[]float64{nan, nan}, []float64{nan, nan}, []float64{nan, nan}, true, false},
	}
	c := newCore(t, bounded())
	for n, want := range cases {
		got := tell(t, c, n, want.outcome)
		if !same(got.values, want.values) || !same(got.noise, want.noise) || !same(got.constraints, want.constraints) ||
			got.infeasible != want.infeasible || got.complete() != want.complete {
			t.Errorf("%s: %+v, complete %v", want.name, got.evidence, got.complete())
		}
	}
}

func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
}

func TestOutcomesThatAreRefused(t *testing.T) {
	c := newCore(t, bounded())
	if err := c.Add(0, study.Assignment{"x": study.Number(1)}); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Outcome{
		"1 values for 2 objectives":              {Values: []float64{1}},
		"0 values for 2 objectives":              {},
		"3 values for 2 objectives":              {Values: []float64{1, 2, 3}, Infeasible: true},
		"the noise of 1 values for 2 objectives": {Values: []float64{1, 2}, Noise: []float64{1}},
		"1 values for 2 constraints":             {Values: []float64{1, 2}, Constraints: []float64{1}},
	} {
		for what, err := range map[string]error{"tell": c.Tell(0, o), "observe": c.Observe(study.Assignment{}, o)} {
			e, ok := fault.As(err)
			if !ok || e.Kind != fault.Invalid || !strings.HasPrefix(e.Sentence, "cannot t") || !strings.HasSuffix(e.Sentence, want) {
				t.Errorf("%s %+v: %v, want %q", what, o, err, want)
			}
		}
	}
	if len(c.history.told) != 0 || len(c.history.sisters) != 0 {
		t.Error("what was refused is in the history")
	}
}

// TestClasses orders trials that are not on a front: by what is missing, then
// by how much they break their bounds, each bound on its own scale.
func TestClasses(t *testing.T) {
	c := newCore(t, bounded())
	for n, o := range []Outcome{
		0: {Infeasible: true},
		1: {Values: []float64{1, 20}, Constraints: []float64{50, -1}},  // half of the worst of this constraint
		2: {Values: []float64{1, 20}, Constraints: []float64{100, -1}}, // all of it
		3: {Values: []float64{5, 30}, Constraints: []float64{-1, -1}},
		4: {Values: []float64{1, 20}, Constraints: []float64{-1, 0.003}}, // a quarter of the worst of this one
		5: {Values: []float64{nan, 20}, Constraints: []float64{-1, -1}},
		6: {Values: []float64{1, 20}, Constraints: []float64{-1, 0.012}},
		7: {Values: []float64{1, 20}, Constraints: []float64{60, 0.006}}, // more than all
		8: {Values: []float64{4, 30}, Constraints: []float64{-1, -1}},
		9: {Values: []float64{1, 20}, Constraints: []float64{inf, nan}},
	} {
		tell(t, c, n, o)
	}
	feasible, others := c.history.terms.classes(c.history.told)
	if got := numbers(feasible); !slices.Equal(got, []int{3, 8}) {
		t.Errorf("feasible are %v", got)
	}
	if got, want := numbers(others), []int{5, 4, 1, 2, 6, 7, 0, 9}; !slices.Equal(got, want) {
		t.Errorf("the others come as %v, want %v", got, want)
	}
	best, rest := c.history.split(1)
	if got := numbers(best); !slices.Equal(got, []int{8}) || len(rest) != 9 {
		t.Errorf("the best is %v", got)
	}
	if best, rest = c.history.split(4); !slices.Equal(numbers(best), []int{8, 3, 5, 4}) || len(rest) != 6 {
		t.Errorf("the four best are %v", numbers(best))
	}
	if best, rest = c.history.split(100); len(best) != 10 || len(rest) != 0 {
		t.Errorf("of more than all: %d and %d", len(best), len(rest))
	}
}

func numbers(records []*record) []int {
	out := make([]int, len(records))
	for i, r := range records {
		out[i] = r.number
	}
	return out
}

// TestSplitSpreads: of a front that is larger than asked for, the chosen ones
// lie apart.
func TestSplitSpreads(t *testing.T) {
	cfg := bounded()
	cfg.Constraints = 0
	c := newCore(t, cfg)
	for n := range 41 { // a straight front in eleven clumps
		x := float64(n / 4)
		tell(t, c, n, Outcome{Values: []float64{x + 0.001*float64(n%4), 12 + x + 0.001*float64(n%4)}})
	}
	best, _ := c.history.split(10)
	clumps := map[int]bool{}
	for _, r := range best {
		clumps[r.number/4] = true
	}
	if len(clumps) != 10 {
		t.Errorf("the ten best come from %d clumps: %v", len(clumps), numbers(best))
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

// TestEvidenceIsNoTrial: what a sister lane saw may still be asked, and stays
// in order.
func TestEvidenceIsNoTrial(t *testing.T) {
	cfg := bounded()
	cfg.Knobs[0].Int = &[2]int{0, 2}
	c := newCore(t, cfg)
	for x := range 3 {
		if err := c.Observe(study.Assignment{"x": study.Number(float64(2 - x))}, Outcome{Values: []float64{float64(x), nan}}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		if _, err := c.Ask(n); err != nil {
			t.Errorf("ask %d: %v", n, err)
		}
	}
	for i, s := range c.history.sisters {
		if s.point[0] != 2-i || s.values[0] != float64(i) || !math.IsNaN(s.values[1]) || s.infeasible {
			t.Errorf("evidence %d is %+v", i, s)
		}
	}
}

func TestTermsThatAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"1 limits for 2 objectives": func(c *Config) { c.Limits = []float64{1} },
		"a limit that is infinite":  func(c *Config) { c.Limits[0] = inf },
		"-1 constraints":            func(c *Config) { c.Constraints = -1 },
	} {
		cfg := bounded()
		change(&cfg)
		if _, err := New(cfg); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
