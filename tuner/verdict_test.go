package tuner

import (
	"math"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

func limit(metric string, most float64) study.Constraint {
	return study.Constraint{Metric: metric, Max: &most}
}

// chunk is a score of 100 positions whose divergence has a mean and a
// standard deviation.
func chunk(i int, mean, sd float64) study.ChunkScore {
	return study.ChunkScore{Chunk: i, Count: 100, NLL: 300, NLL2: 1000, KLD: 100 * mean, KLD2: 100 * (mean*mean + sd*sd), Bytes: 400}
}

func TestValues(t *testing.T) {
	spec := &study.Spec{
		Objectives:  []study.Objective{{Metric: "latency.decode.p95", Direction: study.Min}, {Metric: "size.weights", Direction: study.Min}},
		Constraints: []study.Constraint{limit("latency.decode.p50", 1)},
	}
	got := values(spec, study.Prediction{FileBytes: 10, WeightBytes: 8}, []study.ChunkScore{chunk(0, 0.5, 0.1)},
		[]study.Measurement{{Metric: "latency.decode", Samples: []float64{1, 2, 3, 4, 5}}})
	for name, want := range map[string]float64{
		"size.file": 10, "size.weights": 8, "latency.decode": 3, "latency.decode.p95": 4.8, "quality.kld": 0.5,
	} {
		if math.Abs(got[name].Value-want) > 1e-12 {
			t.Errorf("%s = %v, want %v", name, got[name].Value, want)
		}
	}
	if _, twice := got["latency.decode.p50"]; twice {
		t.Error("the default statistic stands under two names")
	}
	if name := missing(spec, got); name != "" {
		t.Errorf("%s is said to be missing", name)
	}
	delete(got, "latency.decode.p95")
	if name := missing(spec, got); name != "latency.decode.p95" {
		t.Errorf("missing = %q", name)
	}
}

func TestJudgeValues(t *testing.T) {
	least := 2.0
	for _, test := range []struct {
		name string
		c    study.Constraint
		x    float64
		bad  string // part of the sentence, "" is fine
	}{
		{"below a maximum", limit("memory.peak", 10), 9, ""},
		{"at a maximum", limit("memory.peak", 10), 10, ""},
		{"above a maximum", limit("memory.peak", 10), 11, "memory.peak is 11 B, above the limit of 10"},
		{"not a number", limit("memory.peak", 10), math.NaN(), "above the limit"},
		{"below a minimum", study.Constraint{Metric: "quality.top1", Min: &least}, 1, "below the limit of 2"},
		{"without a value", limit("latency.load", 1), 5, ""},
		{"the statistic by its other name", limit("memory.peak.p50", 10), 11, "above"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := judgeValues([]study.Constraint{test.c}, map[string]study.Summary{"memory.peak": {Value: test.x}, "quality.top1": {Value: test.x}}, study.ReasonConstraint)
			switch {
			case test.bad == "" && v != nil:
				t.Errorf("rejected: %s", v.detail)
			case test.bad != "" && (v == nil || v.move.Name != "reject" || !strings.Contains(v.detail, test.bad)):
				t.Errorf("verdict %+v, want %q", v, test.bad)
			}
		})
	}
}

func TestLeading(t *testing.T) {
	scores := []study.ChunkScore{{Chunk: 0}, {Chunk: 1}, {Chunk: 3}}
	for n, want := range map[int]int{0: 0, 1: 1, 2: 2, 3: 2, 9: 2} {
		if got := leading(scores, n); len(got) != want {
			t.Errorf("leading(%d) has %d scores, want %d", n, len(got), want)
		}
	}
	if got := leading([]study.ChunkScore{{Chunk: 16}}, 16); len(got) != 0 {
		t.Errorf("scores of the ranking count as the trial's: %v", got)
	}
}
