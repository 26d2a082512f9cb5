package fidelity

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// minPast is the number of whole evaluations from which the difficulty of
	// the chunks is taken to be known.
	minPast = 3

	// prior is the weight, in degrees of freedom, of what other trials scattered
	// against what this trial's own chunks do. With 4 the scatter of one trial
	// is within 0.6 to 2.9 times the usual with 95 %.
	prior = 4
)

// An Extrapolation is what the first chunks of an evaluation say of the mean
// over all of them.
type Extrapolation struct {
	Mean    float64 // expected over all chunks
	Floor   float64 // the mean cannot be less, since no score is negative
	Error   float64 // relative standard error of Mean; +Inf if nothing is known of the chunks left
	Freedom float64 // degrees of freedom of Error
}

// Extrapolate says from the scores of the first chunks what the mean over all
// chunks will be. Scores are at least 0. past are whole evaluations of other
// trials on the same text; those of another length, or that are 0 throughout,
// are left out.
//
// A chunk that is hard for one variant is hard for others. So the profile p of
// the text, the mean over past trials of their scores divided by their own
// mean, turns c scores x into the ratio estimate Σx/Σp (Cochran 1977, chapter
// 6). Its error is the larger of two, so that either assumption may fail:
//
//   - Chunks are exchangeable: the residuals x/Mean - p are a sample of c out of
//     C without replacement (Cochran 1977, section 6.4). Their variance is pooled
//     with that of past trials (Smyth 2004, moderated t), so that a few chunks
//     suffice.
//   - Trials are exchangeable: by how much this extrapolation from c chunks was
//     wrong for each past trial, its own profile left out.
func Extrapolate(scores []float64, chunks int, past [][]float64) Extrapolation {
	c := len(scores)
	sum := 0.0
	for _, x := range scores {
		sum += x
	}
	e := Extrapolation{Floor: sum / float64(chunks), Error: math.Inf(1), Freedom: prior}
	switch {
	case c == 0:
		e.Mean = math.NaN()
		return e
	case c >= chunks:
		e.Mean, e.Error, e.Freedom = e.Floor, 0, math.Inf(1)
		return e
	}
	e.Mean = sum / float64(c)
	shapes := relative(past, chunks)
	if len(shapes) < minPast {
		return e
	}
	profile := means(shapes)
	easy := total(profile[:c])
	if easy <= 0 || sum <= 0 {
		return e
	}
	e.Mean = sum / easy
	residuals := 0.0
	for j, x := range scores {
		residuals += square(x/e.Mean - profile[j])
	}
	n, left := float64(c), 1-float64(c)/float64(chunks)
	e.Freedom = prior + n - 1
	scatter := (prior*usual(shapes, profile) + residuals) / e.Freedom
	own := scatter * n * left / square(easy)
	e.Error = math.Sqrt(max(own, failures(shapes, profile, c)))
	return e
}

// Lower returns the end of a one-sided interval: the mean over all chunks is
// below it with a probability of at most alpha.
func (e Extrapolation) Lower(alpha float64) float64 {
	if e.Error == 0 {
		return e.Mean
	}
	if math.IsInf(e.Error, 1) {
		return e.Floor
	}
	// The estimate is Mean = truth · (1 + Error·t), so truth = Mean/(1 + Error·t).
	return max(e.Floor, e.Mean/(1+e.Error*quantile(1-alpha, e.Freedom)))
}

// quantile is that of Student's t distribution.
func quantile(p, freedom float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.Quantile(p)
}

// relative returns the rows of past that can be used, each divided by its mean.
func relative(past [][]float64, chunks int) [][]float64 {
	var shapes [][]float64
	for _, row := range past {
		mean := total(row) / float64(chunks)
		if len(row) != chunks || !(mean > 0) {
			continue
		}
		shape := make([]float64, chunks)
		for j, x := range row {
			shape[j] = x / mean
		}
		shapes = append(shapes, shape)
	}
	return shapes
}

// means returns the mean of every column.
func means(rows [][]float64) []float64 {
	out := make([]float64, len(rows[0]))
	for _, row := range rows {
		for j, x := range row {
			out[j] += x / float64(len(rows))
		}
	}
	return out
}

// usual is the variance of a new trial's scores around the profile, both
// relative to the trial's mean.
func usual(shapes [][]float64, profile []float64) float64 {
	sum := 0.0
	for _, shape := range shapes {
		for j, x := range shape {
			sum += square(x - profile[j])
		}
	}
	n := float64(len(shapes))
	return sum / ((n - 1) * float64(len(profile)-1)) * (1 + 1/n)
}

// failures is the mean square of the relative error that extrapolating from c
// chunks made for past trials, with the profile of the others.
func failures(shapes [][]float64, profile []float64, c int) float64 {
	n, easy := float64(len(shapes)), total(profile[:c])
	sum := 0.0
	for _, shape := range shapes {
		own := total(shape[:c])
		others := (n*easy - own) / (n - 1)
		if others > 0 {
			sum += square(own/others - 1)
		}
	}
	return sum / n
}

func total(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum
}

func square(x float64) float64 { return x * x }
