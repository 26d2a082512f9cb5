package fidelity

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestExtrapolateWithoutPast(t *testing.T) {
	e := NewProfile(nil, 8).Extrapolate([]float64{2, 4})
	near(t, "mean", e.Mean, 3, 0)
	// What is left may be 0, so the mean is at least 6/8, and that is certain.
	near(t, "lower end", e.Lower(1e-12), 0.75, 0)
	if few := NewProfile([][]float64{{1, 2, 3, 4}, {1, 2, 3, 4}}, 4).Extrapolate([]float64{2, 4}); !math.IsInf(few.Error, 1) {
		t.Errorf("an error of %v from two past trials", few.Error)
	}
	none := NewProfile(nil, 4).Extrapolate(nil)
	if !math.IsNaN(none.Mean) || none.Lower(0.01) != 0 {
		t.Errorf("of nothing: %+v", none)
	}
}

func TestExtrapolateIsExactInTheEnd(t *testing.T) {
	e := NewProfile([][]float64{{1, 1, 1}, {2, 1, 3}, {5, 1, 1}}, 3).Extrapolate([]float64{1, 2, 6})
	near(t, "mean", e.Mean, 3, 0)
	near(t, "lower end", e.Lower(1e-9), 3, 0)
}

// TestExtrapolateOfOneShape: all trials have the same profile, so the first
// chunk says it all, but for the scatter that is assumed at least.
func TestExtrapolateOfOneShape(t *testing.T) {
	past := [][]float64{{1, 3, 2}, {10, 30, 20}, {0.1, 0.3, 0.2}}
	e := NewProfile(past, 3).Extrapolate([]float64{4})
	near(t, "mean", e.Mean, 8, 1e-12)
	near(t, "error", e.Error, unlike*math.Sqrt(leastScatter*shrink/(shrink+3)*(1+1.0/3))/0.5, 1e-12)
}

// TestExtrapolateByHand checks the formulas with numbers worked out by hand.
// Four past trials have the shapes (0.5 1.5), (1.5 0.5) twice each, so the
// profile is (1 1) and the variance of each chunk 4·0.25/3.
func TestExtrapolateByHand(t *testing.T) {
	p := NewProfile([][]float64{{1, 3}, {3, 1}, {1, 3}, {3, 1}}, 2)
	e := p.Extrapolate([]float64{5})
	near(t, "mean", e.Mean, 5, 1e-12)
	near(t, "floor", e.Floor, 2.5, 0)
	near(t, "freedom", e.Freedom, prior, 0)
	// One chunk fits any mean, so the usual variance is all there is.
	near(t, "error", e.Error, unlike*math.Sqrt(1.0/3*1.25), 1e-12)
	// A past trial with 0.5 in the first chunk is extrapolated by the others'
	// profile, which is 3.5/3 there; one with 1.5 by 2.5/3.
	near(t, "failures", p.failures(1), (square(0.5*3/3.5-1)+square(1.5*3/2.5-1))/2, 1e-12)
	near(t, "lower end", e.Lower(0.25), 5/(1+0.740697*e.Error), 1e-5) // t(4) = 0.7407
	near(t, "an end that cannot be", e.Lower(0.001), 2.5, 0)
	near(t, "half", e.Lower(0.5), 5, 1e-9)
}

// TestExtrapolateWeighsChunks: past trials differ in the second chunk, which
// the third balances, so the first says most of the mean, and one that does not
// fit is less certain. The solution is worked out by hand for two of three
// chunks: with profile (1 1), variances a and b and no covariance, the weights
// are 1/a and 1/b.
func TestExtrapolateWeighsChunks(t *testing.T) {
	past := [][]float64{{1, 1.5, 0.5}, {1, 0.5, 1.5}, {1, 1.5, 0.5}, {1, 0.5, 1.5}}
	p := NewProfile(past, 3)
	even := shrink / (shrink + 4.0) * (2 * 1.0 / 3) / 3
	a, b := even*1.25, (even+4/(shrink+4.0)/3)*1.25
	for _, test := range []struct{ first, second float64 }{{2, 2}, {2, 3}, {3, 2}} {
		e := p.Extrapolate([]float64{test.first, test.second})
		mean := (test.first/a + test.second/b) / (1/a + 1/b)
		near(t, "mean", e.Mean, mean, 1e-12)
		misfit := square(test.first/mean-1)/a + square(test.second/mean-1)/b
		factor := (prior + misfit) / (prior + 1)
		near(t, "error", e.Error, unlike*math.Sqrt(factor/(1/a+1/b)), 1e-12)
	}
}

// TestFailuresLeaveOut holds the short cut against profiles without the trial.
func TestFailuresLeaveOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	past := make([][]float64, 7)
	for i := range past {
		for range 5 {
			past[i] = append(past[i], 1+rng.Float64())
		}
	}
	p := NewProfile(past, 5)
	for c := 1; c < 5; c++ {
		sum := 0.0
		for i, row := range past {
			others := NewProfile(append(append([][]float64{}, past[:i]...), past[i+1:]...), 5)
			sum += square(others.Extrapolate(row[:c]).Mean/(total(row)/5)-1) / 7
		}
		near(t, "failures", p.failures(c), sum, 1e-12)
	}
}

func TestExtrapolateLeavesOutWhatCannotServe(t *testing.T) {
	good := [][]float64{{1, 3, 2}, {10, 30, 20}, {2, 6, 4}}
	bad := append([][]float64{{1, 2}, {0, 0, 0}, nil}, good...)
	if got, want := NewProfile(bad, 3).Extrapolate([]float64{4}), NewProfile(good, 3).Extrapolate([]float64{4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	zero := NewProfile(good, 3).Extrapolate([]float64{0})
	near(t, "lower end of nothing so far", zero.Lower(0.01), 0, 0)
	start := NewProfile([][]float64{{0, 1, 1}, {0, 2, 1}, {0, 1, 3}}, 3).Extrapolate([]float64{4})
	near(t, "lower end where the profile begins with 0", start.Lower(0.01), 4.0/3, 1e-12)
}

// TestExtrapolateCovers simulates trials whose scatter differs from trial to
// trial: over all looks the lower end passes the truth no more often than is
// stated, and it is no empty statement.
func TestExtrapolateCovers(t *testing.T) {
	const chunks, trials, stated = 24, 800, 0.05
	looks := Looks(chunks)
	rng := rand.New(rand.NewPCG(1, 2))
	profile := make([]float64, chunks)
	for j := range profile {
		profile[j] = math.Exp(0.3 * rng.NormFloat64())
	}
	draw := func() []float64 {
		level, scatter := math.Exp(2*rng.NormFloat64()), 0.1*math.Exp(0.3*rng.NormFloat64())
		row := make([]float64, chunks)
		for j := range row {
			row[j] = level * profile[j] * math.Exp(scatter*rng.NormFloat64())
		}
		return row
	}
	wrong, tight := 0, 0
	for range trials {
		past := make([][]float64, 3+rng.IntN(20))
		for i := range past {
			past[i] = draw()
		}
		row := draw()
		truth := total(row) / chunks
		passed, p := false, NewProfile(past, chunks)
		for _, c := range looks[:len(looks)-1] {
			low := p.Extrapolate(row[:c]).Lower(stated / float64(len(looks)-1))
			passed = passed || low > truth
			if c == 6 && low > 0.7*truth {
				tight++
			}
		}
		if passed {
			wrong++
		}
	}
	if share := float64(wrong) / trials; share > stated {
		t.Errorf("the lower end passes the truth in %.3f of the trials, stated is %.3f", share, stated)
	}
	if share := float64(tight) / trials; share < 0.9 {
		t.Errorf("after 6 chunks only %.2f of the lower ends are above 0.7 of the truth", share)
	}
}
