package search_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
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

// demo is the space of the canonical study file.
func demo() search.Config {
	bools := []study.Value{study.Bool(false), study.Bool(true)}
	return search.Config{
		Knobs: []study.Knob{
			{Name: "quant.default", Choice: texts("F16", "Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q4_0", "Q3_K", "Q2_K")},
			{Name: "quant.attention", Choice: texts("inherit", "Q8_0", "Q6_K", "Q4_K")},
			{Name: "quant.ffn_down", Choice: texts("inherit", "Q8_0", "Q6_K", "Q4_K")},
			{Name: "quant.embedding", Choice: texts("inherit", "F16", "Q8_0", "Q6_K", "Q4_K")},
			{Name: "prune.attention", Int: &[2]int{0, 2}},
			{Name: "prune.ffn", Int: &[2]int{0, 2}},
			{Name: "truncate.depth", Int: &[2]int{4, 6}},
			{Name: "runtime.threads", Int: &[2]int{1, 2}},
			{Name: "runtime.flash", Choice: bools},
			{Name: "runtime.kv", Choice: texts("f16", "q8_0", "q4_0"), When: map[string][]study.Value{"runtime.flash": bools[1:]}},
		},
		Directions: []study.Direction{study.Min, study.Min, study.Max},
		Seed:       42,
		Budget:     40,
		Neutral:    study.Assignment{"truncate.depth": study.Number(6), "runtime.threads": study.Number(2)},
	}
}

// numeric returns cfg with numbers in place of its choices, which cmaes does
// not take; for other samplers it returns cfg.
func numeric(cfg search.Config) search.Config {
	if cfg.Sampler != search.CMAES {
		return cfg
	}
	cfg.Knobs = slices.Clone(cfg.Knobs)
	for i, k := range cfg.Knobs {
		if n := len(k.Choice); n > 2 {
			cfg.Knobs[i] = study.Knob{Name: k.Name, Int: &[2]int{0, n - 1}, When: k.When}
		}
	}
	return cfg
}

// differing are the samplers that a search of demo tells apart: auto is one of
// the others.
func differing() []string {
	return slices.DeleteFunc(search.Samplers(), func(name string) bool { return name == search.Auto })
}

func newSampler(t testing.TB, cfg search.Config) search.Sampler {
	t.Helper()
	s, err := search.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t testing.TB, s search.Sampler, n int) search.Suggestion {
	t.Helper()
	got, err := s.Ask(n)
	if err != nil {
		t.Fatalf("ask %d: %v", n, err)
	}
	return got
}

// outcome is a made-up outcome that depends on the assignment and the trial
// alone; one trial in eight is infeasible, one in sixteen gives no numbers.
func outcome(n int, a study.Assignment, objectives int) search.Outcome {
	o := search.Outcome{Values: make([]float64, objectives)}
	for m := range o.Values {
		for i, c := range []byte(a.Key()) {
			o.Values[m] += float64((int(c)*(i+3))%(17+m)) / 100
		}
	}
	switch n % 16 {
	case 3, 11:
		return search.Outcome{Infeasible: true}
	case 7:
		o.Values[0] = math.NaN()
	}
	return o
}

// TestStartIsReplayedForTPE: what goptuna's global source does not touch is
// reproducible for tpe as well.
func TestStartIsReplayedForTPE(t *testing.T) {
	a, b := newSampler(t, demo()), newSampler(t, demo())
	for n := range 8 {
		x, y := ask(t, a, n), ask(t, b, n)
		if x.Origin != search.OriginStart || x.Assignment.Key() != y.Assignment.Key() {
			t.Fatalf("trial %d: %v and %v", n, x, y)
		}
	}
	if x := ask(t, a, 8); x.Origin != search.OriginModel {
		t.Errorf("trial 8 comes from %s", x.Origin)
	}
}

func TestStartIsHomogeneousFirst(t *testing.T) {
	s := newSampler(t, demo())
	baseline := study.Assignment{
		"quant.default": study.Text("F16"), "quant.attention": study.Text("inherit"), "quant.ffn_down": study.Text("inherit"),
		"quant.embedding": study.Text("inherit"), "prune.attention": study.Number(0), "prune.ffn": study.Number(0),
		"truncate.depth": study.Number(6), "runtime.threads": study.Number(2), "runtime.flash": study.Bool(false),
	}
	if err := s.Add(0, baseline); err != nil {
		t.Fatal(err)
	}
	var types []string
	for n := 1; n <= 4; n++ {
		a := ask(t, s, n).Assignment
		types = append(types, a["quant.default"].String())
		a["quant.default"] = study.Text("F16")
		if a.Key() != baseline.Key() {
			t.Errorf("design %d differs from the baseline in more than its type: %v", n, a)
		}
	}
	if want := []string{"Q2_K", "Q5_K", "Q4_0", "Q8_0"}; !slices.Equal(types, want) {
		t.Errorf("designs %v, want %v", types, want)
	}
}

// TestLayersMoveTogether: knobs that share the leading domain are one group.
func TestLayersMoveTogether(t *testing.T) {
	types := texts("a", "b", "c", "d")
	s := newSampler(t, search.Config{
		Knobs: []study.Knob{
			{Name: "l1", Choice: types}, {Name: "x", Int: &[2]int{0, 9}}, {Name: "l2", Choice: types}, {Name: "other", Choice: texts("p", "q")},
		},
		Directions: []study.Direction{study.Min},
	})
	for n, want := range []string{"a", "d", "b"} {
		a := ask(t, s, n).Assignment
		if a["l1"].String() != want || a["l2"].String() != want || a["x"].Int() != 0 || a["other"].String() != "p" {
			t.Errorf("design %d is %v", n, a)
		}
	}
}

// TestEveryValueIsAsked is goptuna's end-point fault seen from outside: every
// value of every knob is asked about as often as any other.
func TestEveryValueIsAsked(t *testing.T) {
	for _, name := range []string{search.Random, search.Sobol} {
		cfg := search.Config{
			Knobs:      []study.Knob{{Name: "bits", Int: &[2]int{2, 8}}, {Name: "threads", Int: &[2]int{1, 8}}, {Name: "context", Int: &[2]int{1, 10000}}},
			Directions: []study.Direction{study.Min}, Sampler: name,
		}
		s := newSampler(t, cfg)
		bits, threads := map[int]int{}, map[int]int{}
		for n := range 400 {
			a := ask(t, s, n).Assignment
			bits[a["bits"].Int()]++
			threads[a["threads"].Int()]++
		}
		for v := 2; v <= 8; v++ { // 57 expected, standard deviation 7
			if bits[v] < 25 {
				t.Errorf("%s: bits %d asked %d times of 400", name, v, bits[v])
			}
		}
		for v := 1; v <= 8; v++ {
			if threads[v] < 25 {
				t.Errorf("%s: threads %d asked %d times of 400", name, v, threads[v])
			}
		}
	}
}

// TestExhausted asks every recipe of small spaces exactly once, whatever the
// outcomes, with several trials outstanding.
func TestExhausted(t *testing.T) {
	sharing := func(a study.Assignment) (string, error) { // x and y make one recipe; z none
		if a["type"] == study.Text("z") {
			return "", errors.New("no such recipe")
		}
		if a["type"] == study.Text("y") {
			a = maps.Clone(a)
			a["type"] = study.Text("x")
		}
		return a.Key(), nil
	}
	flash := []study.Value{study.Bool(false), study.Bool(true)}
	var forty []study.Knob
	for i := range 40 {
		forty = append(forty, study.Knob{Name: fmt.Sprint("k", i), Int: &[2]int{i, i}})
	}
	cases := []struct {
		name    string
		knobs   []study.Knob
		key     func(study.Assignment) (string, error)
		recipes int
	}{
		{"no knobs", nil, nil, 1},
		{"forty knobs of one value", forty, nil, 1},
		{"conditional", []study.Knob{
			{Name: "flash", Choice: flash}, {Name: "n", Int: &[2]int{0, 6}},
			{Name: "cache", Choice: texts("a", "b", "c"), When: map[string][]study.Value{"flash": flash[1:]}},
		}, nil, 28},
		{"shared and impossible recipes", []study.Knob{{Name: "type", Choice: texts("w", "x", "y", "z")}, {Name: "n", Int: &[2]int{1, 5}}}, sharing, 10},
		{"only impossible recipes", []study.Knob{{Name: "type", Choice: texts("z")}, {Name: "n", Int: &[2]int{1, 5}}}, sharing, 0},
		{"coarse recipes of a fine range", []study.Knob{{Name: "share", Float: &[2]float64{0, 1}}},
			func(a study.Assignment) (string, error) { return fmt.Sprint(math.Round(a["share"].Float() * 4)), nil }, 5},
	}
	for _, c := range cases {
		for _, name := range search.Samplers() {
			cfg := search.Config{Knobs: c.knobs, Directions: []study.Direction{study.Min}, Sampler: name, Key: c.key}
			if c.key == nil {
				cfg = numeric(cfg)
			} else if name == search.CMAES && c.knobs[0].Choice != nil {
				continue // keys are made for the choices
			}
			s := newSampler(t, cfg)
			seen := map[string]bool{}
			for n := range c.recipes {
				a := ask(t, s, n).Assignment
				key := a.Key()
				if c.key != nil {
					key, _ = c.key(a)
				}
				if seen[key] || c.key != nil && key == "" {
					t.Fatalf("%s, %s: recipe %q asked twice or impossible", c.name, name, key)
				}
				seen[key] = true
				if n%3 > 0 { // constant outcomes
					if err := s.Tell(n, search.Outcome{Values: []float64{1}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := s.Ask(c.recipes); !errors.Is(err, search.ErrExhausted) {
				t.Fatalf("%s, %s: after all %d recipes: %v", c.name, name, c.recipes, err)
			}
			if c.recipes > 0 {
				forgetMakesRoom(t, s, c.recipes)
			}
		}
	}
}

// forgetMakesRoom forgets trial 0, whose recipe must then be the next.
func forgetMakesRoom(t *testing.T, s search.Sampler, next int) {
	t.Helper()
	if err := s.Forget(0); err != nil {
		t.Fatal(err)
	}
	ask(t, s, next)
	if _, err := s.Ask(next + 1); !errors.Is(err, search.ErrExhausted) {
		t.Fatalf("after the forgotten recipe: %v", err)
	}
}

// TestNearestUnseen: where nearly all draws are duplicates, the neighbour is
// taken, and they are counted.
func TestNearestUnseen(t *testing.T) {
	cfg := demo()
	cfg.Sampler = search.Random
	cfg.Knobs = cfg.Knobs[:6]
	cfg.Key = func(a study.Assignment) (string, error) { // 1 assignment in 480 is new
		if a["quant.default"] == study.Text("Q2_K") && a["quant.attention"] == study.Text("Q4_K") && a["quant.embedding"] == study.Text("F16") &&
			a["prune.ffn"] == study.Number(1) {
			return a.Key(), nil
		}
		return "the same", nil
	}
	s := newSampler(t, cfg)
	ask(t, s, 0)
	for n := 1; n <= 12; n++ { // 4 types of ffn_down, 3 prunings of attention
		got := ask(t, s, n)
		if got.Origin != search.OriginNeighbour || got.Duplicates != 10 || got.Assignment["quant.default"] != study.Text("Q2_K") {
			t.Fatalf("trial %d: %v", n, got)
		}
	}
}

// TestHugeSpace: where the walk has no end, and nothing is new, an ask still
// ends.
func TestHugeSpace(t *testing.T) {
	var knobs []study.Knob
	for i := range 10 {
		knobs = append(knobs, study.Knob{Name: fmt.Sprint("k", i), Int: &[2]int{0, 1000}})
	}
	s := newSampler(t, search.Config{
		Knobs: knobs, Directions: []study.Direction{study.Min}, Sampler: search.Random,
		Key: func(study.Assignment) (string, error) { return "the same", nil },
	})
	ask(t, s, 0)
	if _, err := s.Ask(1); !errors.Is(err, search.ErrExhausted) {
		t.Fatalf("got %v", err)
	}
}

// TestNoTwoAsksAreEqual runs every sampler with many trials outstanding, told
// in any order, some forgotten.
func TestNoTwoAsksAreEqual(t *testing.T) {
	t.Parallel()
	for _, name := range differing() {
		cfg := demo()
		cfg.Sampler = name
		cfg = numeric(cfg)
		s := newSampler(t, cfg)
		rng := rand.New(rand.NewPCG(1, 2))
		open := map[int]study.Assignment{}
		asked := map[string]int{}
		for n := range 100 {
			got := ask(t, s, n)
			key := got.Assignment.Key()
			if m, ok := asked[key]; ok {
				t.Fatalf("%s: trials %d and %d are the same: %v", name, m, n, got.Assignment)
			}
			asked[key], open[n] = n, got.Assignment
			for _, m := range rng.Perm(n + 1) {
				a, ok := open[m]
				if !ok || len(open) < 8 {
					continue
				}
				delete(open, m)
				if rng.IntN(10) == 0 {
					delete(asked, a.Key())
					if err := s.Forget(m); err != nil {
						t.Fatal(err)
					}
				} else if err := s.Tell(m, outcome(m, a, 3)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestAdd(t *testing.T) {
	cfg := demo()
	cfg.Key = func(a study.Assignment) (string, error) {
		if a["quant.default"] == study.Text("broken") {
			return "", errors.New("no such type")
		}
		return a.Key(), nil
	}
	s := newSampler(t, cfg)
	outside := study.Assignment{"quant.default": study.Text("BF16"), "elsewhere": study.Number(3)}
	for n := range 2 { // twice: measured again
		if err := s.Add(n, outside); err != nil {
			t.Fatalf("an assignment outside the space: %v", err)
		}
		if err := s.Tell(n, search.Outcome{Values: []float64{1, 2, 3}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(2, study.Assignment{"quant.default": study.Text("broken")}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an assignment that makes no recipe: %v", err)
	}
	for n := 3; n < 40; n++ {
		if err := s.Tell(n, outcome(n, ask(t, s, n).Assignment, 3)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefusedConfigs(t *testing.T) {
	cases := map[string]struct {
		change    func(*search.Config)
		want, try string
	}{
		"unknown":    {func(c *search.Config) { c.Sampler = "magic" }, "no such sampler", "auto, gp, motpe, nsga2"},
		"objectives": {func(c *search.Config) { c.Directions = nil }, "without an objective", "objective"},
		"direction":  {func(c *search.Config) { c.Directions[1] = "up" }, `direction "up"`, "min or max"},
		"knob":       {func(c *search.Config) { c.Knobs[3].Choice = nil }, "quant.embedding has no values", "choices"},
	}
	for name, c := range cases {
		cfg := demo()
		c.change(&cfg)
		_, err := search.New(cfg)
		e, ok := fault.As(err)
		if !ok || e.Kind != fault.Invalid || !strings.Contains(e.Sentence, c.want) || !strings.Contains(e.Try, c.try) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	cfg := demo()
	if name, why := search.Describe(cfg); name != search.GP || why == "" {
		t.Errorf("auto is %s because %s", name, why)
	}
	cfg.Sampler = search.Sobol
	if name, _ := search.Describe(cfg); name != search.Sobol {
		t.Errorf("sobol is %s", name)
	}
	cfg.Sampler, cfg.Knobs = search.Auto, cfg.Knobs[:2]
	if name, why := search.Describe(cfg); name != search.Random || !strings.Contains(why, "32") {
		t.Errorf("32 assignments and 40 trials: %s because %s", name, why)
	}
	for _, name := range search.Samplers() {
		if _, why := search.Reproducible(name); why == "" {
			t.Errorf("%s: no reason", name)
		}
	}
}
