package fidelity

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// minPast is the number of whole evaluations from which the difficulty of
	// the chunks is taken to be known, maxPast the number of the latest that
	// are used: more say little more, and time grows with them.
	minPast, maxPast = 3, 64

	// shrink is the weight, in trials, of the assumption that chunks deviate
	// from the profile independently of each other and all as much.
	shrink = 10

	// leastScatter is the variance of a chunk around the profile, relative to
	// the trial's mean, that is assumed at least.
	leastScatter = 1e-4

	// prior is the weight, in degrees of freedom, of how much other trials
	// deviate against how much this trial does. With 4 a trial's own scatter is
	// within 0.6 to 2.9 times the usual with 95 %.
	prior = 4

	// unlike widens what past trials say of this one, which may be the first
	// of its kind. docs/EARLY-STOPPING.md has what it was measured by.
	unlike = 1.5
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
// other trials on it: a shape is an evaluation divided by its mean.
type Profile struct {
	chunks  int
	shapes  [][]float64
	mean    []float64     // of the shapes
	scatter *mat.SymDense // sum of products of the shapes' deviations from it
	wrong   []float64     // by number of chunks: failures, -1 where not computed
}

// NewProfile makes a profile of evaluations of all chunks, one row for each
// trial, oldest first; scores are at least 0. Rows of another length, or that
// are 0 throughout, are left out.
func NewProfile(past [][]float64, chunks int) *Profile {
	p := &Profile{chunks: chunks, wrong: make([]float64, chunks+1)}
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
	p.shapes = p.shapes[max(0, len(p.shapes)-maxPast):]
	if len(p.shapes) < minPast {
		return p
	}
	p.mean = means(p.shapes)
	p.scatter = mat.NewSymDense(chunks, nil)
	for _, shape := range p.shapes {
		p.scatter.SymRankOne(p.scatter, 1, mat.NewVecDense(chunks, minus(shape, p.mean)))
	}
	for c := range p.wrong {
		p.wrong[c] = -1
	}
	return p
}

// Extrapolate says from the scores of the first chunks what the mean over all
// chunks will be.
//
// A chunk that is hard for one variant is hard for others: scores are
// x = mean·(profile + deviation), where the deviations of a trial have the
// covariance of those of past trials, shrunk towards independent ones of equal
// variance. The mean is estimated by generalised least squares (Aitken 1936).
// Its error is the larger of two, so that either assumption may fail:
//
//   - This trial deviates like past ones, but for a factor that its own chunks
//     tell: residual and past variance are pooled (Smyth 2004, moderated t).
//     The result is widened by the factor unlike.
//   - The estimate is as wrong as it was, from as many chunks, for past trials,
//     each left out of the profile.
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
	s, ok := p.solve(c, -1)
	if !ok {
		return e
	}
	mean := s.estimate(scores)
	if !(mean > 0) {
		return e
	}
	e.Mean = mean
	e.Freedom = prior + float64(c) - 1
	factor := (prior + s.misfit(scores, mean)) / e.Freedom
	e.Error = math.Sqrt(max(square(unlike)*factor/s.information, p.failures(c)))
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

// solution is the least-squares problem of the first chunks.
type solution struct {
	mean        []float64 // profile of these chunks
	chol        mat.Cholesky
	weights     []float64 // inverse covariance times mean
	information float64   // mean times weights: the inverse variance of an estimate, relative to its mean
}

// solve sets up the problem of the first c chunks, without past trial number
// left (-1: with all).
func (p *Profile) solve(c, left int) (*solution, bool) {
	n := float64(len(p.shapes))
	s := &solution{mean: p.mean[:c]}
	var away []float64
	down := 0.0
	if left >= 0 {
		away = minus(p.shapes[left], p.mean)
		down = n / (n - 1)
		s.mean = make([]float64, c)
		for j := range s.mean {
			s.mean[j] = p.mean[j] - away[j]/(n-1)
		}
		n--
	}
	product := func(i, j int) float64 {
		x := p.scatter.At(i, j)
		if left >= 0 {
			x -= down * away[i] * away[j]
		}
		return x / (n - 1)
	}
	even := 0.0
	for j := range p.chunks {
		even += product(j, j) / float64(p.chunks)
	}
	even = max(even, leastScatter)
	weight := shrink / (shrink + n)
	v := mat.NewSymDense(c, nil)
	for i := range c {
		for j := i; j < c; j++ {
			x := (1 - weight) * product(i, j)
			if i == j {
				x += weight * even
			}
			v.SetSym(i, j, x*(1+1/n)) // the profile has an error of its own
		}
	}
	if !s.chol.Factorize(v) {
		return nil, false
	}
	s.weights = s.invert(s.mean)
	for j, x := range s.mean {
		s.information += x * s.weights[j]
	}
	return s, s.weights != nil && s.information > 0
}

// invert multiplies with the inverse covariance; nil if that fails.
func (s *solution) invert(x []float64) []float64 {
	var out mat.VecDense
	if s.chol.SolveVecTo(&out, mat.NewVecDense(len(x), x)) != nil {
		return nil
	}
	return out.RawVector().Data
}

// estimate is the mean over all chunks that scores speak for.
func (s *solution) estimate(scores []float64) float64 {
	sum := 0.0
	for j, w := range s.weights {
		sum += w * scores[j]
	}
	return sum / s.information
}

// misfit is the squared distance of scores from the profile, in units of the
// covariance: as large as their number less one if they are like past ones.
func (s *solution) misfit(scores []float64, mean float64) float64 {
	residuals := make([]float64, len(scores))
	for j, x := range scores {
		residuals[j] = x/mean - s.mean[j]
	}
	sum := 0.0
	for j, x := range s.invert(residuals) {
		sum += x * residuals[j]
	}
	return sum
}

// failures is the mean square of the relative errors that extrapolating from c
// chunks makes for past trials, each by a profile without it.
func (p *Profile) failures(c int) float64 {
	if p.wrong[c] >= 0 {
		return p.wrong[c]
	}
	sum := 0.0
	for i, shape := range p.shapes {
		if s, ok := p.solve(c, i); ok {
			sum += square(s.estimate(shape[:c]) - 1)
		}
	}
	p.wrong[c] = sum / float64(len(p.shapes))
	return p.wrong[c]
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

func minus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] - b[i]
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
