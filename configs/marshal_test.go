package configs

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// roundTrip writes a spec and reads it again.
func roundTrip(t *testing.T, s study.Spec) study.Spec {
	t.Helper()
	data, err := Marshal(s)
	if err != nil {
		t.Fatal(explain(err))
	}
	return mustParse(t, "s.yaml", string(data)).Spec
}

func TestMarshalRoundTripOfFiles(t *testing.T) {
	names, err := filepath.Glob("examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "demo/study.yaml") {
		f, err := Load(name)
		if err != nil {
			t.Fatal(explain(err))
		}
		if got := roundTrip(t, f.Spec); !reflect.DeepEqual(got, f.Spec) {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, f.Spec)
		}
	}
}

func TestMarshalRoundTripOfOddSpecs(t *testing.T) {
	base := mustParse(t, "s.yaml", minimal).Spec
	p := func(x float64) *float64 { return &x }
	for name, change := range map[string]func(*study.Spec){
		"names that YAML takes for numbers and booleans": func(s *study.Spec) {
			s.Name = "1e5"
			s.Targets = []study.TargetRef{{Name: "true"}, {Name: "0x1f"}, {Name: "null"}, {Name: "no"}, {Name: "1-2"}, {Name: "012"}, {Name: "nan"}, {Name: "2026-11-22"}}
		},
		"file names with anything": func(s *study.Spec) { s.Model.Name = `a #b: "c" {d} [e], 'f' é 模型.gguf` },
		"description": func(s *study.Spec) {
			s.Description = "two\nlines with \"quotes\", a \\ and \u2028 é 模 😀 <&> # no comment"
		},
		"choices": func(s *study.Spec) {
			s.Knobs[0].Choice = []study.Value{study.Text("1e5"), study.Text("true"), study.Text("off"), study.Text("NaN"), study.Text("null"), study.Text("-"), study.Text(".inf"), study.Text("Q8_0")}
		},
		"ranges and conditions": func(s *study.Spec) {
			s.Knobs = append(s.Knobs,
				study.Knob{Name: "runtime.threads", Int: &[2]int{1, 64}, Log: true},
				study.Knob{Name: "prune.ffn", Int: &[2]int{0, 0}, When: map[string][]study.Value{
					"quant.default": {study.Text("Q4_K")}, "runtime.threads": {study.Number(1), study.Number(64)}}})
		},
		"bounds": func(s *study.Spec) {
			s.Quality = study.Quality{Text: study.Content{Name: "t.txt"}, Chunks: 3}
			s.Workload.Context = 16
			s.Constraints = []study.Constraint{
				{Metric: "latency.decode.p95", Min: p(0), Max: p(0.1)}, {Metric: "memory.peak", Max: p(1<<30 + 1)},
				{Metric: "quality.ppl", Max: p(1e22)}, {Metric: "quality.bpb", Max: p(1.0 / 3)}, {Metric: "temperature.max", Min: p(-40.5)},
				{Metric: "energy.decode", Max: p(5e-324)}, {Metric: "power.max", Max: p(math.MaxFloat64)},
			}
		},
		"times": func(s *study.Spec) {
			s.Workload.MaxTime = time.Hour + time.Nanosecond
			s.Budget.Wall = 100*time.Hour + 30*time.Minute
		},
		"shortest times": func(s *study.Spec) {
			s.Workload.MaxTime = time.Millisecond
			s.Budget.Wall = time.Second
		},
		"a share":           func(s *study.Spec) { s.Budget.MinGain = 0.005 },
		"an odd share":      func(s *study.Spec) { s.Budget.MinGain = 1.0 / 3 },
		"the largest share": func(s *study.Spec) { s.Budget.MinGain = 0.5 },
	} {
		t.Run(name, func(t *testing.T) {
			s := base
			s.Knobs = append([]study.Knob(nil), base.Knobs...)
			change(&s)
			if got := roundTrip(t, s); !reflect.DeepEqual(got, s) {
				t.Errorf("got  %+v\nwant %+v", got, s)
			}
		})
	}
}

func TestMarshalWritesDigestsAsComments(t *testing.T) {
	s := mustParse(t, "s.yaml", minimal).Spec
	s.Model.Digest = study.DigestOf([]byte("model"))
	data, err := Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if want := "model: model.gguf # sha256 " + string(s.Model.Digest) + "\n"; !strings.Contains(string(data), want) {
		t.Errorf("no line %q in\n%s", want, data)
	}
	s.Model.Digest = ""
	if got := mustParse(t, "s.yaml", string(data)).Spec; !reflect.DeepEqual(got, s) {
		t.Errorf("got %+v, want %+v", got, s)
	}
}

func TestMarshalRefusesInvalidSpecs(t *testing.T) {
	_, err := Marshal(study.Spec{Version: 1, Name: "x"})
	if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || len(e.Problems) == 0 {
		t.Errorf("got %v", err)
	}
}

func lookup(t *testing.T, metric string) study.MetricInfo {
	t.Helper()
	info, _, ok := study.LookupMetric(metric)
	if !ok {
		t.Fatalf("no metric %s", metric)
	}
	return info
}

func TestParseQuantity(t *testing.T) {
	for _, c := range []struct {
		metric, text string
		want         float64
	}{
		{"memory.peak", `"512MiB"`, 512 << 20}, {"memory.peak", `"1.5 GiB"`, 1.5 * (1 << 30)}, {"memory.peak", `"2GB"`, 2e9},
		{"size.file", `"7kB"`, 7000}, {"size.file", `"7KB"`, 7000}, {"size.file", `"7KiB"`, 7168}, {"size.file", `"7B"`, 7}, {"size.file", `"0.5MB"`, 5e5},
		{"latency.decode", `"20ms"`, 0.02}, {"latency.decode", `"20ms/token"`, 0.02}, {"latency.decode", `"0.1us"`, 1e-7},
		{"latency.decode", `"3µs"`, 3e-6}, {"latency.decode", `"3μs"`, 3e-6}, {"latency.prefill", `"5ns"`, 5e-9},
		{"latency.first_token", `"1500ms"`, 1.5}, {"latency.load", `"2min"`, 120}, {"latency.load", `"2m"`, 120}, {"latency.load", `"1h"`, 3600},
		{"energy.decode", `"1.5J"`, 1.5}, {"energy.decode", `"33mJ"`, 0.033}, {"energy.prefill", `"33uJ/token"`, 33e-6}, {"energy.decode", `"2kJ"`, 2000},
		{"power.max", `"5W"`, 5}, {"power.max", `"2500mW"`, 2.5},
		{"temperature.max", `"80C"`, 80}, {"temperature.max", `"80 °C"`, 80}, {"temperature.max", `"-5.5C"`, -5.5},
		{"quality.kld", `0.1`, 0.1}, {"quality.kld", `"0.1nat"`, 0.1}, {"quality.kld", `"0.1 nats"`, 0.1}, {"quality.kld", `"0.1nat/token"`, 0.1},
		{"quality.ppl", `30`, 30}, {"quality.bpb", `1.25`, 1.25}, {"quality.bpb", `"1.25bit/B"`, 1.25}, {"quality.top1", `0.95`, 0.95},
	} {
		got, err := parseQuantity(json.RawMessage(c.text), lookup(t, c.metric))
		if err != nil || got != c.want {
			t.Errorf("%s %s: got %v, %v; want %v", c.metric, c.text, got, err, c.want)
		}
	}
}

func TestParseQuantityRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct{ metric, text string }{
		{"memory.peak", `5`}, {"memory.peak", `"5"`}, {"memory.peak", `"5ms"`}, {"memory.peak", `"5mib"`}, {"memory.peak", `"5B/token"`}, {"memory.peak", `"MiB"`},
		{"memory.peak", `"1e3B"`}, {"memory.peak", `"0x5B"`}, {"memory.peak", `"5  MiB"`}, {"memory.peak", `".5MiB"`}, {"memory.peak", `true`}, {"memory.peak", `[1]`},
		{"latency.load", `"5s/token"`}, {"latency.decode", `0.02`}, {"latency.decode", `"5J"`}, {"latency.decode", `"5S"`}, {"latency.decode", `"1h30m"`},
		{"energy.decode", `"5Wh"`}, {"energy.decode", `1`}, {"power.max", `"5J"`}, {"power.max", `5`}, {"temperature.max", `80`}, {"temperature.max", `"80F"`}, {"temperature.max", `"80K"`},
		{"quality.kld", `"5s"`}, {"quality.ppl", `"5nat"`}, {"quality.ppl", `"30"`}, {"quality.top1", `"95%"`}, {"quality.bpb", `"2B"`},
	} {
		if got, err := parseQuantity(json.RawMessage(c.text), lookup(t, c.metric)); err == nil {
			t.Errorf("%s %s: accepted as %v", c.metric, c.text, got)
		}
	}
}

// Every metric of the registry can be constrained: its unit is known here.
func TestEveryMetricHasAUnitToWrite(t *testing.T) {
	for _, info := range study.MetricRegistry() {
		_, isBare := bare[info.Unit]
		if _, ok := familyOf(info.Unit); ok == isBare {
			t.Errorf("%s is in %q, which is in both or none of families and bare", info.Name, info.Unit)
		}
	}
}

func TestFormatQuantity(t *testing.T) {
	for _, c := range []struct {
		metric string
		x      float64
		want   string
	}{
		{"memory.peak", 512 << 20, "512MiB"}, {"memory.peak", 1 << 30, "1GiB"}, {"memory.peak", 2e9, "2GB"}, {"memory.peak", 1000, "1kB"}, {"memory.peak", 1023, "1023B"},
		{"memory.peak", 0, "0B"}, {"latency.decode", 0.02, "20ms"}, {"latency.load", 1.5, "1.5s"}, {"latency.load", 90, "90s"}, {"latency.load", 120, "2min"},
		{"energy.decode", 0.0005, "500uJ"}, {"power.max", 5, "5W"}, {"temperature.max", 80, "80C"}, {"temperature.max", -5, "-5C"}, {"quality.kld", 0.1, "0.1"},
	} {
		if got := formatQuantity(c.x, lookup(t, c.metric)); got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.metric, c.x, got, c.want)
		}
	}
}

// Whatever is written is read as the same float64.
func TestQuantitiesRoundTripExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, info := range study.MetricRegistry() {
		for range 300 {
			x := math.Exp(rng.NormFloat64() * 12)
			if rng.IntN(3) == 0 {
				x = math.Trunc(x)
			}
			text := formatQuantity(x, info)
			raw, _ := json.Marshal(text)
			if _, isBare := bare[info.Unit]; isBare {
				raw = []byte(text)
			}
			if got, err := parseQuantity(raw, info); err != nil || got != x {
				t.Fatalf("%s: %v is written as %s and read as %v, %v", info.Name, x, text, got, err)
			}
		}
	}
}
