package fidelity

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestForecastNeedsTrials(t *testing.T) {
	x, y := [][]float64{}, []float64{}
	for i := range minForecast {
		if NewForecast(x, y) != nil {
			t.Fatalf("a forecast from %d trials", i)
		}
		x, y = append(x, []float64{float64(i)}), append(y, float64(i+1))
	}
	if NewForecast(x, y) == nil {
		t.Error("no forecast from enough trials")
	}
	if NewForecast(make([][]float64, minForecast), y) != nil {
		t.Error("a forecast without a feature")
	}
}

// linear makes costs exp(w·x + noise).
func linear(rng *rand.Rand, n int, noise float64) (x [][]float64, y []float64) {
	for range n {
		row := []float64{rng.NormFloat64(), 3 + 0.1*rng.NormFloat64(), float64(rng.IntN(2)), 7}
		x = append(x, row)
		y = append(y, math.Exp(-8+0.5*row[0]-2*row[1]+0.3*row[2]+noise*rng.NormFloat64()))
	}
	return x, y
}

func TestForecastFindsTheRelation(t *testing.T) {
	x, y := linear(rand.New(rand.NewPCG(3, 1)), 400, 0)
	f := NewForecast(x, y)
	low, value, high := f.Interval([]float64{1, 3.1, 1, 7}, 0.01)
	want := math.Exp(-8 + 0.5 - 6.2 + 0.3)
	near(t, "forecast", value/want, 1, 0.01)
	if !(low < want && want < high && low > 0.97*want && high < 1.03*want) {
		t.Errorf("from %v to %v, true is %v", low, high, want)
	}
	unseen, _, _ := f.Interval([]float64{1, 3.1, 1, 9}, 0.01) // the last feature never varied
	near(t, "a feature that was constant", unseen, low, 1e-12)
}

// TestForecastLeavesOneOut holds the closed form of the leave-one-out errors
// against fits without the trial.
func TestForecastLeavesOneOut(t *testing.T) {
	x, y := linear(rand.New(rand.NewPCG(4, 1)), 20, 0.2)
	f := NewForecast(x, y)
	f.standardise(x)
	logs := make([]float64, len(y))
	for i := range y {
		logs[i] = math.Log(y[i])
	}
	// Centred data are those of a regression with a free constant, so the fit
	// without trial i is centred anew, in the units of all.
	sum := 0.0
	for i := range y {
		var rows [][]float64
		var left []float64
		for j := range y {
			if j != i {
				rows, left = append(rows, f.standard(x[j])), append(left, logs[j])
			}
		}
		mean, centre := total(left)/float64(len(left)), means(rows)
		w := solve(rows, left, centre, mean, penaltyOf(f, x, logs))
		predicted := mean
		for j, z := range f.standard(x[i]) {
			predicted += w[j] * (z - centre[j])
		}
		sum += square(logs[i] - predicted)
	}
	near(t, "leave-one-out error", f.error, math.Sqrt(sum/float64(len(y))), 1e-9)
}

// penaltyOf finds the penalty that f was made with.
func penaltyOf(f *Forecast, x [][]float64, y []float64) float64 {
	centred := make([]float64, len(y))
	for i := range y {
		centred[i] = y[i] - f.mean
	}
	z := f.standardise(x)
	for _, penalty := range penalties {
		if _, _, e, _ := ridge(z, centred, penalty); e == f.error {
			return penalty
		}
	}
	return math.NaN()
}

// solve is ridge regression by coordinate descent, as a second way.
func solve(x [][]float64, y, centre []float64, mean, penalty float64) []float64 {
	w := make([]float64, len(centre))
	for range 500 {
		for j := range w {
			up, down := 0.0, penalty
			for i, row := range x {
				rest := y[i] - mean
				for k := range w {
					if k != j {
						rest -= w[k] * (row[k] - centre[k])
					}
				}
				up += rest * (row[j] - centre[j])
				down += square(row[j] - centre[j])
			}
			w[j] = up / down
		}
	}
	return w
}

func TestForecastCovers(t *testing.T) {
	const runs, stated = 2000, 0.05
	rng := rand.New(rand.NewPCG(5, 1))
	below, above := 0, 0
	for range runs {
		x, y := linear(rng, minForecast+rng.IntN(30), 0.2)
		last := len(y) - 1
		f := NewForecast(x[:last], y[:last])
		if f == nil {
			continue
		}
		low, _, high := f.Interval(x[last], stated)
		if y[last] < low {
			below++
		}
		if y[last] > high {
			above++
		}
	}
	for side, n := range map[string]int{"below": below, "above": above} {
		if share := float64(n) / runs; share > stated+0.015 {
			t.Errorf("%.3f of the costs are %s, stated is %.3f", share, side, stated)
		}
	}
}

func TestForecastOfCostsThatAreNotPositive(t *testing.T) {
	var x [][]float64
	var y []float64
	for i := range 20 {
		x, y = append(x, []float64{float64(i)}), append(y, float64(i)-10)
	}
	low, value, high := NewForecast(x, y).Interval([]float64{5}, 0.01)
	if !(low < -5 && -5 < high) || math.Abs(value+5) > 0.5 {
		t.Errorf("%v in %v to %v, true is -5", value, low, high)
	}
}
