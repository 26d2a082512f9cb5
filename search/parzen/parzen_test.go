package parzen_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fettle-edge/fettle/search/parzen"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

type estimate func(*space.Space, []space.Point) parzen.Density

var estimates = map[string]estimate{"joint": parzen.Joint, "product": parzen.Product}

func newSpace(t *testing.T) *space.Space {
	t.Helper()
	choice := []study.Value{study.Text("a"), study.Text("b"), study.Text("c")}
	sp, err := space.New([]study.Knob{
		{Name: "type", Choice: choice},
		{Name: "count", Int: &[2]int{0, 5}},
		{Name: "size", Int: &[2]int{1, 8}, Log: true},
		{Name: "wide", Int: &[2]int{1, 40}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sp
}

func some(sp *space.Space, n int) []space.Point {
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	points := make([]space.Point, n)
	for i := range points {
		points[i] = sp.Random(rng)
		for j, d := range sp.Dims() { // towards the low end
			points[i][j] = min(points[i][j], rng.IntN(d.Levels))
		}
	}
	return points
}

// each calls visit for every point, with its share of the even draw.
func each(sp *space.Space, visit func(p space.Point, share float64)) {
	p := make(space.Point, len(sp.Dims()))
	var walk func(i int, share float64)
	walk = func(i int, share float64) {
		if i == len(p) {
			visit(p, share)
			return
		}
		for l := range sp.Dims()[i].Levels {
			p[i] = l
			low, high := sp.Dims()[i].Cell(l)
			walk(i+1, share*(high-low))
		}
	}
	walk(0, 1)
}

func TestDensitiesSumToOne(t *testing.T) {
	sp := newSpace(t)
	for name, of := range estimates {
		for _, n := range []int{0, 1, 4, 25} {
			points := some(sp, n)
			if n == 25 { // a knob without a level does not count
				points[3][0], points[4][3] = space.Absent, space.Absent
			}
			density := of(sp, points)
			sum := 0.0
			each(sp, func(p space.Point, share float64) { sum += share * math.Exp(density.Log(p)) })
			if math.Abs(sum-1) > 0.005 { // the wide knob's levels are not integrated
				t.Errorf("%s of %d points sums to %v", name, n, sum)
			}
		}
	}
}

// TestDrawsFollowTheDensity compares how often points of a part of the space
// are drawn with the density's share of it.
func TestDrawsFollowTheDensity(t *testing.T) {
	sp := newSpace(t)
	parts := map[string]func(space.Point) bool{
		"type a":           func(p space.Point) bool { return p[0] == 0 },
		"low count":        func(p space.Point) bool { return p[1] <= 1 },
		"top size":         func(p space.Point) bool { return p[2] == 7 },
		"low wide":         func(p space.Point) bool { return p[3] < 10 },
		"type b, low wide": func(p space.Point) bool { return p[0] == 1 && p[3] < 5 },
	}
	const draws = 20000
	for name, of := range estimates {
		density := of(sp, some(sp, 12))
		rng := rand.New(rand.NewPCG(1, 1))
		hits := map[string]float64{}
		for range draws {
			p := density.Draw(rng)
			for part, in := range parts {
				if in(p) {
					hits[part]++
				}
			}
		}
		for part, in := range parts {
			want := 0.0
			each(sp, func(p space.Point, share float64) {
				if in(p) {
					want += share * math.Exp(density.Log(p))
				}
			})
			if got := hits[part] / draws; math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/draws)+0.002 {
				t.Errorf("%s: %s is drawn %v of the time, its density is %v", name, part, got, want)
			}
		}
	}
}

// TestJointKeepsCombinations: of points (low, low) and (high, high), joint
// prefers those two corners, and product none.
func TestJointKeepsCombinations(t *testing.T) {
	sp := newSpace(t)
	var points []space.Point
	for range 5 {
		points = append(points, space.Point{0, 0, 0, 0}, space.Point{2, 5, 7, 39})
	}
	corner, mixed := space.Point{0, 0, 7, 39}, space.Point{2, 5, 7, 39}
	if d := parzen.Joint(sp, points); d.Log(mixed) < d.Log(corner)+1 {
		t.Errorf("joint: observed %v, mixed %v", d.Log(mixed), d.Log(corner))
	}
	if d := parzen.Product(sp, points); math.Abs(d.Log(mixed)-d.Log(corner)) > 1e-9 {
		t.Errorf("product: observed %v, mixed %v", d.Log(mixed), d.Log(corner))
	}
}

// TestAbsent: a knob that is absent from all points is as the even draw has
// it, and one that is absent from the point asked for does not count.
func TestAbsent(t *testing.T) {
	sp := newSpace(t)
	points := some(sp, 10)
	for _, p := range points {
		p[1] = space.Absent
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for name, of := range estimates {
		d := of(sp, points)
		var counts [6]int
		for range 6000 {
			counts[d.Draw(rng)[1]]++
		}
		for level, n := range counts { // 1000 expected, standard deviation 29
			if n < 850 || n > 1150 {
				t.Errorf("%s: level %d of a knob without observations is drawn %d times of 6000", name, level, n)
			}
		}
		p := points[0]
		if with := (space.Point{p[0], 3, p[2], p[3]}); math.Abs(d.Log(p)-d.Log(with)) > 1e-12 {
			t.Errorf("%s: the density changes from %v to %v with a knob that nothing is known of", name, d.Log(p), d.Log(with))
		}
	}
	none := space.Point{space.Absent, space.Absent, space.Absent, space.Absent}
	for name, of := range estimates {
		if got := of(sp, some(sp, 5)).Log(none); math.Abs(got) > 1e-12 {
			t.Errorf("%s: the density of nothing is e^%v", name, got)
		}
	}
}
