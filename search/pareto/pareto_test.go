package pareto_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// cloud draws points on a coarse grid, so that ties and duplicates are common.
func cloud(rng *rand.Rand, n, objectives int) [][]float64 {
	points := make([][]float64, n)
	for i := range points {
		points[i] = make([]float64, objectives)
		for m := range points[i] {
			points[i][m] = float64(rng.IntN(8)) / 8
		}
	}
	return points
}

// each calls check for many clouds of all sizes.
func each(t *testing.T, most int, check func(t *testing.T, points [][]float64, objectives int)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		objectives := 1 + i%4
		points := cloud(rng, rng.IntN(most+1), objectives)
		t.Run(fmt.Sprint(i), func(t *testing.T) { check(t, points, objectives) })
	}
}

func ones(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

func TestRanksPeelFronts(t *testing.T) {
	each(t, 40, func(t *testing.T, points [][]float64, _ int) {
		want := make([]int, len(points))
		left := make([]int, len(points))
		for i := range left {
			left[i] = i
		}
		for rank := 0; len(left) > 0; rank++ {
			var rest []int
			for _, i := range left {
				if slices.ContainsFunc(left, func(j int) bool { return worse(points[i], points[j]) }) {
					rest = append(rest, i)
				} else {
					want[i] = rank
				}
			}
			left = rest
		}
		if got := pareto.Ranks(points); !slices.Equal(got, want) {
			t.Errorf("ranks of %v are %v, want %v", points, got, want)
		}
		var front []int
		for i, r := range want {
			if r == 0 {
				front = append(front, i)
			}
		}
		if got := pareto.Front(points); !slices.Equal(got, front) {
			t.Errorf("front of %v is %v, want %v", points, got, front)
		}
	})
}

// worse is dominance by its definition: b at least as good throughout, and
// not equal.
func worse(a, b []float64) bool {
	for m := range a {
		if b[m] > a[m] {
			return false
		}
	}
	return !slices.Equal(a, b)
}

func TestNaNIsNeverOnAFront(t *testing.T) {
	nan := math.NaN()
	points := [][]float64{{1, 2}, {nan, 0}, {0, nan}, {2, 1}, {3, 3}, {1, 2}, {math.Inf(1), 0}}
	if got, want := pareto.Front(points), []int{0, 3, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("front %v, want %v", got, want)
	}
	if got, want := pareto.Ranks(points), []int{0, 2, 2, 0, 1, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("ranks %v, want %v", got, want)
	}
	if got := pareto.Ranks([][]float64{{nan}, {nan}}); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("ranks of NaNs alone are %v", got)
	}
	if pareto.Dominates([]float64{1}, []float64{2, 3}) || pareto.Dominates([]float64{1, 1}, []float64{nan, 2}) {
		t.Error("points that cannot be compared dominate")
	}
	if got := pareto.Hypervolume(points, []float64{4, 4}); got != pareto.Hypervolume([][]float64{{1, 2}, {2, 1}}, []float64{4, 4}) {
		t.Errorf("points that are not finite change the hypervolume to %v", got)
	}
	if i, ok := pareto.Knee(points); !ok || i != 0 {
		t.Errorf("knee %d, %v", i, ok)
	}
	if _, ok := pareto.Knee([][]float64{{nan, 1}}); ok {
		t.Error("a NaN is a knee")
	}
}

func TestHypervolumeIsInclusionExclusion(t *testing.T) {
	each(t, 9, func(t *testing.T, points [][]float64, objectives int) {
		want := 0.0
		for set := 1; set < 1<<len(points); set++ {
			corner, sign := make([]float64, objectives), -1.0
			for i, p := range points {
				if set>>i&1 == 0 {
					continue
				}
				sign = -sign
				for m := range corner {
					corner[m] = max(corner[m], p[m])
				}
			}
			box := sign
			for _, x := range corner {
				box *= 1 - x
			}
			want += box
		}
		if got := pareto.Hypervolume(points, ones(objectives)); math.Abs(got-want) > 1e-9 {
			t.Errorf("hypervolume of %v is %v, want %v", points, got, want)
		}
	})
}

func TestHypervolumeAgainstMonteCarlo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, objectives := range []int{2, 3, 4} {
		points := cloud(rng, 30, objectives)
		const draws = 200_000
		hits := 0
		x := make([]float64, objectives)
		for range draws {
			for m := range x {
				x[m] = rng.Float64()
			}
			if slices.ContainsFunc(points, func(p []float64) bool { return pareto.Dominates(p, x) }) {
				hits++
			}
		}
		share := float64(hits) / draws
		tolerance := 5 * math.Sqrt(share*(1-share)/draws)
		if got := pareto.Hypervolume(points, ones(objectives)); math.Abs(got-share) > tolerance {
			t.Errorf("%d objectives: hypervolume %v, Monte Carlo %v ± %v", objectives, got, share, tolerance)
		}
	}
}

func TestContributionsAreWhatIsLost(t *testing.T) {
	each(t, 25, func(t *testing.T, points [][]float64, objectives int) {
		reference := ones(objectives)
		all := pareto.Hypervolume(points, reference)
		for i, got := range pareto.Contributions(points, reference) {
			want := all - pareto.Hypervolume(slices.Concat(points[:i:i], points[i+1:]), reference)
			if math.Abs(got-want) > 1e-9 {
				t.Errorf("point %d of %v contributes %v, want %v", i, points, got, want)
			}
		}
	})
}

func TestHypervolumeOfNothing(t *testing.T) {
	if got := pareto.Hypervolume(nil, []float64{1, 1}); got != 0 {
		t.Errorf("no points: %v", got)
	}
	if got := pareto.Hypervolume([][]float64{{1, 0}, {2, 2}, {0}}, []float64{1, 1}); got != 0 {
		t.Errorf("points that are not better than the reference: %v", got)
	}
	if got := pareto.Hypervolume([][]float64{{}}, nil); got != 0 {
		t.Errorf("no objectives: %v", got)
	}
}

func TestOrient(t *testing.T) {
	in := []float64{1, 2, 3}
	got := pareto.Orient(in, []study.Direction{study.Min, study.Max})
	if !slices.Equal(got, []float64{1, -2, 3}) || in[1] != 2 {
		t.Errorf("oriented %v, input now %v", got, in)
	}
}

func TestKnee(t *testing.T) {
	cases := []struct {
		name   string
		points [][]float64
		want   int
	}{
		{"bend", [][]float64{{0, 10}, {1, 2}, {10, 0}, {5, 1}}, 1},
		{"scale does not matter", [][]float64{{0, 1e9}, {1e-9, 2e8}, {1e-8, 0}, {5e-9, 1e8}}, 1},
		{"dominated bend", [][]float64{{0, 10}, {1, 2}, {1, 1.5}, {10, 0}}, 2},
		{"one point", [][]float64{{3, 3}}, 0},
		{"a line has no bend: first wins", [][]float64{{0, 2}, {1, 1}, {2, 0}}, 0},
		{"constant objective", [][]float64{{1, 5}, {0, 5}}, 1},
		{"three objectives", [][]float64{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {0.2, 0.2, 0.2}}, 3},
		{"range beyond float64", [][]float64{{-1e308, 1e308}, {1e308, -1e308}, {-0.9e308, -0.9e308}}, 2},
	}
	for _, c := range cases {
		if got, ok := pareto.Knee(c.points); !ok || got != c.want {
			t.Errorf("%s: knee %d, %v; want %d", c.name, got, ok, c.want)
		}
	}
	if _, ok := pareto.Knee(nil); ok {
		t.Error("no points have a knee")
	}
}

func BenchmarkContributions(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{40, 300, 1000} {
		points := make([][]float64, n) // all on one front: the octant of a sphere
		for i := range points {
			x, y, z := math.Abs(rng.NormFloat64()), math.Abs(rng.NormFloat64()), math.Abs(rng.NormFloat64())
			r := math.Sqrt(x*x + y*y + z*z)
			points[i] = []float64{1 - x/r, 1 - y/r, 1 - z/r}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				pareto.Contributions(points, []float64{1.1, 1.1, 1.1})
			}
		})
	}
}
