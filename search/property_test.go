package search_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// step is one thing that happened to a search: what a caller replays.
type step struct {
	kind string // add, tell or observe
	n    int
	a    study.Assignment
}

func replay(t *testing.T, s search.Sampler, steps ...step) {
	t.Helper()
	for _, st := range steps {
		var err error
		switch st.kind {
		case "add":
			err = s.Add(st.n, st.a)
		case "tell":
			err = s.Tell(st.n, known(st.n, st.a))
		case "observe":
			o := known(st.n, st.a)
			o.Values, o.Noise = []float64{float64(st.n), math.NaN(), math.NaN()}, []float64{0.5, 0, math.NaN()}
			err = s.Observe(st.a, o)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// known is an outcome with noise and constraints.
func known(n int, a study.Assignment) search.Outcome {
	o := outcome(n, a, 3)
	if len(o.Values) > 0 {
		o.Noise = []float64{0.1, math.NaN(), 0}
	}
	o.Constraints = []float64{float64(n%5) - 3, float64(n%3) - 2}
	if n%10 == 4 {
		o.Constraints[1] = math.NaN()
	}
	return o
}

// run is a random search under way: any number of trials outstanding, told in
// any order, some failed, evidence of a sister lane between them.
type run struct {
	t       *testing.T
	cfg     search.Config
	rng     *rand.Rand
	sampler search.Sampler
	history []step
	open    []step
	asked   map[string]bool // recipes of trials that have not failed
	next    int
}

// TestAnyOrder searches small spaces to their end. At every ask, a sampler to
// which the history was replayed answers the same, whether the work was
// prepared or not; no recipe is asked twice; and in the end all have been
// asked.
func TestAnyOrder(t *testing.T) {
	for _, name := range differing() {
		if ok, _ := search.Reproducible(name); !ok {
			continue
		}
		for seed := range int64(4) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				t.Parallel()
				anyOrder(t, name, seed)
			})
		}
	}
}

func anyOrder(t *testing.T, name string, seed int64) {
	cfg := demo()
	cfg.Sampler, cfg.Seed, cfg.Constraints = name, seed, 2
	cfg.Limits = []float64{math.NaN(), 2.9, math.NaN()}
	recipes := math.Inf(1)
	if seed%2 == 0 { // 3 × 2 × (1 + 3) assignments
		cfg.Knobs, recipes = cfg.Knobs[6:], 24
	}
	cfg = numeric(cfg)
	even := newSampler(t, search.Config{Knobs: cfg.Knobs, Directions: cfg.Directions, Sampler: search.Random, Seed: 9})
	cfg.Replay = []study.Assignment{ask(t, even, 0).Assignment, ask(t, even, 1).Assignment}
	r := &run{t: t, cfg: cfg, rng: rand.New(rand.NewPCG(uint64(seed), 9)), sampler: newSampler(t, cfg), asked: map[string]bool{}}
	for range 38 {
		if !r.ask() {
			break
		}
		r.happen()
	}
	_, err := r.sampler.Ask(1000)
	if end := errors.Is(err, search.ErrExhausted); end != (recipes == 24) || end && len(r.asked) != 24 {
		t.Errorf("after %d recipes of %v: %v", len(r.asked), recipes, err)
	}
}

// ask asks, and compares with a sampler that was started anew. It reports
// whether there was anything left to ask.
func (r *run) ask() bool {
	r.t.Helper()
	n := r.next
	r.next++
	again := newSampler(r.t, r.cfg)
	replay(r.t, again, r.history...)
	if r.rng.IntN(2) == 0 {
		if err := r.sampler.Prepare(n); err != nil {
			r.t.Fatal(err)
		}
	}
	got, err := r.sampler.Ask(n)
	same, err2 := again.Ask(n)
	if got.Assignment.Key() != same.Assignment.Key() || got.Duplicates != same.Duplicates || got.Origin != same.Origin || !errors.Is(err, err2) {
		r.t.Fatalf("%s, trial %d: asked %v (%v), after a replay %v (%v)", r.cfg.Sampler, n, got, err, same, err2)
	}
	if errors.Is(err, search.ErrExhausted) {
		return false
	}
	if err != nil {
		r.t.Fatal(err)
	}
	if r.asked[got.Assignment.Key()] {
		r.t.Fatalf("%s, trial %d: %v is asked twice", r.cfg.Sampler, n, got.Assignment)
	}
	r.asked[got.Assignment.Key()] = true
	if r.rng.IntN(8) == 0 { // failed, and not the trial's fault: a replay does not know of it
		delete(r.asked, got.Assignment.Key())
		if err := r.sampler.Forget(n); err != nil {
			r.t.Fatal(err)
		}
		return true
	}
	st := step{"add", n, got.Assignment}
	r.history, r.open = append(r.history, st), append(r.open, st)
	return true
}

// happen lets some things happen before the next ask.
func (r *run) happen() {
	r.t.Helper()
	for len(r.open) > 0 && r.rng.IntN(3) > 0 {
		i := r.rng.IntN(len(r.open))
		st := step{"tell", r.open[i].n, r.open[i].a}
		if r.rng.IntN(6) == 0 {
			st.kind = "observe"
		} else {
			r.open = slices.Delete(r.open, i, i+1)
		}
		r.history = append(r.history, st)
		replay(r.t, r.sampler, st)
		if r.rng.IntN(4) == 0 { // work done ahead that the next tell makes useless
			if err := r.sampler.Prepare(r.next); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}
