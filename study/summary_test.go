package study

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(1, math.Abs(a), math.Abs(b)) }

// Type 7 of Hyndman & Fan has closed forms on evenly spaced numbers: the
// q-quantile of 0, 1, …, n-1 is q·(n-1).
func TestQuantileClosedForms(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 101} {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(i)
		}
		for _, q := range []float64{0, 0.025, 0.25, 0.5, 0.9, 0.95, 0.975, 1} {
			if got, want := quantile(x, q), q*float64(n-1); !near(got, want) {
				t.Errorf("n %d, q %v: got %v, want %v", n, q, got, want)
			}
		}
	}
	// R: quantile(c(1, 2, 4, 8), c(.5, .95), type = 7) is 3 and 7.4.
	x := []float64{1, 2, 4, 8}
	if got := quantile(x, 0.5); got != 3 {
		t.Errorf("median %v", got)
	}
	if got := quantile(x, 0.95); !near(got, 7.4) {
		t.Errorf("95 %% quantile %v", got)
	}
}

func TestMedian(t *testing.T) {
	x := []float64{5, 1, 3}
	if got := Median(x); got != 3 || !slices.Equal(x, []float64{5, 1, 3}) {
		t.Errorf("got %v and left %v", got, x)
	}
	if got := Median([]float64{1, 2}); got != 1.5 {
		t.Errorf("even: %v", got)
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}

func TestSummariseStatistics(t *testing.T) {
	m := Measurement{Samples: []float64{4, 1, 3, 2, 10}}
	for statistic, want := range map[string]float64{"p50": 3, "mean": 4, "max": 10, "p95": 4 + 0.8*6} {
		s, ok := Summarise(m, statistic)
		if !ok || !near(s.Value, want) || s.N != 5 || s.Low > s.Value || s.High < s.Value {
			t.Errorf("%s: got %+v, want %v", statistic, s, want)
		}
	}
	if !slices.Equal(m.Samples, []float64{4, 1, 3, 2, 10}) {
		t.Errorf("the samples were changed: %v", m.Samples)
	}
	if s, ok := Summarise(Measurement{}, "p50"); ok || s != (Summary{}) {
		t.Errorf("without samples: %+v", s)
	}
	if s, ok := Summarise(Measurement{Samples: []float64{7, 9}, Group: 2}, "p50"); !ok || s != (Summary{Value: 8, Low: 8, High: 8, N: 1}) {
		t.Errorf("one repetition: %+v", s)
	}
	if s, _ := Summarise(Measurement{Samples: []float64{2, 2, 2, 2, 2, 2, 2}}, "p50"); s != (Summary{Value: 2, Low: 2, High: 2, N: 7}) {
		t.Errorf("equal samples: %+v", s)
	}
}

func TestSummariseCountsRepetitions(t *testing.T) {
	samples := []float64{1, 2, 3, 4, 5, 6, 7}
	for group, want := range map[int]int{-1: 7, 0: 7, 1: 7, 2: 4, 3: 3, 7: 1, 100: 1} {
		if s, ok := Summarise(Measurement{Samples: samples, Group: group}, "mean"); !ok || s.N != want || !near(s.Value, 4) {
			t.Errorf("group %d: %+v, want N %d", group, s, want)
		}
	}
}

// With few repetitions the interval holds what every one of them saw, with many
// what most of them saw.
func TestTheIntervalHoldsRepetitions(t *testing.T) {
	s, _ := Summarise(Measurement{Samples: []float64{5, 10, 10, 10, 20}}, "mean")
	if s.Value != 11 || s.Low != 5 || s.High != 20 {
		t.Errorf("five repetitions: %+v", s)
	}
	many := []float64{1, 5, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 20, 90}
	s, _ = Summarise(Measurement{Samples: many}, "p50")
	if s.Value != 10 || s.Low != 10 || s.High != 10 {
		t.Errorf("seventeen repetitions: %+v", s)
	}
}

func normals(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func TestBootstrapIsDeterministic(t *testing.T) {
	m := Measurement{Samples: normals(rand.New(rand.NewPCG(3, 4)), 60), Group: 3}
	for _, statistic := range Statistics() {
		a, _ := Summarise(m, statistic)
		if b, _ := Summarise(m, statistic); a != b {
			t.Errorf("%s: %+v and %+v", statistic, a, b)
		}
	}
}

// A later number of four repetitions falls into the interval about 95 times of
// 100, whatever the repetitions of the first share within them. With 200 draws
// the standard error of a share near 0.95 is 0.015; five repetitions cannot
// promise as much.
func TestTheIntervalHoldsALaterNumber(t *testing.T) {
	const draws, inside = 200, 4
	repetitions := func(rng *rand.Rand, n int) Measurement {
		m := Measurement{Group: inside}
		for range n {
			shift := rng.NormFloat64()
			for range inside {
				m.Samples = append(m.Samples, shift+0.1*rng.NormFloat64())
			}
		}
		return m
	}
	for _, c := range []struct {
		n         int
		statistic string
		low, high float64
	}{
		{5, "p50", 0.8, 0.97}, {8, "p50", 0.91, 0.995}, {20, "p50", 0.91, 0.995}, {8, "mean", 0.91, 0.995}, {40, "mean", 0.91, 0.995},
	} {
		rng := rand.New(rand.NewPCG(5, uint64(c.n)))
		hits := 0
		for range draws {
			s, _ := Summarise(repetitions(rng, c.n), c.statistic)
			if later, _ := Summarise(repetitions(rng, 4), c.statistic); s.Low <= later.Value && later.Value <= s.High {
				hits++
			}
		}
		share := float64(hits) / draws
		t.Logf("%d repetitions, %s: coverage %.3f", c.n, c.statistic, share)
		if share < c.low || share > c.high {
			t.Errorf("%d repetitions, %s: coverage %.3f, want %v to %v", c.n, c.statistic, share, c.low, c.high)
		}
	}
}

func TestOverlaps(t *testing.T) {
	a := Summary{Low: 1, High: 2}
	for _, c := range []struct {
		b    Summary
		want bool
	}{
		{Summary{Low: 2, High: 3}, true}, {Summary{Low: 2.1, High: 3}, false}, {Summary{Low: 0, High: 0.9}, false}, {Summary{Low: 0, High: 9}, true}, {Summary{Low: 1.4, High: 1.5}, true},
	} {
		if a.Overlaps(c.b) != c.want || c.b.Overlaps(a) != c.want {
			t.Errorf("%+v and %+v: want %v", a, c.b, c.want)
		}
	}
	if e := Exact(5); e != (Summary{5, 5, 5, 1}) {
		t.Errorf("exact: %+v", e)
	}
}

// Three scored positions with negative log-likelihoods 1, 2 and 3: by hand the
// mean is 2, its standard error 1/√3, perplexity e².
func TestQualityValuesByHand(t *testing.T) {
	chunks := []ChunkScore{
		{Chunk: 0, Count: 2, NLL: 1 + 2, NLL2: 1 + 4, KLD: 0.1 + 0.3, KLD2: 0.01 + 0.09, Same1: 2, Bytes: 4},
		{Chunk: 1, Count: 1, NLL: 3, NLL2: 9, KLD: 0.2, KLD2: 0.04, Same1: 0, Bytes: 2},
	}
	got := QualityValues(chunks)
	ppl, se := math.Exp(2), 1/math.Sqrt(3)
	want := map[string]Summary{
		"quality.ppl": {ppl, ppl - Z95*ppl*se, ppl + Z95*ppl*se, 3},
		// 0.1, 0.3 and 0.2: mean 0.2, sample deviation 0.1.
		"quality.kld": {0.2, 0.2 - Z95*0.1/math.Sqrt(3), 0.2 + Z95*0.1/math.Sqrt(3), 3},
		// 2 of 3: √(2/3·1/3/2) = 1/3.
		"quality.top1": {2.0 / 3, 2.0/3 - Z95/3, 2.0/3 + Z95/3, 3},
		// 6 nats over 6 bytes.
		"quality.bpb": {1 / math.Ln2, 1/math.Ln2 - Z95*se/2/math.Ln2, 1/math.Ln2 + Z95*se/2/math.Ln2, 3},
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for name, w := range want {
		g := got[name]
		if !near(g.Value, w.Value) || !near(g.Low, w.Low) || !near(g.High, w.High) || g.N != w.N {
			t.Errorf("%s: got %+v, want %+v", name, g, w)
		}
	}
	slices.Reverse(chunks)
	for name, g := range QualityValues(chunks) {
		if w := got[name]; !near(g.Value, w.Value) || !near(g.Low, w.Low) {
			t.Errorf("%s depends on the order of chunks: %+v and %+v", name, g, w)
		}
	}
}

// The formulas as llama-perplexity's source has them, over random scores.
func TestQualityValuesAreLlamaPerplexitys(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	var chunks []ChunkScore
	var nll, nll2, kld, kld2 float64
	same, bytes, count := 0, 0, 0
	for i := range 16 {
		c := ChunkScore{Chunk: i}
		for range 127 {
			x, k := rng.ExpFloat64()*3, rng.ExpFloat64()*0.01
			c.Count, c.NLL, c.NLL2, c.KLD, c.KLD2, c.Bytes = c.Count+1, c.NLL+x, c.NLL2+x*x, c.KLD+k, c.KLD2+k*k, c.Bytes+4
			nll, nll2, kld, kld2, bytes, count = nll+x, nll2+x*x, kld+k, kld2+k*k, bytes+4, count+1
			if rng.Float64() < 0.9 {
				c.Same1++
				same++
			}
		}
		chunks = append(chunks, c)
	}
	got := QualityValues(chunks)
	check := func(name string, value, uncertainty float64) {
		t.Helper()
		g := got[name]
		if math.Abs(g.Value/value-1) > 1e-9 || math.Abs((g.High-g.Low)/(2*Z95)/uncertainty-1) > 1e-6 {
			t.Errorf("%s: got %+v, want %v ± %v", name, g, value, uncertainty)
		}
	}
	// nll2 /= count; nll /= count; ppl = exp(nll); nll2 -= nll*nll;
	// nll2 = sqrt(nll2/(count-1)); "ppl +/- nll2*ppl"
	n := float64(count)
	mean := nll / n
	check("quality.ppl", math.Exp(mean), math.Sqrt((nll2/n-mean*mean)/(n-1))*math.Exp(mean))
	// mean_and_uncertainty: f = sum/count; df = sum2/count - f*f; df = sqrt(df/(count-1))
	f := kld / n
	check("quality.kld", f, math.Sqrt((kld2/n-f*f)/(n-1)))
	// same_top_p = n_same_top/count; sqrt(p*(1 - p)/(count - 1))
	p := float64(same) / n
	check("quality.top1", p, math.Sqrt(p*(1-p)/(n-1)))
	// Bits per byte: all nats as bits over all bytes.
	check("quality.bpb", nll/math.Ln2/float64(bytes), math.Sqrt((nll2/n-mean*mean)/(n-1))*n/math.Ln2/float64(bytes))
}

func TestQualityValuesAtTheEdges(t *testing.T) {
	if got := QualityValues(nil); got == nil || len(got) != 0 {
		t.Errorf("without chunks: %v", got)
	}
	if got := QualityValues([]ChunkScore{{Chunk: 3}}); len(got) != 0 {
		t.Errorf("without positions: %v", got)
	}
	got := QualityValues([]ChunkScore{{Count: 1, NLL: 2, NLL2: 4, Same1: 1}})
	if _, ok := got["quality.bpb"]; ok {
		t.Error("bits per byte without bytes")
	}
	if s := got["quality.ppl"]; s.Low != s.Value || s.High != s.Value || s.N != 1 {
		t.Errorf("one position: %+v", s)
	}
	// Rounding can make a variance of equal scores negative: no NaN may come of it.
	same := ChunkScore{Count: 1000}
	for range same.Count {
		same.NLL, same.NLL2 = same.NLL+0.1, same.NLL2+0.1*0.1
	}
	for name, s := range QualityValues([]ChunkScore{same}) {
		if math.IsNaN(s.Low) || math.IsNaN(s.High) || math.IsNaN(s.Value) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
