package problems

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// script is an asker that proposes numbers in their order and writes down what
// happens.
type script struct {
	t        *testing.T
	open     map[int]bool
	most     int
	told     []int
	prepared int
	end      int
}

func (s *script) Prepare(n int) error {
	if s.open[n] {
		s.t.Errorf("trial %d is prepared after it was asked", n)
	}
	s.prepared++
	return nil
}

func (s *script) Ask(n int) (study.Assignment, error) {
	if n >= s.end {
		return nil, search.ErrExhausted
	}
	s.open[n] = true
	s.most = max(s.most, len(s.open))
	return study.Assignment{"n": study.Number(float64(n))}, nil
}

func (s *script) Tell(n int, o search.Outcome) error {
	if !s.open[n] || o.Values[0] != float64(n) {
		s.t.Errorf("trial %d is told %v", n, o)
	}
	delete(s.open, n)
	s.told = append(s.told, n)
	return nil
}

// line is a problem on which every trial is on the front but those that are
// divisible by three, which break its constraint.
func line() Problem {
	return Problem{
		Knobs: []study.Knob{{Name: "n", Int: &[2]int{0, 99}}}, Directions: []study.Direction{study.Min, study.Max},
		Reference: []float64{100, 0}, Best: 5050, Constraints: 1,
		Trial: func(a study.Assignment) search.Outcome {
			n := a["n"].Int()
			broken := 0.0
			if n%3 == 0 {
				broken = 1
			}
			return search.Outcome{Values: []float64{float64(n), float64(n + 1)}, Constraints: []float64{broken}}
		},
	}
}

func TestCampaign(t *testing.T) {
	for _, outstanding := range []int{0, 1, 8} {
		s := &script{t: t, open: map[int]bool{}, end: 100}
		clock := 0.0
		c := Campaign{Seed: 4, Trials: 30, Outstanding: outstanding, Now: func() float64 { clock++; return clock }}
		r, err := c.Run(line(), s)
		if err != nil {
			t.Fatal(err)
		}
		if s.most != max(1, outstanding) || len(s.told) != 30 || len(s.open) != 0 || s.prepared != 30 {
			t.Errorf("%d outstanding: at most %d open, %d told, %d prepared", outstanding, s.most, len(s.told), s.prepared)
		}
		if sorted := slices.IsSorted(s.told); sorted != (outstanding < 2) {
			t.Errorf("%d outstanding: told in the order %v", outstanding, s.told)
		}
		var points [][]float64
		for i, n := range s.told {
			if r.Feasible[i] != (n%3 != 0) {
				t.Errorf("trial %d: feasible %v", n, r.Feasible[i])
			}
			if n%3 != 0 {
				points = append(points, []float64{float64(n), -float64(n + 1)})
			}
			if want := pareto.Hypervolume(points, []float64{100, 0}) / 5050; math.Abs(r.Share[i]-want) > 1e-12 {
				t.Errorf("%d outstanding: the share after %d trials is %v, want %v", outstanding, i+1, r.Share[i], want)
			}
		}
		if len(r.Ask) != 30 || len(r.Tell) != 30 || len(r.Prepare) != 30 || r.Ask[7] != 1 || r.Value != nil {
			t.Errorf("times %v %v %v", r.Ask, r.Tell, r.Prepare)
		}
	}
}

func TestCampaignThatExhaustsTheSpace(t *testing.T) {
	s := &script{t: t, open: map[int]bool{}, end: 10}
	r, err := Campaign{Trials: 30, Outstanding: 4}.Run(line(), s)
	if err != nil || len(s.told) != 10 || len(r.Share) != 30 || r.Share[29] != r.Share[9] || len(r.Feasible) != 10 {
		t.Errorf("%v, %d told, shares %v", err, len(s.told), r.Share)
	}
}

func TestSingleObjectiveKeepsTheBestValue(t *testing.T) {
	p := Branin()
	a, err := NewAsker(p.Config(search.Random, 1, 20))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Campaign{Seed: 1, Trials: 20}.Run(p, a)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range r.Value {
		if i > 0 && v > r.Value[i-1] {
			t.Errorf("the best value rises to %v", v)
		}
		if want := max(0, p.Reference[0]-v) / p.Best; math.Abs(r.Share[i]-want) > 1e-12 {
			t.Errorf("value %v has a share of %v, want %v", v, r.Share[i], want)
		}
	}
	if len(r.Value) != 20 {
		t.Errorf("%d values", len(r.Value))
	}
}

// TestDesigns: what a peer is given as start is what the sampler begins with.
func TestDesigns(t *testing.T) {
	p := Layers(2)
	designs, err := Designs(p, search.TPE, 5, 100)
	if err != nil {
		t.Fatal(err)
	}
	s, err := search.New(p.Config(search.TPE, 5, 100))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range designs {
		got, err := s.Ask(n)
		if err != nil || got.Assignment.Key() != want.Key() || got.Origin != search.OriginStart {
			t.Errorf("design %d is %v, asked is %v (%s, %v)", n, want, got.Assignment, got.Origin, err)
		}
	}
	if next, err := s.Ask(len(designs)); err != nil || next.Origin == search.OriginStart || len(designs) < 8 {
		t.Errorf("after %d designs comes another, or an error: %v", len(designs), err)
	}
}

func TestFeasible(t *testing.T) {
	nan := math.NaN()
	for i, c := range []struct {
		o    search.Outcome
		want bool
	}{
		{search.Outcome{Values: []float64{1}}, true},
		{search.Outcome{Values: []float64{1}, Constraints: []float64{-1, 0}}, true},
		{search.Outcome{Values: []float64{1}, Constraints: []float64{-1, 1e-9}}, false},
		{search.Outcome{Values: []float64{1}, Constraints: []float64{nan}}, false},
		{search.Outcome{Values: []float64{1}, Infeasible: true}, false},
		{search.Outcome{Values: []float64{nan}}, false},
		{search.Outcome{}, false},
	} {
		if Feasible(c.o) != c.want {
			t.Errorf("case %d: %+v", i, c.o)
		}
	}
}

func TestErrorsOfAnAskerEndACampaign(t *testing.T) {
	broken := errors.New("broken")
	for _, at := range []string{"ask", "tell", "prepare"} {
		if _, err := (Campaign{Trials: 5}).Run(line(), failing{at, broken}); !errors.Is(err, broken) {
			t.Errorf("%s: %v", at, err)
		}
	}
}

type failing struct {
	at  string
	err error
}

func (f failing) fail(at string) error {
	if f.at == at {
		return fmt.Errorf("%s: %w", at, f.err)
	}
	return nil
}
func (f failing) Prepare(int) error { return f.fail("prepare") }
func (f failing) Ask(n int) (study.Assignment, error) {
	return study.Assignment{"n": study.Number(float64(n))}, f.fail("ask")
}
func (f failing) Tell(int, search.Outcome) error { return f.fail("tell") }
