package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// TestMOTPEAvoidsWhatIsOutstanding: where many trials are still out, fewer
// draws go than without them.
func TestMOTPEAvoidsWhatIsOutstanding(t *testing.T) {
	near := func(outstanding int) int {
		cfg := bounded()
		cfg.Constraints, cfg.Sampler = 0, MOTPE
		c := newCore(t, cfg)
		for n := 6; n < 99; n += 7 { // best around 20
			tell(t, c, n, Outcome{Values: []float64{math.Abs(float64(n) - 20), 20}})
		}
		for n := range outstanding {
			if err := c.Add(100+n, study.Assignment{"x": study.Number(float64(18 + n%5))}); err != nil {
				t.Fatal(err)
			}
		}
		hits := 0
		d := c.strategy.next(c.history, 1)
		for i := range 100 {
			if p, _ := d(0, rand.New(rand.NewPCG(3, uint64(i)))); p[0] >= 16 && p[0] <= 24 {
				hits++
			}
		}
		return hits
	}
	if free, taken := near(0), near(40); free < 60 || taken > free/2 {
		t.Errorf("of 100 draws %d go to the best place, and %d while 40 trials are out there", free, taken)
	}
}

// TestMOTPELearnsFromViolations: with nothing feasible, draws go where the
// constraint is broken least; where that is not known, nowhere in particular.
func TestMOTPELearnsFromViolations(t *testing.T) {
	low := func(o func(n int) Outcome) int {
		cfg := bounded()
		cfg.Constraints, cfg.Sampler = 1, MOTPE
		c := newCore(t, cfg)
		for n := range 100 {
			tell(t, c, n, o(n))
		}
		hits := 0
		d := c.strategy.next(c.history, 1)
		for i := range 100 {
			if p, _ := d(0, rand.New(rand.NewPCG(4, uint64(i)))); p[0] < 20 {
				hits++
			}
		}
		return hits
	}
	if hits := low(func(n int) Outcome { return Outcome{Infeasible: true, Constraints: []float64{1 + float64(n)}} }); hits < 80 {
		t.Errorf("%d of 100 draws go where the constraint is broken least", hits)
	}
	if hits := low(func(int) Outcome { return Outcome{Infeasible: true} }); hits > 70 {
		t.Errorf("%d of 100 draws go to the low end for no reason", hits)
	}
}

// TestNSGA2Parents: the best ranks, of the last the least crowded, and before
// anything that breaks a bound.
func TestNSGA2Parents(t *testing.T) {
	cfg := bounded()
	cfg.Constraints, cfg.Sampler = 1, NSGA2
	c := newCore(t, cfg)
	for n := range 30 {
		o := Outcome{Values: []float64{float64(n), 20 + float64(n)}, Constraints: []float64{-1}} // a front
		if n >= 15 {
			o.Constraints[0] = float64(40 - n) // the later, the less broken
		}
		tell(t, c, n, o)
	}
	parents := c.strategy.(nsga2).parents(c.history)
	var places []int
	for i, p := range parents {
		places = append(places, p.point[0])
		if feasible := p.point[0] < 15; feasible != (p.rank == 0) || !feasible && p.rank != i-14 {
			t.Errorf("parent %d at %d has rank %d", i, p.point[0], p.rank)
		}
	}
	if want := []int{29, 28, 27, 26, 25}; len(places) != population || !slices.Equal(places[15:], want) {
		t.Errorf("parents at %v, the last of them should be %v", places, want)
	}
	if parents[0].crowding != math.Inf(1) || parents[1].crowding != math.Inf(1) {
		t.Errorf("the ends are not first: %v", parents[:3])
	}
}

// TestMovedMoves: a mutated number is another one of its range, towards the
// side that was drawn.
func TestMovedMoves(t *testing.T) {
	for _, k := range []study.Knob{{Name: "a", Int: &[2]int{0, 1}}, {Name: "b", Int: &[2]int{1, 300}, Log: true}, {Name: "c", Float: &[2]float64{0, 1}}} {
		sp, err := space.New([]study.Knob{k}, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := sp.Dims()[0]
		for level := range d.Levels {
			for _, u := range []float64{0, 1e-9, 0.3, 0.5, 0.500001, 0.9, math.Nextafter(1, 0)} {
				to := moved(d, level, u)
				down := level > 0 && (u <= 0.5 || level == d.Levels-1)
				if to < 0 || to >= d.Levels || to == level || down != (to < level) {
					t.Fatalf("knob %s: level %d moves to %d for %v", k.Name, level, to, u)
				}
			}
		}
	}
}

func TestCMAESTakesNumbers(t *testing.T) {
	flag := study.Knob{Name: "flash", Choice: []study.Value{study.Bool(false), study.Bool(true)}}
	three := study.Knob{Name: "type", Choice: []study.Value{study.Text("a"), study.Text("b"), study.Text("c")}}
	cfg := bounded()
	cfg.Sampler = CMAES
	cfg.Knobs = append(cfg.Knobs, flag)
	if _, err := New(cfg); err != nil {
		t.Errorf("a two-valued choice: %v", err)
	}
	cfg.Knobs = append(cfg.Knobs, three)
	s, err := New(cfg)
	if e, ok := fault.As(err); s != nil || !ok || e.Kind != fault.Invalid || e.Try == "" {
		t.Errorf("a choice of three: %v, %v", s, err)
	}
}

// TestCMAESConverges finds the middle of a bowl in two and in ten dimensions,
// and starts again when there is nothing more to gain.
func TestCMAESConverges(t *testing.T) {
	for _, knobs := range []int{1, 2, 10} {
		cfg := Config{Directions: []study.Direction{study.Max}, Sampler: CMAES, Seed: 3}
		for i := range knobs {
			cfg.Knobs = append(cfg.Knobs, study.Knob{Name: fmt.Sprint("x", i), Float: &[2]float64{-1, 1}})
		}
		c := newCore(t, cfg)
		best := math.Inf(-1)
		for n := range 60 * (knobs + 1) {
			s, err := c.Ask(n)
			if err != nil {
				if knobs > 1 {
					t.Fatal(err)
				}
				break // all 257 levels are asked
			}
			sum := 0.0
			for _, k := range cfg.Knobs {
				sum -= math.Pow(s.Assignment[k.Name].Float()-0.3, 2)
			}
			best = max(best, sum)
			if err := c.Tell(n, Outcome{Values: []float64{sum}}); err != nil {
				t.Fatal(err)
			}
		}
		if best < -0.001*float64(knobs) {
			t.Errorf("%d knobs: the best value is %v", knobs, best)
		}
	}
}
