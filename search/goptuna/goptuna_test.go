package goptuna_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/goptuna"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

func newTPE(t testing.TB, knobs ...study.Knob) (*goptuna.TPE, *space.Space) {
	t.Helper()
	sp, err := space.New(knobs, nil)
	if err != nil {
		t.Fatal(err)
	}
	tpe, err := goptuna.NewTPE(sp, 1)
	if err != nil {
		t.Fatal(err)
	}
	return tpe, sp
}

func choice(name string, n int) study.Knob {
	k := study.Knob{Name: name}
	for i := range n {
		k.Choice = append(k.Choice, study.Text(fmt.Sprint("v", i)))
	}
	return k
}

// evenHistory draws n points evenly; their order, and so their value, has
// nothing to do with where they lie.
func evenHistory(sp *space.Space, n int) []space.Point {
	rng := rand.New(rand.NewPCG(7, 7))
	points := make([]space.Point, n)
	for i := range points {
		points[i] = sp.Random(rng)
	}
	return points
}

// TestEveryLevelIsDrawn holds goptuna's fault that the top of a range of
// integers is never drawn: neither end of any knob may be missing.
func TestEveryLevelIsDrawn(t *testing.T) {
	tpe, sp := newTPE(t, ranges()...)
	rng := rand.New(rand.NewPCG(1, 1))
	const draws = 2000
	for d, counts := range histogram(tpe, sp, rng, draws) {
		knob, levels := sp.Dims()[d].Knob.Name, len(counts)
		if counts[0] == 0 || counts[levels-1] == 0 {
			t.Errorf("%s: an end is never drawn: %v", knob, counts)
		}
		if levels <= 8 && slices.Min(counts) < draws/levels/2 {
			t.Errorf("%s: uneven without a history: %v", knob, counts)
		}
	}
	for _, top := range []bool{false, true} {
		history := evenHistory(sp, 60)
		for _, p := range history[:15] {
			for i, d := range sp.Dims() {
				p[i] = 0
				if top {
					p[i] = d.Levels - 1
				}
			}
		}
		tpe.Fit(history)
		for d, counts := range histogram(tpe, sp, rng, 500) {
			if end := counts[history[0][d]]; end < 20 {
				t.Errorf("%s: level %d has the best trials, but is drawn %d times of 500", sp.Dims()[d].Knob.Name, history[0][d], end)
			}
		}
	}
}

func ranges() []study.Knob {
	return []study.Knob{
		{Name: "bits", Int: &[2]int{2, 8}},
		{Name: "threads", Int: &[2]int{1, 8}},
		{Name: "context", Int: &[2]int{1, 40}},
		{Name: "batch", Int: &[2]int{1, 40}, Log: true},
		choice("type", 5),
		choice("long", 30),
	}
}

// histogram counts the levels of draws for each knob.
func histogram(tpe *goptuna.TPE, sp *space.Space, rng *rand.Rand, draws int) [][]int {
	counts := make([][]int, len(sp.Dims()))
	for i, d := range sp.Dims() {
		counts[i] = make([]int, d.Levels)
	}
	for range draws {
		for i, level := range tpe.Draw(rng) {
			counts[i][level]++
		}
	}
	return counts
}

// TestDrawsVary holds goptuna's fault that categories are not drawn but always
// the best: with it, all draws from one history are the same point.
func TestDrawsVary(t *testing.T) {
	tpe, sp := newTPE(t, choice("a", 5), choice("b", 5), choice("c", 5), choice("d", 5), choice("e", 5), choice("f", 5))
	tpe.Fit(evenHistory(sp, 60))
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[string]bool{}
	for range 200 {
		seen[fmt.Sprint(tpe.Draw(rng))] = true
	}
	if len(seen) < 20 {
		t.Errorf("200 draws gave %d points", len(seen))
	}
}

// TestDrawsResembleTheBest gives a history whose better quarter has one level,
// for knobs of all kinds.
func TestDrawsResembleTheBest(t *testing.T) {
	knobs := []study.Knob{choice("type", 6), {Name: "count", Int: &[2]int{0, 5}}, {Name: "wide", Int: &[2]int{1, 600}}}
	for level := range 6 {
		tpe, sp := newTPE(t, knobs...)
		history := evenHistory(sp, 80)
		for _, p := range history[:20] {
			p[0], p[1], p[2] = level, level, 50+100*level
		}
		tpe.Fit(history)
		rng := rand.New(rand.NewPCG(1, 1))
		var hits [3]int
		for range 600 {
			p := tpe.Draw(rng)
			for i := range 2 {
				if p[i] == level {
					hits[i]++
				}
			}
			if p[2]/100 == level {
				hits[2]++
			}
		}
		for i, n := range hits { // even draws would give 100
			if n < 300 {
				t.Errorf("knob %s: %d of 600 draws have the level of the best, %d", knobs[i].Name, n, level)
			}
		}
	}
}

func TestAbsentLevelsAreNoObservation(t *testing.T) {
	tpe, sp := newTPE(t, choice("flash", 2), choice("cache", 3))
	history := evenHistory(sp, 40)
	for _, p := range history {
		p[1] = space.Absent
	}
	tpe.Fit(history)
	rng := rand.New(rand.NewPCG(1, 1))
	var counts [3]int
	for range 900 {
		counts[tpe.Draw(rng)[1]]++
	}
	if slices.Min(counts[:]) < 200 {
		t.Errorf("a knob without observations is drawn %v", counts)
	}
}

// TestSobolIsBalanced draws the first 2^k points: every half, quarter, eighth
// of every coordinate must hold the same number of them.
func TestSobolIsBalanced(t *testing.T) {
	const points, dims = 64, 40
	for seed := range uint64(5) {
		s := goptuna.NewSobol(dims, rand.New(rand.NewPCG(seed, 0)))
		for _, parts := range []int{2, 8, 64} {
			counts := make([][]int, dims)
			for j := range counts {
				counts[j] = make([]int, parts)
			}
			for i := range points {
				for j, x := range s.At(i) {
					counts[j][int(x*float64(parts))]++
				}
			}
			for j, c := range counts {
				if slices.Min(c) != points/parts || slices.Max(c) != points/parts {
					t.Fatalf("seed %d, coordinate %d, %d parts: %v", seed, j, parts, c)
				}
			}
		}
	}
}

func TestSobolFollowsTheSeed(t *testing.T) {
	at := func(seed uint64, i int) []float64 {
		return goptuna.NewSobol(6, rand.New(rand.NewPCG(seed, 0))).At(i)
	}
	if !slices.Equal(at(1, 9), at(1, 9)) {
		t.Error("the same seed gives other points")
	}
	if slices.Equal(at(1, 9), at(2, 9)) {
		t.Error("another seed gives the same point")
	}
	s := goptuna.NewSobol(6, rand.New(rand.NewPCG(1, 0)))
	late := s.At(20)
	if !slices.Equal(s.At(9), at(1, 9)) || !slices.Equal(s.At(20), late) {
		t.Error("a point depends on the points taken before")
	}
	if p := goptuna.NewSobol(goptuna.MaxSobolDims, rand.New(rand.NewPCG(1, 0))).At(1); len(p) != goptuna.MaxSobolDims {
		t.Errorf("%d coordinates, want %d", len(p), goptuna.MaxSobolDims)
	}
	if p := goptuna.NewSobol(0, rand.New(rand.NewPCG(1, 0))).At(3); len(p) != 0 {
		t.Errorf("no dimensions: %v", p)
	}
}

// TestCMAESConverges: the distribution closes in on the origin of a bowl, and
// its draws stay in the unit cube and follow the source.
func TestCMAESConverges(t *testing.T) {
	c, err := goptuna.NewCMAES([]float64{0.5, 0.5, 0.5}, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	distance := func(p []float64) float64 { // from a corner of the cube
		sum := 0.0
		for _, x := range p {
			sum += x * x
		}
		return sum
	}
	for range 40 {
		points := make([][]float64, c.Generation())
		for i := range points {
			if points[i], err = c.Draw(rng); err != nil {
				t.Fatal(err)
			}
			if slices.Min(points[i]) < 0 || slices.Max(points[i]) > 1 {
				t.Fatalf("a draw outside the cube: %v", points[i])
			}
		}
		slices.SortFunc(points, func(a, b []float64) int { return cmp.Compare(distance(a), distance(b)) })
		if err := c.Tell(points); err != nil {
			break // converged
		}
	}
	p, err := c.Draw(rand.New(rand.NewPCG(2, 2)))
	if err != nil || distance(p) > 1e-3 {
		t.Errorf("after 40 generations a draw is %v, %v", p, err)
	}
	again, err := c.Draw(rand.New(rand.NewPCG(2, 2)))
	if err != nil || !slices.Equal(p, again) {
		t.Errorf("the same source draws %v, then %v", p, again)
	}
}

// TestCMAESReportsWhatItCannotUse: degenerate generations are errors, not
// panics.
func TestCMAESReportsWhatItCannotUse(t *testing.T) {
	for name, p := range map[string][]float64{"not a number": {math.NaN(), 0.5}, "the mean": {0.5, 0.5}, "infinite": {math.Inf(1), 0}} {
		c, err := goptuna.NewCMAES([]float64{0.5, 0.5}, 0.2)
		if err != nil {
			t.Fatal(err)
		}
		points := make([][]float64, c.Generation())
		for i := range points {
			points[i] = p
		}
		if err := c.Tell(points); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	c, err := goptuna.NewCMAES([]float64{0.5}, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Tell([][]float64{{0.1}}); err == nil {
		t.Error("a generation that is too small: no error")
	}
}
