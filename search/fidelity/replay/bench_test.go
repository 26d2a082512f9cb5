package replay_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/search/fidelity/replay"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

const seeds = 10

// rules are what BenchmarkEarlyStopping compares.
var rules = []struct {
	name string
	make func() replay.Stopper
}{
	{"none", func() replay.Stopper { return replay.Never{} }},
	{"foreknowledge", func() replay.Stopper { return replay.Clairvoyant{} }},
	{"rule, 1 %", func() replay.Stopper { return replay.Rule{Error: 0.01} }},
	{"rule, 5 %", func() replay.Stopper { return replay.Rule{Error: 0.05} }},
	{"ASHA", func() replay.Stopper { return replay.NewHalving(fidelity.ASHA{Min: 1, Factor: 3}) }},
	{"MO-ASHA", func() replay.Stopper {
		return replay.NewMultiHalving(fidelity.MOASHA{ASHA: fidelity.ASHA{Min: 1, Factor: 3}})
	}},
}

// BenchmarkEarlyStopping compares rules that stop trials, on the demo's table
// with the scores of its 24 chunks: the figures of docs/EARLY-STOPPING.md. The
// objectives are quality and size, and the same with latency.
func BenchmarkEarlyStopping(b *testing.B) {
	for name, bn := range map[string]*replay.Bench{"two": bench(b, 2), "three": bench(b, 3)} {
		for _, sampler := range []string{search.Random, search.GP} {
			for _, trials := range []int{60, 100} {
				b.Run(fmt.Sprintf("%s/%s/%d", name, sampler, trials), func(b *testing.B) {
					for b.Loop() {
						compare(b, bn, sampler, trials)
					}
				})
			}
		}
	}
}

// compare logs a row for each rule. The loss of hypervolume is against no rule
// with the same seeds.
func compare(b *testing.B, bn *replay.Bench, sampler string, trials int) {
	var all []float64
	for _, rule := range rules {
		var work, volume, loss []float64
		stopped, wrong, lost := 0, 0, 0
		for seed := range int64(seeds) {
			r := do(b, bn, replay.Run{Sampler: sampler, Seed: seed, Trials: trials, Stopper: rule.make()})
			work, volume = append(work, r.Work), append(volume, r.Hypervolume)
			stopped, wrong, lost = stopped+r.Stopped, wrong+r.Wrong, lost+r.Lost
		}
		if all == nil {
			all = volume
		}
		for i := range volume {
			loss = append(loss, 1-volume[i]/all[i])
		}
		w, l := problems.Mean(work), problems.Mean(loss)
		b.Logf("| %-13s | %.3f | %.4f | %+.4f (%+.4f to %+.4f) | %d of %d | %d | %d |", rule.name,
			w.Mean, problems.Mean(volume).Mean, l.Mean, l.Low, l.High, stopped, seeds*trials, wrong, lost)
	}
}

// BenchmarkCoverage holds the stated error rate of the lower end of a
// divergence against the recorded scores.
func BenchmarkCoverage(b *testing.B) {
	rec := recording(b)
	for b.Loop() {
		for _, stated := range []float64{0.1, 0.05, 0.01} {
			for _, shuffled := range []bool{false, true} {
				wrong, rows := 0, 0
				for seed := range uint64(seeds) {
					w, n := coverage(rec, rand.New(rand.NewPCG(seed, 1)), stated, shuffled, len(rec.Rows))
					wrong, rows = wrong+w, rows+n
				}
				b.Logf("stated %.2f, chunks shuffled %v: %.4f of %d", stated, shuffled, float64(wrong)/float64(rows), rows)
			}
		}
	}
}

// kind of a variant: how many blocks it keeps, and of those that keep all
// whether half blocks are left out.
func kind(a study.Assignment) string {
	switch {
	case a["truncate.depth"].Int() < 6:
		return fmt.Sprintf("%d blocks", a["truncate.depth"].Int())
	case a["prune.attention"].Int()+a["prune.ffn"].Int() > 0:
		return "pruned"
	}
	return "quantised only"
}

// BenchmarkStrangers: what the error rate is if all past trials are of one
// kind and the trial is of another, at 1 % stated.
func BenchmarkStrangers(b *testing.B) {
	const draws = 1000
	rec := recording(b)
	at := make([]int, len(rec.Count))
	for j := range at {
		at[j] = j
	}
	kinds := map[string][][]float64{}
	all, names := shapes(rec, at), []string{}
	for i, row := range table(b).Rows {
		if name := kind(row.Assignment); all[i] != nil {
			if kinds[name] == nil {
				names = append(names, name)
			}
			kinds[name] = append(kinds[name], all[i])
		}
	}
	slices.Sort(names)
	for b.Loop() {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, of := range names {
			for _, other := range names {
				wrong := 0
				for range draws {
					past := make([][]float64, 8)
					for i, j := range rng.Perm(len(kinds[of]))[:len(past)] {
						past[i] = kinds[of][j]
					}
					if misjudged(past, kinds[other][rng.IntN(len(kinds[other]))], 0.01) {
						wrong++
					}
				}
				b.Logf("8 past trials %s, then one %s: %.3f", of, other, float64(wrong)/draws)
			}
		}
	}
}

// BenchmarkForecast: how far forecasts of the latency are off, how far below
// them their lower ends are at 0.75 % stated, and how often a latency is below
// its end.
func BenchmarkForecast(b *testing.B) {
	const draws, tried = 100, 40
	bn, rows := bench(b, 3), table(b).Rows
	for b.Loop() {
		for _, n := range []int{8, 10, 20, 30, 60, 100} {
			off, margin, wrong := 0.0, 0.0, 0
			for seed := range uint64(draws) {
				order := rand.New(rand.NewPCG(seed, 3)).Perm(len(rows))
				var features [][]float64
				var costs []float64
				for _, i := range order[:n] {
					features, costs = append(features, bn.Trial(i).Features), append(costs, rows[i].Values[2])
				}
				f := fidelity.NewForecast(features, costs)
				for _, i := range order[n : n+tried] {
					low, expected, _ := f.Interval(bn.Trial(i).Features, 0.0075)
					off, margin = off+math.Pow(math.Log(rows[i].Values[2]/expected), 2), margin+1-low/expected
					if rows[i].Values[2] < low {
						wrong++
					}
				}
			}
			all := float64(draws * tried)
			b.Logf("%d past trials: off by %.3f (root mean square), ends %.3f lower, wrong %.4f of %.0f", n, math.Sqrt(off/all), margin/all, float64(wrong)/all, all)
		}
	}
}
