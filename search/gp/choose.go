package gp

import (
	"cmp"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// preference is what the identity is given in rank correlation: costs add up
// over layers, and so does the kernel.
const preference = 0.03

// ChooseWarp returns the warp of the values under which a Gaussian process
// ranks left-out points best, and the hyperparameters fitted under it from
// start with at most the given number of iterations. What counts is Spearman's
// correlation between the values and the left-out means, over all points plus
// over the better half. It fails as Fit does.
func ChooseWarp(dims []Dim, features int, d Data, start Hyper, iterations int) (Warp, Hyper, error) {
	if err := check(dims, features, d); err != nil {
		return Warp{}, Hyper{}, err
	}
	var best Warp
	var hyper Hyper
	score, found := 0.0, false
	for _, kind := range []Kind{Identity, Log, Rank} {
		w := NewWarp(kind, d.Y)
		if w.Kind() != kind { // does not apply
			continue
		}
		warped := w.Apply(d)
		h, err := Fit(dims, features, warped, start, iterations)
		if err != nil {
			return Warp{}, Hyper{}, err
		}
		p, err := New(dims, features, warped, h)
		if err != nil {
			return Warp{}, Hyper{}, err
		}
		mean, _ := p.LeaveOneOut()
		s := agreement(mean, warped.Y)
		if kind == Identity {
			s += preference
		}
		if !found || s > score {
			best, hyper, score, found = w, h, s, true
		}
	}
	return best, hyper, nil
}

// agreement is Spearman's correlation of predictions with values, plus that
// over the lower half of the values.
func agreement(predicted, y []float64) float64 {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(y[i], y[j]) })
	order = order[:min(len(y), max(6, len(y)/2))]
	low, lowPredicted := make([]float64, len(order)), make([]float64, len(order))
	for k, i := range order {
		low[k], lowPredicted[k] = y[i], predicted[i]
	}
	return spearman(predicted, y) + spearman(lowPredicted, low)
}

// spearman is the rank correlation, 0 where one side is constant.
func spearman(a, b []float64) float64 {
	ra, rb := meanRanks(a), meanRanks(b)
	if slices.Min(ra) == slices.Max(ra) || slices.Min(rb) == slices.Max(rb) {
		return 0
	}
	return stat.Correlation(ra, rb, nil)
}

// meanRanks returns the rank of each value; equal values share the mean.
func meanRanks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(v[i], v[j]) })
	out := make([]float64, len(v))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && v[order[to]] == v[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return out
}
