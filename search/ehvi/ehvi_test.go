package ehvi_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/ehvi"
	"github.com/fettle-edge/fettle/search/pareto"
)

type logarithm struct{}

func (logarithm) Forward(y float64) float64 { return math.Log(y) }
func (logarithm) Inverse(t float64) float64 { return math.Exp(t) }

// bend is steep below 0.4 and shallow above.
type bend struct{}

func (bend) Forward(y float64) float64 { return (y-0.4)*2 + math.Abs(y-0.4) }
func (bend) Inverse(t float64) float64 {
	if t < 0 {
		return 0.4 + t
	}
	return 0.4 + t/3
}

func phi(z float64) float64 { return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) }
func cdf(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// expect is the improvement for a single candidate.
func expect(im *ehvi.Improvement, mean, sd []float64) float64 {
	out := make([]float64, 1)
	im.Expect(columns(mean), columns(sd), out)
	return out[0]
}

func columns(x []float64) [][]float64 {
	out := make([][]float64, len(x))
	for m := range x {
		out[m] = x[m : m+1]
	}
	return out
}

func TestOneObjectiveIsExpectedImprovement(t *testing.T) {
	front, reference := [][]float64{{0.7}, {0.4}, {0.9}}, []float64{1}
	gaussian := ehvi.New(front, reference, make([]ehvi.Axis, 1))
	normal := ehvi.New(front, reference, []ehvi.Axis{{Scale: logarithm{}, Unit: 0.5}})
	for _, mean := range []float64{-3, -1, -0.2, 0, 0.39, 0.41, 1, 3} {
		for _, sd := range []float64{1e-6, 0.01, 0.1, 0.5} {
			z := (0.4 - mean) / sd
			want := sd * (z*cdf(z) + phi(z))
			if got := expect(gaussian, []float64{mean}, []float64{sd}); math.Abs(got-want) > 1e-6*want+1e-300 {
				t.Errorf("N(%g, %g²): %g, want %g", mean, sd, got, want)
			}
			// E max(0, a - exp(X)) as in Black and Scholes (1973).
			z = (math.Log(0.4) - mean) / sd
			want = 0.4*cdf(z) - math.Exp(mean+sd*sd/2)*cdf(z-sd)
			if got := expect(normal, []float64{mean}, []float64{sd}); math.Abs(got-want) > 0.02*want+1e-12 {
				t.Errorf("exp N(%g, %g²): %g, want %g", mean, sd, got, want)
			}
		}
		want := max(0, 0.4-mean)
		if got := expect(gaussian, []float64{mean}, []float64{0}); math.Abs(got-want) > 1e-15 {
			t.Errorf("exactly %g: %g, want %g", mean, got, want)
		}
		want = max(0, 0.4-math.Exp(mean))
		if got := expect(normal, []float64{mean}, []float64{0}); math.Abs(got-want) > 1e-15 {
			t.Errorf("exactly exp %g: %g, want %g", mean, got, want)
		}
	}
}

func TestTinyImprovementsKeepTheirOrder(t *testing.T) {
	im := ehvi.New([][]float64{{0, 0}}, []float64{1, 1}, make([]ehvi.Axis, 2))
	last := math.Inf(1)
	for mean := 1.5; mean < 2.6; mean += 0.1 { // up to 25 standard deviations off
		got := expect(im, []float64{mean, mean}, []float64{0.1, 0.1})
		if !(got < last && got > 0) {
			t.Fatalf("mean %g: improvement %g after %g", mean, got, last)
		}
		last = got
	}
}

// axesOf takes turns with the scales.
func axesOf(objectives, from int) []ehvi.Axis {
	all := []ehvi.Axis{{}, {Scale: logarithm{}, Unit: 0.5}, {Scale: bend{}, Unit: 0.5}}
	axes := make([]ehvi.Axis, objectives)
	for m := range axes {
		axes[m] = all[(m+from)%len(all)]
	}
	return axes
}

// TestAgainstMonteCarlo draws outcomes and measures by how much each one
// enlarges the hypervolume. Tolerance: 5 standard errors, and 1 % for the
// scales, which are linear between nodes.
func TestAgainstMonteCarlo(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 60 {
		objectives := 1 + i%4
		front := sphere(rng, 1+rng.IntN(12), objectives)
		for _, p := range front {
			for m := range p {
				p[m] = 0.05 + 0.9*p[m]
			}
		}
		reference := filled(objectives, 0.8+0.3*rng.Float64())
		axes := axesOf(objectives, rng.IntN(3))
		mean, sd := make([]float64, objectives), make([]float64, objectives)
		for m := range mean {
			mean[m], sd[m] = rng.Float64(), 0.02+0.3*rng.Float64()
			if axes[m].Scale != nil {
				mean[m] = axes[m].Scale.Forward(mean[m])
			}
			if rng.IntN(4) == 0 {
				sd[m] = 0
			}
		}
		im := ehvi.New(front, reference, axes)
		if !im.Exact() {
			t.Fatalf("%d points in %d objectives are not exact", len(front), objectives)
		}
		want, stderr := sampled(rng, front, reference, axes, mean, sd)
		if got := expect(im, mean, sd); math.Abs(got-want) > 5*stderr+0.01*want+1e-6 {
			t.Errorf("front %v, reference %v, axes %v, mean %v, sd %v: %g, Monte Carlo %g ± %g", front, reference, axes, mean, sd, got, want, stderr)
		}
	}
}

func sampled(rng *rand.Rand, front [][]float64, reference []float64, axes []ehvi.Axis, mean, sd []float64) (average, stderr float64) {
	const draws = 4000
	base := pareto.Hypervolume(front, reference)
	sum, squares := 0.0, 0.0
	for range draws {
		y := make([]float64, len(mean))
		for m := range y {
			y[m] = mean[m] + sd[m]*rng.NormFloat64()
			if s := axes[m].Scale; s != nil {
				y[m] = s.Inverse(y[m])
			}
		}
		gain := pareto.Hypervolume(append(slices.Clone(front), y), reference) - base
		sum += gain
		squares += gain * gain
	}
	average = sum / draws
	return average, math.Sqrt(max(0, squares/draws-average*average) / draws)
}

// TestThinnedFollowsTheExactValue compares what stands in for too many boxes
// with the sum over all boxes: over candidates near the front, the mean error
// and the loss of taking its best for the best.
func TestThinnedFollowsTheExactValue(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, objectives := range []int{4, 5} {
		// Enough to be sampled, few enough to be summed by hand.
		front := sphere(rng, map[int]int{4: 200, 5: 90}[objectives], objectives)
		reference := filled(objectives, 1.1)
		im := ehvi.New(front, reference, make([]ehvi.Axis, objectives))
		if im.Exact() {
			t.Fatalf("%d points in %d objectives are exact", len(front), objectives)
		}
		boxes := ehvi.Decompose(front, reference)
		var got, want []float64
		for _, p := range sphere(rng, 40, objectives) {
			sd := filled(objectives, 0.02+0.2*rng.Float64())
			got = append(got, expect(im, p, sd))
			want = append(want, summed(boxes, p, sd))
		}
		off := 0.0
		for i := range got {
			off += math.Abs(got[i]-want[i]) / want[i] / float64(len(got))
		}
		best := slices.IndexFunc(got, func(x float64) bool { return x == slices.Max(got) })
		lost := 1 - want[best]/slices.Max(want)
		t.Logf("%d objectives, %d boxes: mean error %.3f, loss of the best %.3f", objectives, len(boxes), off, lost)
		if off > 0.4 || lost > 0.05 {
			t.Errorf("%d objectives: mean error %.3f, loss of the best %.3f", objectives, off, lost)
		}
	}
}

func summed(boxes []ehvi.Box, mean, sd []float64) float64 {
	psi := func(a float64, m int) float64 {
		if math.IsInf(a, -1) {
			return 0
		}
		z := (a - mean[m]) / sd[m]
		return sd[m] * (z*cdf(z) + phi(z))
	}
	total := 0.0
	for _, b := range boxes {
		v := 1.0
		for m := range b.Low {
			v *= psi(b.High[m], m) - psi(b.Low[m], m)
		}
		total += v
	}
	return total
}

func TestImprovementOfDegenerateFronts(t *testing.T) {
	axes := make([]ehvi.Axis, 2)
	reference := []float64{1, 1}
	mean, sd := []float64{0.2, 0.3}, []float64{0.1, 0}
	want := expect(ehvi.New(nil, reference, axes), mean, sd)
	if math.Abs(want-0.8*0.7) > 1e-9 { // far below the reference: the box to it
		t.Errorf("without a front: %v", want)
	}
	for _, front := range [][][]float64{{{2, 0}}, {{0, 1}}, {{math.NaN(), 0}}} {
		if got := expect(ehvi.New(front, reference, axes), mean, sd); got != want {
			t.Errorf("front %v beyond the reference: %v, want %v", front, got, want)
		}
	}
	once := expect(ehvi.New([][]float64{{0.4, 0.1}}, reference, axes), mean, sd)
	twice := expect(ehvi.New([][]float64{{0.4, 0.1}, {0.5, 0.2}, {0.4, 0.1}}, reference, axes), mean, sd)
	if once != twice || !(once < want) {
		t.Errorf("with a point %v, with it twice %v, without %v", once, twice, want)
	}
	if got := expect(ehvi.New([][]float64{{0, 0}}, reference, axes), []float64{1, 1}, []float64{0, 0}); got != 0 {
		t.Errorf("a known dominated value improves by %v", got)
	}
}

// BenchmarkExpect is a batch of 500 candidates.
func BenchmarkExpect(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, objectives := range []int{2, 3, 4} {
		for _, n := range []int{20, 80} {
			im := ehvi.New(sphere(rng, n, objectives), filled(objectives, 1.1), axesOf(objectives, 0))
			mean, sd := make([][]float64, objectives), make([][]float64, objectives)
			for m := range mean {
				for range 500 {
					mean[m], sd[m] = append(mean[m], rng.NormFloat64()), append(sd[m], 0.1+rng.Float64())
				}
			}
			out := make([]float64, 500)
			b.Run(fmt.Sprintf("%d-objectives/%d-points", objectives, n), func(b *testing.B) {
				for b.Loop() {
					im.Expect(mean, sd, out)
				}
			})
		}
	}
}

// BenchmarkNew is the preparation, with the front's boxes.
func BenchmarkNew(b *testing.B) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, objectives := range []int{2, 3, 4} {
		front := sphere(rng, 80, objectives)
		slices.SortFunc(front, func(p, q []float64) int { return cmp.Compare(p[0], q[0]) })
		b.Run(fmt.Sprintf("%d-objectives", objectives), func(b *testing.B) {
			for b.Loop() {
				ehvi.New(front, filled(objectives, 1.1), axesOf(objectives, 0))
			}
		})
	}
}
