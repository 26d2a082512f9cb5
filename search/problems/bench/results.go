package bench

import (
	"cmp"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/problems"
)

// Results are finished campaigns of the problems as they are now defined.
type Results struct {
	Problems []Problem
	records  []Record
}

// Problem is what a report says of a problem.
type Problem struct {
	Name        string
	Print       string
	Objectives  int
	Constraints int
	// Quiet is the problem without noise, "" if this one has none.
	Quiet string
}

// Collect keeps the records of the problems' present definitions.
func Collect(all []Problem, records []Record) *Results {
	r := &Results{Problems: all}
	for _, rec := range records {
		if slices.ContainsFunc(all, func(p Problem) bool { return p.Name == rec.Problem && p.Print == rec.Print }) {
			r.records = append(r.records, rec)
		}
	}
	// Where a seed was run with several budgets, the largest comes first.
	slices.SortStableFunc(r.records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Seed, b.Seed), cmp.Compare(b.Trials, a.Trials))
	})
	return r
}

// Curve selects the runs of a sampler on a problem.
type Curve struct {
	Problem     string
	Sampler     string
	Outstanding int
	// Most is the highest budget that counts; runs for timing have a higher one.
	Most int
}

// Runs returns one run for each seed, in the order of seeds.
func (r *Results) Runs(c Curve) []Record {
	var runs []Record
	for _, rec := range r.records {
		if rec.Problem == c.Problem && rec.Sampler == c.Sampler && rec.Outstanding == c.Outstanding && rec.Trials <= c.Most &&
			(len(runs) == 0 || runs[len(runs)-1].Seed != rec.Seed) {
			runs = append(runs, rec)
		}
	}
	return runs
}

// Scores returns the scores after n trials by seed: the share of the
// hypervolume, or the best value where there is one objective. Runs that are
// shorter are left out.
func (r *Results) Scores(c Curve, n int) map[int64]float64 {
	scores := map[int64]float64{}
	for _, run := range r.Runs(c) {
		switch {
		case len(run.Share) < n:
		case len(run.Value) >= n:
			scores[run.Seed] = run.Value[n-1]
		default:
			scores[run.Seed] = run.Share[n-1]
		}
	}
	return scores
}

// Estimate is a mean with its standard error over so many seeds.
type Estimate struct {
	Mean, Error float64
	Seeds       int
}

func estimate(scores map[int64]float64) Estimate {
	x := inOrder(scores)
	mean, se := problems.MeanError(x)
	return Estimate{mean, se, len(x)}
}

// inOrder returns scores in the order of their seeds, so that sums do not
// depend on the order of a map.
func inOrder(scores map[int64]float64) []float64 {
	seeds := make([]int64, 0, len(scores))
	for s := range scores {
		seeds = append(seeds, s)
	}
	slices.Sort(seeds)
	x := make([]float64, len(seeds))
	for i, s := range seeds {
		x[i] = scores[s]
	}
	return x
}

// At is the estimate after n trials.
func (r *Results) At(c Curve, n int) Estimate { return estimate(r.Scores(c, n)) }

// Lead is the interval of a's lead over b after n trials each, paired by seed;
// positive is better. It fails with fewer than two common seeds.
func (r *Results) Lead(a, b Curve, n int) (problems.Interval, bool) {
	x, y := r.Scores(a, n), r.Scores(b, n)
	lead := map[int64]float64{}
	for seed := range x {
		if other, ok := y[seed]; ok {
			lead[seed] = x[seed] - other
			if r.problem(a.Problem).Objectives == 1 { // less is better
				lead[seed] = -lead[seed]
			}
		}
	}
	if len(lead) < 2 {
		return problems.Interval{}, false
	}
	return problems.Mean(inOrder(lead)), true
}

func (r *Results) problem(name string) Problem {
	return r.Problems[slices.IndexFunc(r.Problems, func(p Problem) bool { return p.Name == name })]
}

// better reports whether a score is better than another on a problem.
func (p Problem) better(a, b float64) bool {
	if p.Objectives == 1 {
		return a < b
	}
	return a > b
}

// quantile of sorted numbers: the smallest that at least a share q of them do
// not exceed.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
