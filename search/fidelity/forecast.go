package fidelity

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// minForecast is the number of trials from which a cost is forecast.
const minForecast = 8

// penalties of the ridge regression to choose from, for features of variance 1.
var penalties = [...]float64{1, 10, 100}

// Forecast predicts a measured cost, such as latency, from what is known of a
// trial before it is measured: a ridge regression (Hoerl & Kennard 1970) of the
// cost, or of its logarithm where all costs are positive. The error of its
// predictions is that of each trial predicted from the others.
type Forecast struct {
	log          bool
	center, unit []float64 // of the features
	weights      []float64
	mean         float64
	inverse      *mat.SymDense // (X'X + λI)⁻¹ of the scaled features
	error        float64       // root mean square of the leave-one-out errors
	usual        float64       // 1 + mean leverage of the trials behind error
	trials       float64
}

// NewForecast fits costs to features, one row for each trial, all of the same
// length. It returns nil if there are too few trials to say anything.
func NewForecast(features [][]float64, costs []float64) *Forecast {
	if len(costs) < minForecast || len(features[0]) == 0 {
		return nil
	}
	f := &Forecast{log: true, trials: float64(len(costs))}
	for _, y := range costs {
		f.log = f.log && y > 0
	}
	y := make([]float64, len(costs))
	for i, cost := range costs {
		y[i] = f.scale(cost)
	}
	f.mean = total(y) / f.trials
	for i := range y {
		y[i] -= f.mean
	}
	x := f.standardise(features)
	least := math.Inf(1)
	for _, penalty := range penalties {
		weights, inverse, e, leverage := ridge(x, y, penalty)
		if e < least {
			least, f.error, f.weights, f.inverse, f.usual = e, e, weights, inverse, 1+leverage
		}
	}
	if f.weights == nil { // not one system could be solved
		return nil
	}
	return f
}

func (f *Forecast) scale(cost float64) float64 {
	if f.log {
		return math.Log(cost)
	}
	return cost
}

// standardise gives every feature mean 0 and variance 1. One that is constant
// becomes 0: nothing is known of its effect.
func (f *Forecast) standardise(features [][]float64) *mat.Dense {
	d := len(features[0])
	f.center, f.unit = means(features), make([]float64, d)
	for j := range d {
		for _, row := range features {
			f.unit[j] += square(row[j]-f.center[j]) / f.trials
		}
		if f.unit[j] = math.Sqrt(f.unit[j]); f.unit[j] < 1e-9*math.Abs(f.center[j]) {
			f.unit[j] = 0 // rounding of the mean
		}
	}
	x := mat.NewDense(len(features), d, nil)
	for i, row := range features {
		x.SetRow(i, f.standard(row))
	}
	return x
}

func (f *Forecast) standard(row []float64) []float64 {
	z := make([]float64, len(row))
	for j, v := range row {
		if f.unit[j] > 0 {
			z[j] = (v - f.center[j]) / f.unit[j]
		}
	}
	return z
}

// ridge solves min |y - Xw|² + penalty·|w|² for centred y. loo is the root mean
// square of the leave-one-out errors (Allen 1974, PRESS), +Inf if the system
// cannot be solved; leverage is the mean over the rows.
func ridge(x *mat.Dense, y []float64, penalty float64) (weights []float64, inverse *mat.SymDense, loo, leverage float64) {
	n, d := x.Dims()
	gram := mat.NewSymDense(d, nil)
	gram.SymOuterK(1, x.T())
	for j := range d {
		gram.SetSym(j, j, gram.At(j, j)+penalty)
	}
	var chol mat.Cholesky
	inverse = mat.NewSymDense(d, nil)
	if !chol.Factorize(gram) || chol.InverseTo(inverse) != nil {
		return nil, nil, math.Inf(1), 0
	}
	var right, solution mat.VecDense
	right.MulVec(x.T(), mat.NewVecDense(n, y))
	solution.MulVec(inverse, &right)
	sum := 0.0
	for i := range n {
		row := x.RowView(i)
		h := mat.Inner(row, inverse, row) + 1/float64(n)
		leverage += h / float64(n)
		sum += square((y[i] - mat.Dot(row, &solution)) / max(1-h, 1e-3))
	}
	return solution.RawVector().Data, inverse, math.Sqrt(sum / float64(n)), leverage
}

// Interval returns the expected cost of a trial, and two ends beyond each of
// which it lies with a probability of at most alpha.
func (f *Forecast) Interval(features []float64, alpha float64) (low, expected, high float64) {
	z := mat.NewVecDense(len(features), f.standard(features))
	y := f.mean + mat.Dot(z, mat.NewVecDense(len(f.weights), f.weights))
	leverage := mat.Inner(z, f.inverse, z) + 1/f.trials
	margin := f.error * math.Sqrt((1+leverage)/f.usual) * quantile(1-alpha, f.trials-1)
	if f.log {
		return math.Exp(y - margin), math.Exp(y), math.Exp(y + margin)
	}
	return y - margin, y, y + margin
}
