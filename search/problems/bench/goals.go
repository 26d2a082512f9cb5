package bench

import (
	"fmt"
	"math"
	"strings"
)

// Goals writes what was to be reached, and what was. subject is the sampler
// that is judged, peers those it is compared with.
func (r *Results) Goals(subject string, peers []string) string {
	var b strings.Builder
	b.WriteString("| goal | figure | reached |\n|---|---|---|\n")
	for _, rows := range [][]goal{r.halfTheTrials(subject, peers), r.neverBelow(subject, peers), r.predictions(subject, peers),
		r.outstanding(subject), r.noise(subject), r.feasible(subject)} {
		for _, g := range rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", g.what, g.figure, map[bool]string{true: "yes", false: "**no**"}[g.reached])
		}
	}
	return b.String()
}

type goal struct {
	what, figure string
	reached      bool
}

// bestPeer returns the peer with the best mean after n trials.
func (r *Results) bestPeer(problem string, peers []string, n int) (name string, e Estimate) {
	p := r.problem(problem)
	for _, s := range peers {
		got := r.At(Curve{problem, s, 1, budget}, n)
		if got.Seeds > 0 && (name == "" || p.better(got.Mean, e.Mean)) {
			name, e = s, got
		}
	}
	return name, e
}

// halfTheTrials: on every problem with two objectives, 50 trials reach what the
// best peer reaches with 100.
func (r *Results) halfTheTrials(subject string, peers []string) []goal {
	var out []goal
	for _, p := range r.Problems {
		own := r.At(Curve{p.Name, subject, 1, budget}, 50)
		peer, theirs := r.bestPeer(p.Name, peers, 100)
		if p.Objectives != 2 || p.Quiet != "" || own.Seeds == 0 || peer == "" {
			continue
		}
		out = append(out, goal{
			fmt.Sprintf("%s: at 50 trials what the best peer has at 100", p.Name),
			fmt.Sprintf("%s; %s %s", own, peer, theirs), own.Mean >= theirs.Mean,
		})
	}
	return out
}

// neverBelow: at no mark is the 95 % interval of the lead over a peer, paired
// by seed, below 0.
func (r *Results) neverBelow(subject string, peers []string) []goal {
	compared := 0
	var below []string
	for _, p := range r.Problems {
		for _, s := range peers {
			for _, n := range []int{25, 100, 200} {
				lead, ok := r.Lead(Curve{p.Name, subject, 1, budget}, Curve{p.Name, s, 1, budget}, n)
				if !ok {
					continue
				}
				if compared++; lead.High < 0 {
					below = append(below, fmt.Sprintf("%s at %d under %s (%.3f to %.3f)", p.Name, n, s, lead.Low, lead.High))
				}
			}
		}
	}
	if compared == 0 {
		return nil
	}
	figure := fmt.Sprintf("below in %d of %d comparisons", len(below), compared)
	if len(below) > 0 {
		figure += ": " + strings.Join(below, "; ")
	}
	return []goal{{"never significantly below a peer at 25, 100 and 200", figure, len(below) == 0}}
}

// predictions: on the recorded table, 25 trials with predictions reach what the
// best peer reaches with 100.
func (r *Results) predictions(subject string, peers []string) []goal {
	const table = "demo"
	own := r.At(Curve{table + "-predictions", subject, 1, budget}, 25)
	without := r.At(Curve{table, subject, 1, budget}, 25)
	if own.Seeds == 0 {
		return nil
	}
	peer, theirs := r.bestPeer(table, peers, 100)
	if peer == "" {
		return nil
	}
	return []goal{{"real table, with predictions: at 25 trials what the best peer has at 100",
		fmt.Sprintf("%s (without predictions %s); %s %s", own, without, peer, theirs), own.Mean >= theirs.Mean}}
}

// outstanding: 8 asks in flight cost at most 3 % of the hypervolume.
func (r *Results) outstanding(subject string) []goal {
	var out []goal
	for _, p := range r.Problems {
		for _, n := range []int{100, 200} {
			one, eight := r.At(Curve{p.Name, subject, 1, budget}, n), r.At(Curve{p.Name, subject, 8, budget}, n)
			if p.Objectives == 1 || one.Seeds == 0 || eight.Seeds == 0 {
				continue
			}
			loss := 1 - eight.Mean/one.Mean
			out = append(out, goal{fmt.Sprintf("%s: 8 outstanding asks lose at most 3 %% at %d", p.Name, n),
				fmt.Sprintf("%.1f %% (%s; %s)", 100*loss, one, eight), loss <= 0.03})
		}
	}
	return out
}

// noise: noise of 5 % in the costs loses less than 3 % at 100 trials.
func (r *Results) noise(subject string) []goal {
	var out []goal
	for _, p := range r.Problems {
		if p.Quiet == "" {
			continue
		}
		quiet, noisy := r.At(Curve{p.Quiet, subject, 1, budget}, 100), r.At(Curve{p.Name, subject, 1, budget}, 100)
		if quiet.Seeds == 0 || noisy.Seeds == 0 {
			continue
		}
		loss := 1 - noisy.Mean/quiet.Mean
		out = append(out, goal{p.Name + ": loses less than 3 % at 100 trials", fmt.Sprintf("%.1f %% (%s; %s)", 100*loss, quiet, noisy), loss < 0.03})
	}
	return out
}

// feasible: at least 80 % of the asks after the 30th are feasible.
func (r *Results) feasible(subject string) []goal {
	var out []goal
	for _, p := range r.Problems {
		shares := map[int64]float64{}
		for _, run := range r.Runs(Curve{p.Name, subject, 1, budget}) {
			after := run.Feasible[min(30, len(run.Feasible)):]
			if p.Constraints == 0 || len(after) == 0 {
				continue
			}
			count := 0
			for _, f := range after {
				if f {
					count++
				}
			}
			shares[run.Seed] = float64(count) / float64(len(after))
		}
		if e := estimate(shares); !math.IsNaN(e.Mean) {
			out = append(out, goal{p.Name + ": 80 % of asks feasible after 30 trials", fmt.Sprintf("%.1f %%", 100*e.Mean), e.Mean >= 0.8})
		}
	}
	return out
}
