package ehvi_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/pareto"
)

// cloud draws points on a coarse grid, so that ties and duplicates are common;
// some lie beyond a reference of 1.
func cloud(rng *rand.Rand, n, objectives int) [][]float64 {
	points := make([][]float64, n)
	for i := range points {
		points[i] = make([]float64, objectives)
		for m := range points[i] {
			points[i][m] = float64(rng.IntN(10)) / 8
		}
	}
	return points
}

// sphere draws points that are all on one front: the octant of a sphere.
func sphere(rng *rand.Rand, n, objectives int) [][]float64 {
	points := make([][]float64, n)
	for i := range points {
		p, square := make([]float64, objectives), 0.0
		for m := range p {
			p[m] = math.Abs(rng.NormFloat64())
			square += p[m] * p[m]
		}
		for m := range p {
			p[m] = 1 - p[m]/math.Sqrt(square)
		}
		points[i] = p
	}
	return points
}

func filled(n int, x float64) []float64 { return slices.Repeat([]float64{x}, n) }

// volume is the volume of boxes above a floor.
func volume(boxes []ehvi.Box, floor float64) float64 {
	total := 0.0
	for _, b := range boxes {
		v := 1.0
		for m, low := range b.Low {
			v *= max(0, b.High[m]-max(low, floor))
		}
		total += v
	}
	return total
}

func TestBoxesFillWhatIsNotDominated(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		objectives := 1 + i%5
		points := cloud(rng, rng.IntN(25), objectives)
		if i%2 == 1 {
			points = sphere(rng, rng.IntN(25), objectives)
		}
		reference := filled(objectives, 1)
		boxes := ehvi.Decompose(points, reference)
		const floor = -0.5
		want := math.Pow(1-floor, float64(objectives)) - pareto.Hypervolume(points, reference)
		if got := volume(boxes, floor); math.Abs(got-want) > 1e-9 {
			t.Errorf("%d objectives, %v: volume %v, want %v", objectives, points, got, want)
		}
		for range 50 {
			x := make([]float64, objectives)
			for m := range x {
				x[m] = -0.5 + 1.6*rng.Float64()
			}
			holds := 0
			for _, b := range boxes {
				if within(x, b) {
					holds++
				}
			}
			want := 1
			if slices.ContainsFunc(append(points, reference), func(p []float64) bool { return below(p, x) || slices.Equal(p, reference) && !below(x, p) }) {
				want = 0
			}
			if holds != want {
				t.Errorf("%v is in %d boxes of the front %v, want %d", x, holds, points, want)
			}
		}
	}
}

// below reports whether a is nowhere above b.
func below(a, b []float64) bool {
	for m := range a {
		if a[m] > b[m] {
			return false
		}
	}
	return true
}

func within(x []float64, b ehvi.Box) bool {
	for m := range x {
		if !(b.Low[m] <= x[m] && x[m] < b.High[m]) {
			return false
		}
	}
	return true
}

func TestNumberOfBoxes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 10, 100} {
		for objectives, most := range map[int]int{1: 1, 2: n + 1, 3: 2*n + 1, 4: ehvi.MaxBoxes} {
			if got := len(ehvi.Decompose(sphere(rng, n, objectives), filled(objectives, 1.1))); got > most {
				t.Errorf("%d points in %d objectives: %d boxes, want at most %d", n, objectives, got, most)
			}
		}
	}
}

func TestBoxesOfDegenerateFronts(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	reference := []float64{1, 1, 1}
	whole := []ehvi.Box{{Low: filled(3, -inf), High: reference}}
	for name, front := range map[string][][]float64{
		"none":                 nil,
		"on the reference":     {{1, 0, 0}, {0, 0, 1}},
		"beyond the reference": {{2, 0, 0}, {0, 5, 0}},
		"not finite":           {{nan, 0, 0}, {0, -inf, 0}, {inf, 0, 0}},
		"too short":            {{0, 0}},
	} {
		got := ehvi.Decompose(front, reference)
		if len(got) != 1 || !slices.Equal(got[0].Low, whole[0].Low) || !slices.Equal(got[0].High, reference) {
			t.Errorf("%s: boxes %v, want %v", name, got, whole)
		}
	}
	if got := ehvi.Decompose([][]float64{{}}, nil); len(got) != 0 {
		t.Errorf("no objectives: boxes %v", got)
	}
	one := ehvi.Decompose([][]float64{{0.5, 0.5, 0.5}}, reference)
	many := ehvi.Decompose(slices.Repeat([][]float64{{0.5, 0.5, 0.5}, {0.5, 0.75, 0.5}}, 3), reference)
	if len(one) != len(many) {
		t.Errorf("duplicates and dominated points make %d boxes of %d", len(many), len(one))
	}
}
