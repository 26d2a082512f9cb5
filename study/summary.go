package study

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Summary is a derived number with an interval, in base units: where the same
// number is expected if it is measured again. An exact number has an interval
// of width 0.
type Summary struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"` // repetitions, or scored positions
}

// Exact returns the summary of a number that is known exactly.
func Exact(x float64) Summary { return Summary{Value: x, Low: x, High: x, N: 1} }

// Overlaps reports whether the intervals of s and o have a point in common:
// if so, the two cannot be told apart.
func (s Summary) Overlaps(o Summary) bool { return s.Low <= o.High && o.Low <= s.High }

// resamples of the bootstrap; the seed is fixed, so that the same samples
// always give the same interval.
const resamples = 1000

// Summarise derives a statistic (p50, p95, mean or max) of a measurement. Its
// interval is a percentile bootstrap that draws whole repetitions, since the
// samples of one repetition share what disturbed it (Davison & Hinkley 1997,
// section 3.8). ok is false without samples.
//
// The bootstrap tells how well this sample's statistic is known, not where that
// of a later sample lies, and with few repetitions it is too narrow. The
// interval therefore holds at least the repetitions' own statistics between
// their quantiles outer and 1-outer, all of them for n < 9.
func Summarise(m Measurement, statistic string) (s Summary, ok bool) {
	groups := repetitions(m)
	if len(groups) == 0 {
		return Summary{}, false
	}
	s.N = len(groups)
	all := slices.Concat(groups...)
	s.Value = evaluate(all, statistic)
	s.Low, s.High = s.Value, s.Value
	if len(groups) == 1 {
		return s, true
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(all))))
	stats := make([]float64, resamples)
	draw := make([]float64, 0, len(all))
	for i := range stats {
		draw = draw[:0]
		for range groups {
			draw = append(draw, groups[rng.IntN(len(groups))]...)
		}
		stats[i] = evaluate(draw, statistic)
	}
	slices.Sort(stats)
	s.Low = min(s.Value, quantile(stats, 0.025))
	s.High = max(s.Value, quantile(stats, 0.975))
	own := make([]float64, len(groups))
	for i, g := range groups {
		own[i] = evaluate(g, statistic)
	}
	slices.Sort(own)
	cut := int(outer * float64(len(own)-1))
	s.Low, s.High = min(s.Low, own[cut]), max(s.High, own[len(own)-1-cut])
	return s, true
}

// outer is 1/8, because a later attempt's number stands on about four
// processes: the mean of four normal draws lies within one standard deviation
// 95 times of 100, and so do three quarters of single draws within 1.15.
const outer = 0.125

// repetitions cuts the samples into groups; a last incomplete group is kept.
func repetitions(m Measurement) [][]float64 {
	var groups [][]float64
	for g := range slices.Chunk(m.Samples, max(1, m.Group)) {
		groups = append(groups, g)
	}
	return groups
}

func evaluate(x []float64, statistic string) float64 {
	switch statistic {
	case "mean":
		var sum float64
		for _, v := range x {
			sum += v
		}
		return sum / float64(len(x))
	case "max":
		return slices.Max(x)
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	if statistic == "p95" {
		return quantile(sorted, 0.95)
	}
	return quantile(sorted, 0.5)
}

// quantile interpolates linearly between order statistics (Hyndman & Fan 1996,
// type 7). sorted must not be empty.
func quantile(sorted []float64, q float64) float64 {
	h := q * float64(len(sorted)-1)
	i := int(math.Floor(h))
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

// Median returns the median of x, NaN if x is empty.
func Median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return evaluate(x, "p50")
}

// Z95 is the 97.5 % quantile of the normal distribution: by so many standard
// errors the intervals of QualityValues reach to either side.
const Z95 = 1.959964

// QualityValues derives the quality metrics from the scores of chunks, with
// normal 95 % intervals from the standard errors over scored positions, by
// llama-perplexity's definitions. The map is empty without scores.
func QualityValues(chunks []ChunkScore) map[string]Summary {
	var t ChunkScore
	for _, c := range chunks {
		t.Count += c.Count
		t.NLL += c.NLL
		t.NLL2 += c.NLL2
		t.KLD += c.KLD
		t.KLD2 += c.KLD2
		t.Same1 += c.Same1
		t.Bytes += c.Bytes
	}
	values := map[string]Summary{}
	if t.Count == 0 {
		return values
	}
	n := float64(t.Count)
	nll, nllErr := meanErr(t.NLL, t.NLL2, n)
	kld, kldErr := meanErr(t.KLD, t.KLD2, n)
	around := func(x, err float64) Summary {
		return Summary{Value: x, Low: x - Z95*err, High: x + Z95*err, N: t.Count}
	}
	ppl := math.Exp(nll)
	values["quality.ppl"] = around(ppl, ppl*nllErr)
	values["quality.kld"] = around(kld, kldErr)
	p := float64(t.Same1) / n
	values["quality.top1"] = around(p, math.Sqrt(p*(1-p)/max(1, n-1)))
	if t.Bytes > 0 {
		perByte := n / float64(t.Bytes) / math.Ln2
		values["quality.bpb"] = around(nll*perByte, nllErr*perByte)
	}
	return values
}

// meanErr returns a mean and its standard error from sums of values and of
// squares.
func meanErr(sum, sum2, n float64) (mean, err float64) {
	mean = sum / n
	if n < 2 {
		return mean, 0
	}
	return mean, math.Sqrt(max(0, sum2/n-mean*mean) / (n - 1))
}
