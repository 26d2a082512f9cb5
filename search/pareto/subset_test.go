package pareto_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/pareto"
)

// TestSubsetIsGreedy works out every gain anew at every step.
func TestSubsetIsGreedy(t *testing.T) {
	each(t, 20, func(t *testing.T, points [][]float64, objectives int) {
		reference := ones(objectives)
		got := pareto.Subset(points, 7, reference)
		if len(got) != min(7, len(points)) {
			t.Fatalf("%d of %d points chosen", len(got), len(points))
		}
		var set [][]float64
		for step, i := range got {
			before := pareto.Hypervolume(set, reference)
			gain := func(j int) float64 {
				return pareto.Hypervolume(append(slices.Clone(set), points[j]), reference) - before
			}
			if slices.Contains(got[:step], i) {
				t.Fatalf("point %d is chosen twice: %v", i, got)
			}
			for j := range points {
				if !slices.Contains(got[:step], j) && gain(j) > gain(i)+1e-9 {
					t.Fatalf("step %d of %v chooses %v, which adds %v; %v adds %v", step, points, points[i], gain(i), points[j], gain(j))
				}
			}
			set = append(set, points[i])
		}
	})
}

func TestSubsetOfOddPoints(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	points := [][]float64{{nan, 0}, {2, 2}, {0.5, 0.5}, {inf, 0}, {0.5, 0.5}, {0, 0.9}}
	if got, want := pareto.Subset(points, 2, []float64{1, 1}), []int{2, 5}; !slices.Equal(got, want) {
		t.Errorf("subset %v, want %v", got, want)
	}
	if got, want := pareto.Subset(points, 10, []float64{1, 1}), []int{2, 5, 0, 1, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("all points come as %v, want %v", got, want)
	}
	if got := pareto.Subset(nil, 3, []float64{1}); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}

func TestCrowding(t *testing.T) {
	inf := math.Inf(1)
	cases := []struct {
		points [][]float64
		want   []float64
	}{
		{nil, []float64{}},
		{[][]float64{{1, 2}}, []float64{inf}},
		{[][]float64{{0, 8}, {4, 0}, {1, 4}, {2, 2}}, []float64{inf, inf, 2.0/4 + 6.0/8, 3.0/4 + 4.0/8}},
		{[][]float64{{0, 1}, {0, 1}, {0, 1}}, []float64{inf, 0, inf}},
		{[][]float64{{-1e308, 1e308}, {0, 0}, {1e308, -1e308}}, []float64{inf, 2, inf}},
	}
	for _, c := range cases {
		if got := pareto.Crowding(c.points); !slices.Equal(got, c.want) {
			t.Errorf("crowding of %v is %v, want %v", c.points, got, c.want)
		}
	}
}

// TestRanksOfOneFront: no point of a simplex dominates another, which is the
// most work.
func TestRanksOfOneFront(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, objectives := range []int{2, 3, 4} {
		points := make([][]float64, 3000)
		for i := range points {
			points[i] = make([]float64, objectives)
			sum := 0.0
			for m := range points[i] {
				points[i][m] = rng.Float64()
				sum += points[i][m]
			}
			for m := range points[i] {
				points[i][m] /= sum // on a simplex: no point dominates another
			}
		}
		if got := pareto.Ranks(points); slices.Max(got) != 0 {
			t.Errorf("%d objectives: points of a simplex have ranks up to %d", objectives, slices.Max(got))
		}
	}
}
