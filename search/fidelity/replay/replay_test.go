package replay_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/search/fidelity/replay"
	"github.com/fettle-edge/fettle/search/problems"
)

func bench(t testing.TB, objectives int) *replay.Bench {
	t.Helper()
	f, err := os.Open("../../problems/testdata/demo.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := problems.ReadTable(f)
	if err != nil {
		t.Fatal(err)
	}
	g, err := os.Open("../testdata/chunks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	rec, err := replay.Read(g)
	if err != nil {
		t.Fatal(err)
	}
	b, err := replay.NewBench(table, rec, objectives)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// BenchmarkEarlyStopping compares rules that stop trials, on the demo's table
// with the scores of its 24 chunks.
func BenchmarkEarlyStopping(b *testing.B) {
	seeds := 10
	if s := os.Getenv("FETTLE_SEEDS"); s != "" {
		seeds, _ = strconv.Atoi(s)
	}
	for _, objectives := range []int{2, 3} {
		bn := bench(b, objectives)
		for _, sampler := range []string{search.Random, search.Sobol, search.TPE} {
			for _, trials := range []int{60, 100} {
				for _, rule := range []struct {
					name string
					make func() replay.Stopper
				}{
					{"never", func() replay.Stopper { return replay.Never{} }},
					{"rule", func() replay.Stopper { return replay.Rule{Options: fidelity.Defaults} }},
					{"rule, no slack", func() replay.Stopper { return replay.Rule{Options: fidelity.Options{Error: 0.01}} }},
					{"rule, 5 %, 0.3 %", func() replay.Stopper { return replay.Rule{Options: fidelity.Options{Error: 0.05, Slack: 0.003}} }},
					{"asha 1,3", func() replay.Stopper { return replay.NewHalving(fidelity.ASHA{Min: 1, Factor: 3}) }},
					{"moasha 1,3", func() replay.Stopper {
						return replay.NewMultiHalving(fidelity.MOASHA{ASHA: fidelity.ASHA{Min: 1, Factor: 3}})
					}},
				} {
					var work, volume, wrong, front, stopped []float64
					for seed := range int64(seeds) {
						r, err := bn.Do(replay.Run{Sampler: sampler, Seed: seed, Trials: trials, Stopper: rule.make()})
						if err != nil {
							b.Fatal(err)
						}
						work, volume = append(work, r.Work), append(volume, r.Hypervolume)
						wrong, front, stopped = append(wrong, float64(r.Wrong)), append(front, float64(r.OnFront)), append(stopped, float64(r.Stopped))
					}
					w, v := problems.Mean(work), problems.Mean(volume)
					fmt.Printf("%d obj %-7s %3d %-18s work %.3f hv %.4f ± %.4f stopped %.1f wrong %.2f onfront %.2f\n", objectives, sampler, trials, rule.name,
						w.Mean, v.Mean, v.High-v.Mean, problems.Mean(stopped).Mean, problems.Mean(wrong).Mean, problems.Mean(front).Mean)
				}
			}
		}
	}
}
