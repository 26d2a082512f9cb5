package problems_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/problems"
)

// forecast is what was to be gained by the next ten trials, and what they
// gained, as shares of the hypervolume before them.
type forecast struct{ predicted, realised float64 }

// forecasts runs the gp sampler and looks ahead after every tenth trial from
// the twentieth on.
func forecasts(t testing.TB, name string, seed int64, trials int) map[int]forecast {
	t.Helper()
	p, ok := problems.Lookup(name)
	if !ok {
		t.Fatalf("no problem %s", name)
	}
	s, err := search.New(p.Config(search.GP, seed, trials))
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float64 // feasible, as observed
	ends := []int{0}       // of values, by trial
	references, shares := map[int][]float64{}, map[int]float64{}
	for n := range trials {
		if n >= 20 && n%10 == 0 && n+10 <= trials {
			x, err := search.Explain(s)
			if err != nil {
				t.Fatal(err)
			}
			if x.Remaining != nil {
				references[n], shares[n] = pareto.Orient(x.Reference, p.Directions), x.Remaining.Share
			}
		}
		g, err := s.Ask(n)
		if err != nil {
			t.Fatal(err)
		}
		o := p.Observe(g.Assignment, p.Trial(g.Assignment), seed)
		if err := s.Tell(n, o); err != nil {
			t.Fatal(err)
		}
		if problems.Feasible(o) {
			values = append(values, pareto.Orient(o.Values, p.Directions))
		}
		ends = append(ends, len(values))
	}
	out := map[int]forecast{}
	for n, reference := range references {
		before := pareto.Hypervolume(values[:ends[n]], reference)
		after := pareto.Hypervolume(values[:ends[n+10]], reference)
		out[n] = forecast{shares[n], (after - before) / before}
	}
	return out
}

// TestForecastIsOfTheRightSize holds what is to be gained against what was.
func TestForecastIsOfTheRightSize(t *testing.T) {
	for _, name := range []string{"zdt1", "layers24-2"} {
		sum := forecast{}
		for n, f := range forecasts(t, name, 1, 50) {
			if math.IsNaN(f.predicted) || f.predicted < 0 {
				t.Errorf("%s after %d trials: to gain %v", name, n, f.predicted)
			}
			sum.predicted += f.predicted
			sum.realised += f.realised
		}
		if !(sum.predicted > sum.realised/4 && sum.predicted < 4*sum.realised) {
			t.Errorf("%s: %.4f was to be gained, %.4f was", name, sum.predicted, sum.realised)
		}
	}
}

// BenchmarkForecast reports the mean share that was to be gained by ten trials,
// and that which was.
func BenchmarkForecast(b *testing.B) {
	const trials = 80
	for _, name := range []string{"zdt1", "zdt3", "dtlz2-2", "dtlz2-3", "c2dtlz2", "layers24-2", "layers24-3", "conditional", "layers24-2-noisy", "branin", "demo-predictions"} {
		b.Run(name, func(b *testing.B) {
			seeds := 0.0
			total := map[int]forecast{}
			for b.Loop() {
				seeds++
				for n, f := range forecasts(b, name, int64(seeds), trials) {
					t := total[n]
					total[n] = forecast{t.predicted + f.predicted, t.realised + f.realised}
				}
			}
			for n := 20; n+10 <= trials; n += 10 {
				f := total[n]
				b.ReportMetric(100*f.predicted/seeds, fmt.Sprintf("%%_expected_at_%d", n))
				b.ReportMetric(100*f.realised/seeds, fmt.Sprintf("%%_gained_at_%d", n))
			}
		})
	}
}
