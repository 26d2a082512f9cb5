package fidelity

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

const testChunks = 16

// evaluation makes the scores of a trial with a divergence, on a text whose
// chunks differ and with a little scatter.
func evaluation(seed uint64, divergence float64) []study.ChunkScore {
	rng := rand.New(rand.NewPCG(seed, 7))
	out := make([]study.ChunkScore, testChunks)
	for j := range out {
		hard := 1 + 0.3*math.Sin(float64(j)) + 0.05*rng.NormFloat64()
		out[j] = study.ChunkScore{Chunk: j, Count: 100, Bytes: 300 + 10*j, KLD: 100 * divergence * hard,
			NLL: 100 * (3 + divergence*hard), Same1: 100 - int(min(100, 100*divergence*hard))}
	}
	return out
}

// done is a complete trial.
func done(number int, divergence, size, latency float64) Past {
	scores := evaluation(uint64(number), divergence)
	return Past{Number: number, Scores: scores, Features: []float64{math.Log(size)}, Values: map[string]float64{
		"quality.kld": study.QualityValues(scores)["quality.kld"].Value, "quality.top1": study.QualityValues(scores)["quality.top1"].Value,
		"size.weights": size, "latency.decode": latency}}
}

// front is a lane with a front of divergence against size; latency is
// proportional to size.
func front() []Past {
	var past []Past
	for i := range 12 {
		size := 1e6 * float64(i+1)
		past = append(past, done(i, 0.6/float64(i+1), size, size*1e-10*(1+0.01*math.Sin(float64(5*i)))))
	}
	return past
}

func minimise(metrics ...string) (out []study.Objective) {
	for _, m := range metrics {
		out = append(out, study.Objective{Metric: m, Direction: study.Min})
	}
	return out
}

func sized(size float64) Trial {
	return Trial{Exact: map[string]float64{"size.weights": size}, Features: []float64{math.Log(size)}}
}

func atMost(metric string, x float64) study.Constraint {
	return study.Constraint{Metric: metric, Max: &x}
}

func TestLooks(t *testing.T) {
	for chunks, want := range map[int][]int{
		0: {0}, 1: {1}, 2: {1, 2}, 8: {1, 2, 3, 4, 6, 8}, 24: {1, 2, 3, 4, 6, 8, 12, 16, 24}, 30: {1, 2, 3, 4, 6, 8, 12, 16, 24, 30},
	} {
		if got := Looks(chunks); !slices.Equal(got, want) {
			t.Errorf("Looks(%d) = %v, want %v", chunks, got, want)
		}
	}
}

func TestDecisions(t *testing.T) {
	two, three := minimise("quality.kld", "size.weights"), minimise("quality.kld", "size.weights", "latency.decode")
	least := 0.7
	tests := []struct {
		name       string
		terms      Terms
		trial      Trial
		divergence float64
		cause      string // "" goes on to the end
		before     int    // it is stopped after at most so many chunks
	}{
		{"twice the front's divergence at its size", Terms{Objectives: two}, sized(5e6), 0.25, Dominated, 2},
		{"on the front", Terms{Objectives: two}, sized(5e6), 0.11, "", 0},
		{"smaller than all", Terms{Objectives: two}, sized(0.9e6), 0.9, "", 0},
		{"better than all", Terms{Objectives: two}, sized(20e6), 0.01, "", 0},
		{"a hair behind the front", Terms{Objectives: two}, sized(5.01e6), 0.124, Dominated, testChunks},
		{"with latency forecast, dominated", Terms{Objectives: three}, sized(8e6), 0.5, Dominated, 2},
		{"with latency forecast, at the front", Terms{Objectives: three}, sized(8e6), 0.07, "", 0},
		{"latency without features", Terms{Objectives: three}, Trial{Exact: sized(8e6).Exact}, 0.5, "", 0},
		{"above a limit", Terms{Objectives: two, Constraints: []study.Constraint{atMost("quality.kld", 0.4)}}, sized(0.9e6), 0.9, Violated, 2},
		{"just below a limit", Terms{Objectives: two, Constraints: []study.Constraint{atMost("quality.kld", 1)}}, sized(0.9e6), 0.93, "", 0},
		{"above a limit of latency, by its forecast", Terms{Objectives: two, Constraints: []study.Constraint{atMost("latency.decode", 4e-4)}}, sized(8e6), 0.01, Violated, 1},
		{"below a limit of latency", Terms{Objectives: two, Constraints: []study.Constraint{atMost("latency.decode", 9e-4)}}, sized(7.9e6), 0.01, "", 0},
		{"below the least share of equal tokens", Terms{Objectives: two, Constraints: []study.Constraint{{Metric: "quality.top1", Min: &least}}}, sized(0.9e6), 0.5, Violated, 3},
		{"a share to be raised, dominated", Terms{Objectives: []study.Objective{{Metric: "quality.top1", Direction: study.Max}, two[1]}}, sized(5e6), 0.4, Dominated, 3},
		{"a share to be raised, on the front", Terms{Objectives: []study.Objective{{Metric: "quality.top1", Direction: study.Max}, two[1]}}, sized(5e6), 0.1, "", 0},
		{"a divergence to be raised cannot be bounded", Terms{Objectives: []study.Objective{{Metric: "quality.kld", Direction: study.Max}, two[1]}}, sized(0.9e6), 0.5, "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.terms.Chunks = testChunks
			d, after := New(test.terms, front(), test.trial, DefaultError).First(evaluation(99, test.divergence))
			switch {
			case d.Cause != test.cause || d.Stop != (test.cause != ""):
				t.Errorf("after %d chunks: %+v, want %q", after, d, test.cause)
			case d.Stop && after > test.before:
				t.Errorf("stopped after %d chunks, want %d at most: %s", after, test.before, d.Reason)
			case !d.Stop && after != testChunks:
				t.Errorf("ended after %d chunks without a stop", after)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	two, three := minimise("quality.kld", "size.weights"), minimise("quality.kld", "size.weights", "latency.decode")
	past := front()
	tests := map[string]struct {
		terms      Terms
		size       float64
		divergence float64
		want       string
	}{
		"dominated": {Terms{Objectives: two}, 5e6, 0.25,
			"after 1 of 16 chunks quality.kld is above 0.172 nat/token with 99 %; on the front at this size.weights or better is trial 4 with 0.122 nat/token"},
		"with a forecast": {Terms{Objectives: three}, 8e6, 0.5,
			"after 1 of 16 chunks quality.kld is above 0.302 nat/token and latency.decode is above 0.000604 s/token with 99 %; on the front at this size.weights or better is trial 5 with 0.104 nat/token and 0.000599 s/token"},
		"in the end": {Terms{Objectives: two}, 5.01e6, 0.118,
			"after 16 of 16 chunks quality.kld is 0.125 nat/token; on the front at this size.weights or better is trial 4 with 0.122 nat/token"},
		"limit": {Terms{Objectives: two, Constraints: []study.Constraint{atMost("quality.kld", 0.4)}}, 0.9e6, 0.9,
			"after 1 of 16 chunks quality.kld is above 0.621 nat/token with 99 %; the limit is 0.4 nat/token"},
	}
	for name, test := range tests {
		test.terms.Chunks = testChunks
		d, _ := New(test.terms, past, sized(test.size), DefaultError).First(evaluation(99, test.divergence))
		if d.Reason != test.want {
			t.Errorf("%s:\n got %s\nwant %s", name, d.Reason, test.want)
		}
	}
}

// TestCertainties: without any trial before, a limit is known to be broken
// once what was scored is enough for it.
func TestCertainties(t *testing.T) {
	terms := Terms{Objectives: minimise("quality.kld", "size.weights"), Constraints: []study.Constraint{atMost("quality.kld", 0.2)}, Chunks: testChunks}
	d, after := New(terms, nil, sized(1e6), 0).First(evaluation(1, 0.6))
	if d.Cause != Violated || after != 6 {
		t.Errorf("after %d chunks: %+v; a third of the chunks breaks the limit", after, d)
	}
	if d, _ := New(terms, nil, sized(1e6), 0).First(evaluation(1, 0.19)); d.Stop {
		t.Errorf("below the limit: %+v", d)
	}
}

// TestNoOtherLooks: the error is shared between the looks, so nothing is
// decided between them.
func TestNoOtherLooks(t *testing.T) {
	r := New(Terms{Objectives: minimise("quality.kld", "size.weights"), Chunks: testChunks}, front(), sized(5e6), DefaultError)
	scores := evaluation(99, 0.5)
	for c := range testChunks + 1 {
		if got, want := r.At(scores[:c]).Stop, slices.Contains(Looks(testChunks), c); got != want {
			t.Errorf("after %d chunks stop = %v", c, got)
		}
	}
}

// TestIncompletePast: trials that lack a value or a chunk say nothing.
func TestIncompletePast(t *testing.T) {
	terms := Terms{Objectives: minimise("quality.kld", "size.weights"), Chunks: testChunks}
	best := done(50, 1e-4, 1, 1)
	short, blank := best, best
	short.Scores = best.Scores[:5]
	blank.Values = map[string]float64{"size.weights": 1}
	for _, past := range [][]Past{append(front(), short, blank), {short, blank}, nil} {
		if d, _ := New(terms, past, sized(5e6), DefaultError).First(evaluation(99, 0.11)); d.Stop {
			t.Errorf("with %d past trials: %+v", len(past), d)
		}
	}
	if d, _ := New(terms, append(front(), best), sized(5e6), DefaultError).First(evaluation(99, 0.11)); d.Cause != Dominated {
		t.Errorf("a trial that is better in all: %+v", d)
	}
}

// TestMetricsAreTheStudys: from all chunks every metric is what the study
// derives from them.
func TestMetricsAreTheStudys(t *testing.T) {
	scores := evaluation(3, 0.3)
	want := study.QualityValues(scores)
	if len(want) != len(metrics) {
		t.Errorf("%d metrics are scored, %d known here", len(want), len(metrics))
	}
	for name := range want {
		r := New(Terms{Objectives: minimise(name), Chunks: testChunks}, nil, Trial{}, DefaultError)
		got, ok := r.know(name, scores)
		if !ok || math.Abs(got.value-want[name].Value) > 1e-12 || got.low != got.high {
			t.Errorf("%s = %+v, want %v", name, got, want[name].Value)
		}
	}
}

func TestEstimates(t *testing.T) {
	terms := Terms{Objectives: minimise("quality.kld", "size.weights", "latency.decode"), Chunks: testChunks}
	r := New(terms, front(), sized(5e6), DefaultError)
	got := r.Estimates(evaluation(99, 0.25)[:6])
	kld, size := got["quality.kld"], got["size.weights"]
	if math.Abs(kld.Value-0.25) > 0.02 || !(kld.Error > 0.002 && kld.Error < 0.03) {
		t.Errorf("divergence %+v, true is about 0.25", kld)
	}
	if size != (Estimate{Value: 5e6}) {
		t.Errorf("size %+v", size)
	}
	if _, ok := got["latency.decode"]; ok || len(got) != 2 {
		t.Errorf("estimates %v; a forecast is none", got)
	}
	if all := r.Estimates(evaluation(99, 0.25)); all["quality.kld"].Error != 0 {
		t.Errorf("of all chunks %+v", all["quality.kld"])
	}
	if none := New(terms, nil, sized(5e6), DefaultError).Estimates(evaluation(99, 0.25)[:6]); len(none) != 1 {
		t.Errorf("without a past %v", none)
	}
}

func TestEncode(t *testing.T) {
	knobs := []study.Knob{
		{Name: "type", Choice: []study.Value{study.Text("a"), study.Text("b"), study.Text("c")}},
		{Name: "n", Int: &[2]int{2, 8}}, {Name: "x", Float: &[2]float64{1, 100}, Log: true},
	}
	for _, test := range []struct {
		a    study.Assignment
		want []float64
	}{
		{study.Assignment{"type": study.Text("c"), "n": study.Number(5), "x": study.Number(math.E)}, []float64{0, 1, 5, 1}},
		{study.Assignment{"type": study.Text("a")}, []float64{0, 0, 2, 0}},
	} {
		if got := Encode(knobs, test.a); !slices.Equal(got, test.want) {
			t.Errorf("%v → %v, want %v", test.a, got, test.want)
		}
	}
}
