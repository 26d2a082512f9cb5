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

// A Profile is how hard the chunks of a text are, from whole evaluations of
// other trials on it.
type Profile struct {
	chunks  int
	shapes  [][]float64 // evaluations, each divided by its mean
	mean    []float64   // of the shapes
	scatter float64     // variance of a new trial's shape around the mean
}

// NewProfile makes a profile of evaluations of all chunks, one row for each
// trial; scores are at least 0. Rows of another length, or that are 0
// throughout, are left out.
func NewProfile(past [][]float64, chunks int) *Profile {
	p := &Profile{chunks: chunks}
	for _, row := range past {
		mean := total(row) / float64(chunks)
		if len(row) != chunks || !(mean > 0) {
			continue
		}
		shape := make([]float64, chunks)
		for j, x := range row {
			shape[j] = x / mean
		}
		p.shapes = append(p.shapes, shape)
	}
	if len(p.shapes) < minPast {
		return p
	}
	p.mean = means(p.shapes)
	for _, shape := range p.shapes {
		for j, x := range shape {
			p.scatter += square(x - p.mean[j])
		}
	}
	n := float64(len(p.shapes))
	p.scatter *= (1 + 1/n) / ((n - 1) * float64(max(1, chunks-1)))
	return p
}

// Extrapolate says from the scores of the first chunks what the mean over all
// chunks will be.
//
// A chunk that is hard for one variant is hard for others. So the profile p,
// the mean over past trials of their scores divided by their own mean, turns c
// scores x into the ratio estimate Σx/Σp (Cochran 1977, chapter 6). Its error
// is the larger of two, so that either assumption may fail:
//
//   - Chunks are exchangeable: the residuals x/Mean - p are a sample of c out of
//     all, without replacement (Cochran 1977, section 6.4). Their variance is
//     pooled with that of past trials (Smyth 2004, moderated t), so that a few
//     chunks suffice.
//   - Trials are exchangeable: by how much this extrapolation from c chunks was
//     wrong for each past trial, its own share of the profile left out.
func (p *Profile) Extrapolate(scores []float64) Extrapolation {
	c := len(scores)
	sum := total(scores)
	e := Extrapolation{Floor: sum / float64(p.chunks), Error: math.Inf(1), Freedom: prior}
	switch {
	case c == 0:
		e.Mean = math.NaN()
		return e
	case c >= p.chunks:
		e.Mean, e.Error, e.Freedom = e.Floor, 0, math.Inf(1)
		return e
	}
	e.Mean = sum / float64(c)
	if p.mean == nil {
		return e
	}
	easy := total(p.mean[:c])
	if easy <= 0 || sum <= 0 {
		return e
	}
	e.Mean = sum / easy
	residuals := 0.0
	for j, x := range scores {
		residuals += square(x/e.Mean - p.mean[j])
	}
	n, left := float64(c), 1-float64(c)/float64(p.chunks)
	e.Freedom = prior + n - 1
	own := (prior*p.scatter + residuals) / e.Freedom * n * left / square(easy)
	e.Error = math.Sqrt(max(own, p.failures(c)))
	return e
}

// failures is the mean square of the relative error that extrapolating from c
// chunks made for past trials, with the profile of the others.
func (p *Profile) failures(c int) float64 {
	n, easy := float64(len(p.shapes)), total(p.mean[:c])
	sum := 0.0
	for _, shape := range p.shapes {
		own := total(shape[:c])
		others := (n*easy - own) / (n - 1)
		if others > 0 {
			sum += square(own/others - 1)
		}
	}
	return sum / n
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

func total(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum
}

func square(x float64) float64 { return x * x }
