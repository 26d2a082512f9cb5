package problems

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

func TestRegistry(t *testing.T) {
	for _, name := range Names() {
		p, _ := Lookup(name)
		if p.Name != name || p.Best <= 0 || len(p.Reference) != len(p.Directions) || p.Noise != nil && len(p.Noise) != len(p.Directions) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, ok := Lookup("zdt9"); ok {
		t.Error("a problem that does not exist was found")
	}
}

// optimal are assignments on the fronts of the continuous problems, by the
// number of a sample of n.
var optimal = map[string]func(p Problem, i, n int) []float64{
	"zdt1":    firstOf(0),
	"zdt2":    firstOf(0),
	"zdt3":    firstOf(0),
	"dtlz2-2": firstOf(0.5),
	"dtlz2-3": grid(2, 0.5),
	"dtlz2-4": grid(3, 0.5),
	"dtlz7-2": firstOf(0),
	"c2dtlz2": firstOf(0.5),
	"osy":     func(_ Problem, i, n int) []float64 { return osyFront((n + 4) / 5)[i] },
}

// firstOf walks along the first variable; the others have one value.
func firstOf(rest float64) func(Problem, int, int) []float64 {
	return func(p Problem, i, n int) []float64 {
		x := repeat(rest, len(p.Knobs))
		x[0] = float64(i) / float64(n-1)
		return x
	}
}

// grid walks over a grid of the first variables.
func grid(variables int, rest float64) func(Problem, int, int) []float64 {
	return func(p Problem, i, n int) []float64 {
		x := repeat(rest, len(p.Knobs))
		side := int(math.Round(math.Pow(float64(n), 1/float64(variables))))
		for v := range variables {
			x[v] = float64(i%side) / float64(side-1)
			i /= side
		}
		return x
	}
}

// TestFrontsAreAttained: points of the known front reach its hypervolume, and
// none of many other points, nor all together, lie beyond it.
func TestFrontsAreAttained(t *testing.T) {
	for name, at := range optimal {
		p, _ := Lookup(name)
		n, least := 2000, 0.998
		if len(p.Directions) == 3 {
			n, least = 60*60, 0.96 // a grid is coarse, and its boxes miss what is between
		} else if len(p.Directions) == 4 {
			n, least = 8*8*8, 0.6
		}
		var front [][]float64
		for i := range n {
			o := p.Trial(assignment(p, at(p, i, n)))
			if name == "c2dtlz2" && !Feasible(o) {
				continue // between the parts of its front
			}
			if len(o.Constraints) > 0 && slices.Max(o.Constraints) > 1e-3 { // OSY's corners have four digits
				t.Errorf("%s: point %d of the front breaks a constraint: %v", name, i, o.Constraints)
			}
			front = append(front, o.Values)
		}
		got := p.hypervolume(front) / p.Best
		if got < least || got > 1+1e-6 {
			t.Errorf("%s: the front has a share of %v", name, got)
		}
		beyond(t, p, front)
	}
}

// beyond looks for feasible points that add to a front: even draws, and draws
// near points of the front.
func beyond(t *testing.T, p Problem, front [][]float64) {
	t.Helper()
	sp, err := space.New(p.Knobs, nil)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	at := optimal[p.Name]
	all := slices.Clone(front)
	for i := range 1500 {
		a := sp.Assignment(sp.Random(rng))
		if i%2 == 0 && at != nil {
			x := at(p, rng.IntN(500), 500)
			for j, k := range p.Knobs {
				x[j] = min(max(x[j]+0.02*(k.Float[1]-k.Float[0])*rng.NormFloat64(), k.Float[0]), k.Float[1])
			}
			a = assignment(p, x)
		}
		if o := p.Trial(a); Feasible(o) {
			all = append(all, o.Values)
		}
	}
	if len(p.Directions) > 3 { // too many points for an exact hypervolume
		for _, v := range all {
			if norm(v) < 1-1e-9 {
				t.Errorf("%s: %v lies beyond the front", p.Name, v)
			}
		}
		return
	}
	keep := pareto.Front(all)
	best := make([][]float64, len(keep))
	for i, j := range keep {
		best[i] = all[j]
	}
	// OSY's ends are given to four digits.
	if share := p.hypervolume(best) / p.Best; share > 1+2e-4 {
		t.Errorf("%s: points beyond the front, share %v", p.Name, share)
	}
}

func norm(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

func assignment(p Problem, x []float64) study.Assignment {
	a := study.Assignment{}
	for i, k := range p.Knobs {
		a[k.Name] = study.Number(x[i])
	}
	return a
}

func TestDTLZ7WithThreeObjectives(t *testing.T) {
	p := DTLZ7(3, 4)
	var front [][]float64
	const side = 100
	for i := range side * side {
		o := p.Trial(assignment(p, []float64{float64(i%side) / (side - 1), float64(i/side) / (side - 1), 0, 0}))
		front = keepFront(front, o.Values)
	}
	if got := p.hypervolume(front) / p.Best; got < 0.99 || got > 1 {
		t.Errorf("the front has a share of %v", got)
	}
}

func TestSingleOptima(t *testing.T) {
	cases := []struct {
		p Problem
		x []float64
	}{
		{Branin(), []float64{-math.Pi, 12.275}},
		{Branin(), []float64{math.Pi, 2.275}},
		{Hartmann6(), []float64{0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573}},
		{Rosenbrock(4), []float64{1, 1, 1, 1}},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range cases {
		optimum := c.p.Reference[0] - c.p.Best
		o := c.p.Trial(assignment(c.p, c.x))
		if math.Abs(o.Values[0]-optimum) > 1e-5 {
			t.Errorf("%s is %v at its optimum, want %v", c.p.Name, o.Values[0], optimum)
		}
		sp, err := space.New(c.p.Knobs, nil)
		if err != nil {
			t.Fatal(err)
		}
		better := 0
		for range 4000 {
			switch o := c.p.Trial(sp.Assignment(sp.Random(rng))); {
			case o.Values[0] < optimum:
				t.Errorf("%s has %v, below its optimum", c.p.Name, o.Values[0])
			case o.Values[0] < c.p.Reference[0]:
				better++
			}
		}
		if better < 1600 || better > 2400 {
			t.Errorf("%s: %d of 4000 points are better than the reference, which should be about the median", c.p.Name, better)
		}
	}
}

// TestLayersFront compares the dynamic program with a visit of all levels of
// the first layers.
func TestLayersFront(t *testing.T) {
	const n = 6
	var two, three [][]float64
	point := make([]int, n)
	for i := range int(math.Pow(float64(levels), n)) {
		for j := range point {
			point[j] = i % levels
			i /= levels
		}
		damage, size, time := layersValues(point)
		two = keepFront(two, []float64{damage, float64(time)})
		three = keepFront(three, []float64{damage, float64(size), float64(time)})
	}
	size, time := layersWorst(n)
	for _, c := range []struct {
		got  float64
		want float64
	}{
		{layersVolume(n, false), pareto.Hypervolume(two, []float64{1, float64(time)})},
		{layersVolume(n, true), pareto.Hypervolume(three, []float64{1, float64(size), float64(time)})},
	} {
		if math.Abs(c.got-c.want) > 1e-9*c.want {
			t.Errorf("the dynamic program gives %v, all assignments %v", c.got, c.want)
		}
	}
}

func TestLayersConstant(t *testing.T) {
	if got := layersVolume(layerCount, true); math.Abs(got-layers3Best) > 1e-9*got {
		t.Errorf("the hypervolume of the front is %v, the constant %v", got, layers3Best)
	}
}

// TestConditionalFront visits all assignments: the constant is the hypervolume
// of the front, and without any one of the methods there would be less.
func TestConditionalFront(t *testing.T) {
	p := Conditional()
	methods := p.Knobs[0].Choice
	fronts := make([][][]float64, len(methods))
	for i := range methods {
		knobs := slices.Clone(p.Knobs)
		knobs[0].Choice = methods[i : i+1]
		fronts[i] = frontOf(knobs, conditionalValues)
	}
	if got := p.hypervolume(slices.Concat(fronts...)); math.Abs(got-conditionalBest) > 1e-9*got {
		t.Errorf("the hypervolume of the front is %v, the constant %v", got, conditionalBest)
	}
	for i := range methods {
		rest := slices.Concat(slices.Delete(slices.Clone(fronts), i, i+1)...)
		if share := p.hypervolume(rest) / p.Best; share > 0.999 {
			t.Errorf("without %s the share is still %v", methods[i], share)
		}
	}
}
