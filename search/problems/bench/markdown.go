package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// marks are the numbers of trials at which samplers are compared.
var marks = [...]int{25, 50, 100, 200}

// budget is the number of trials of the runs that are compared.
const budget = 200

// Table writes what the samplers reached on every problem.
func (r *Results) Table(samplers []string) string {
	var b strings.Builder
	b.WriteString("| problem | sampler | 25 | 50 | 100 | 200 | seeds |\n|---|---|---|---|---|---|---|\n")
	for _, p := range r.Problems {
		for _, s := range samplers {
			c := Curve{p.Name, s, 1, budget}
			seeds := len(r.Runs(c))
			if seeds == 0 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s |", p.Name, s)
			for _, n := range marks {
				fmt.Fprintf(&b, " %s |", r.At(c, n))
			}
			fmt.Fprintf(&b, " %d |\n", seeds)
		}
	}
	return b.String()
}

// String writes an estimate as "mean ± standard error".
func (e Estimate) String() string {
	switch {
	case e.Seeds == 0:
		return "–"
	case math.IsNaN(e.Error):
		return fmt.Sprintf("%.3f", e.Mean)
	}
	return fmt.Sprintf("%.3f ± %.3f", e.Mean, e.Error)
}

// Times writes how long ask and tell take in the runs of 300 trials or more.
func (r *Results) Times(problem string) string {
	var b strings.Builder
	b.WriteString("| sampler | trials | ask + tell, 1 s apart: median | p99 | back to back: median | p99 | mean | work ahead over 1 s |\n|---|---|---|---|---|---|---|---|\n")
	for _, t := range r.timings(problem) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %.1f %% |\n", t.sampler, t.trials,
			ms(t.apart.median), ms(t.apart.p99), ms(t.together.median), ms(t.together.p99), ms(t.together.mean), 100*t.late)
	}
	return b.String()
}

func ms(s float64) string { return fmt.Sprintf("%.3g ms", 1000*s) }

// timing is how long the trials of some runs took.
type timing struct {
	sampler, trials string
	apart, together spread
	late            float64 // share of trials whose work ahead takes over a second
}

type spread struct{ median, p99, mean float64 }

func spreadOf(x []float64) spread {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	sorted := slices.Sorted(slices.Values(x))
	return spread{quantile(sorted, 0.5), quantile(sorted, 0.99), sum / float64(len(x))}
}

// apartSeconds is the time between a tell and the next ask.
const apartSeconds = 1

// timings pools the runs of each sampler and budget above the usual one.
func (r *Results) timings(problem string) []timing {
	type key struct {
		sampler string
		trials  int
	}
	pools := map[key][]Record{}
	var keys []key
	for _, rec := range r.records {
		if rec.Problem != problem || rec.Trials <= budget || len(rec.Ask) == 0 {
			continue
		}
		k := key{rec.Sampler, rec.Trials}
		if pools[k] == nil {
			keys = append(keys, k)
		}
		pools[k] = append(pools[k], rec)
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.trials != b.trials {
			return a.trials - b.trials
		}
		return strings.Compare(a.sampler, b.sampler)
	})
	var out []timing
	for _, k := range keys {
		out = append(out, timingOf(k.sampler, pools[k]))
	}
	return out
}

func timingOf(sampler string, runs []Record) timing {
	var apart, together []float64
	late := 0.0
	for _, rec := range runs {
		for i := range rec.Ask {
			apart = append(apart, rec.Ask[i]+rec.Tell[i]+max(0, rec.Prepare[i]-apartSeconds))
			together = append(together, rec.Ask[i]+rec.Tell[i]+rec.Prepare[i])
			if rec.Prepare[i] > apartSeconds {
				late++
			}
		}
	}
	trials := fmt.Sprintf("1–%d", runs[0].Trials)
	if n := len(runs[0].Ask); n < runs[0].Trials {
		trials = fmt.Sprintf("%d–%d", runs[0].Trials-n+1, runs[0].Trials)
	}
	return timing{sampler, trials, spreadOf(apart), spreadOf(together), late / float64(len(apart))}
}
