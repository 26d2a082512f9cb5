package search_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

func TestTellsThatAreRefused(t *testing.T) {
	s := newSampler(t, demo())
	ask(t, s, 5)
	if err := s.Tell(5, search.Outcome{Values: []float64{1, 2}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("two values for three objectives: %v", err)
	}
	if err := s.Tell(5, search.Outcome{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no values: %v", err)
	}
	if err := s.Tell(5, search.Outcome{Values: []float64{1, math.Inf(1), math.NaN()}}); err != nil {
		t.Errorf("values that are not finite: %v", err)
	}
	ok := search.Outcome{Infeasible: true}
	for what, err := range map[string]error{
		"tell again": s.Tell(5, ok), "forget a told trial": s.Forget(5), "tell an unknown trial": s.Tell(6, ok), "forget an unknown trial": s.Forget(-1),
	} {
		if !errors.Is(err, search.ErrUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Ask(5); fault.KindOf(err) != fault.Conflict {
		t.Errorf("ask for a trial that exists: %v", err)
	}
	if err := s.Add(5, study.Assignment{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("add a trial that exists: %v", err)
	}
}

// TestBadOutcomes asks every sampler after outcomes that no model can use, and
// some that it can hardly: each ask is answered, and never by an earlier one.
// The trials are enough for gp to choose a warp twice.
func TestBadOutcomes(t *testing.T) {
	t.Parallel()
	nan, inf, most := math.NaN(), math.Inf(1), math.MaxFloat64
	values := func(v ...float64) search.Outcome { return search.Outcome{Values: v, Constraints: []float64{-1}} }
	cases := map[string]func(n int) search.Outcome{
		"not a number":   func(int) search.Outcome { return values(nan, nan, nan) },
		"partly missing": func(n int) search.Outcome { o := values(1, float64(n), 2); o.Values[n%3] = nan; return o },
		"infinite":       func(n int) search.Outcome { return values(inf, -inf, float64(n)) },
		"constant":       func(int) search.Outcome { return values(1, 2, 3) },
		"one constant":   func(n int) search.Outcome { return values(1, float64(n%7), -float64(n%5)) },
		"huge":           func(n int) search.Outcome { return values(most, -most, []float64{most, -most, 0}[n%3]) },
		"tiny":           func(n int) search.Outcome { return values(float64(n)*5e-324, 1+float64(n%2)*1e-16, 0) },
		"all infeasible": func(int) search.Outcome { return search.Outcome{Infeasible: true} },
		"constraints never met": func(n int) search.Outcome {
			o := values(1, 2, float64(n))
			o.Constraints[0] = 1 + float64(n%4)
			return o
		},
		"broken without end":    func(n int) search.Outcome { o := values(1, 2, float64(n)); o.Constraints[0] = inf; return o },
		"constraints not known": func(n int) search.Outcome { return search.Outcome{Values: []float64{1, 2, float64(n)}} },
		"beyond the limits":     func(n int) search.Outcome { return values(1, 2, -50-float64(n%9)) },
		"only one feasible": func(n int) search.Outcome {
			return search.Outcome{Values: []float64{1, 2, 3}, Constraints: []float64{-1}, Infeasible: n != 7}
		},
		"odd noise": func(n int) search.Outcome {
			o := values(float64(n%5), 2, float64(n%3))
			o.Noise = []float64{0, inf, []float64{nan, -1, 1e300}[n%3]}
			return o
		},
	}
	for _, name := range differing() {
		for what, of := range cases {
			cfg := demo()
			cfg.Sampler, cfg.Constraints, cfg.Limits = name, 1, []float64{nan, nan, -20}
			s := newSampler(t, numeric(cfg))
			seen := map[string]bool{}
			for n := range 34 {
				key := ask(t, s, n).Assignment.Key()
				if seen[key] {
					t.Fatalf("%s, %s: trial %d is asked twice", name, what, n)
				}
				seen[key] = true
				if err := s.Tell(n, of(n)); err != nil {
					t.Fatalf("%s, %s: %v", name, what, err)
				}
			}
		}
	}
}

// TestAllFailed: every trial is forgotten; the search goes on and never learns.
func TestAllFailed(t *testing.T) {
	for _, name := range differing() {
		cfg := demo()
		cfg.Sampler = name
		s := newSampler(t, numeric(cfg))
		for n := range 40 {
			ask(t, s, n)
			if err := s.Forget(n); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestMeasuredAgain: the same assignment is added many times with values that
// differ, and one of them infeasible.
func TestMeasuredAgain(t *testing.T) {
	for _, name := range differing() {
		cfg := demo()
		cfg.Sampler = name
		cfg = numeric(cfg)
		s := newSampler(t, cfg)
		a := ask(t, newSampler(t, cfg), 0).Assignment
		for n := range 20 {
			if err := s.Add(n, a); err != nil {
				t.Fatal(err)
			}
			if err := s.Tell(n, search.Outcome{Values: []float64{float64(n % 3), float64(n % 4), 1}, Infeasible: n == 9}); err != nil {
				t.Fatal(err)
			}
		}
		for n := 20; n < 50; n++ {
			got := ask(t, s, n).Assignment
			if got.Key() == a.Key() {
				t.Fatalf("%s asks again for what was measured 20 times", name)
			}
			if err := s.Tell(n, outcome(n, got, 3)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNothingToSearch: spaces of one point, with and without knobs, are
// exhausted after one ask; with the point added, at once.
func TestNothingToSearch(t *testing.T) {
	var forty []study.Knob
	for i := range 40 {
		forty = append(forty, study.Knob{Name: fmt.Sprint("k", i), Float: &[2]float64{1, 1}})
	}
	for _, knobs := range [][]study.Knob{nil, {{Name: "a", Int: &[2]int{3, 3}}}, forty} {
		for _, name := range search.Samplers() {
			cfg := search.Config{Knobs: knobs, Directions: []study.Direction{study.Min, study.Max}, Sampler: name, Budget: 10}
			s := newSampler(t, cfg)
			a := ask(t, s, 0).Assignment
			if len(a) != len(knobs) {
				t.Errorf("%s: %d values for %d knobs", name, len(a), len(knobs))
			}
			for n := 1; n < 3; n++ { // outstanding, then told
				if _, err := s.Ask(n); !errors.Is(err, search.ErrExhausted) {
					t.Errorf("%s: after the only point: %v", name, err)
				}
				if n == 1 {
					if err := s.Tell(0, search.Outcome{Values: []float64{1, 2}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			added := newSampler(t, cfg)
			if err := added.Add(0, a); err != nil {
				t.Fatal(err)
			}
			if _, err := added.Ask(1); !errors.Is(err, search.ErrExhausted) {
				t.Errorf("%s: after the only point was added: %v", name, err)
			}
		}
	}
}

// TestLongHistory: every sampler answers after 2000 trials, and the default one
// after 10,000, all of them on one front, which is the most work. BenchmarkAsk
// has 10,000 for all.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	const most = 10000
	even := map[bool][]study.Assignment{} // whether numeric
	for _, name := range differing() {
		cfg := demo()
		cfg.Sampler = name
		cfg = numeric(cfg)
		s := newSampler(t, cfg)
		number := name == search.CMAES
		if even[number] == nil {
			cfg.Sampler = search.Random
			draws := newSampler(t, cfg)
			for n := range most {
				even[number] = append(even[number], ask(t, draws, n).Assignment)
			}
		}
		trials := 2000
		if name == search.GP {
			trials = most
		}
		for n, a := range even[number][:trials] {
			if err := s.Add(n, a); err != nil {
				t.Fatal(err)
			}
			x, y := float64(n%100)/100, float64(n/100)/100
			if err := s.Tell(n, search.Outcome{Values: []float64{x, y, x + y}}); err != nil { // a plane
				t.Fatal(err)
			}
		}
		ask(t, s, trials)
		ask(t, s, trials+1)
	}
}
