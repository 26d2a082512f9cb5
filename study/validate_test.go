package study

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func ptr[T any](x T) *T { return &x }

// valid returns a spec without a mistake that uses every part.
func valid() Spec {
	return Spec{
		Version: 1, Name: "small", Description: "one\ntwo", Model: Content{Name: "m.gguf"},
		Targets:  []TargetRef{{"local"}, {"pi-5"}},
		Workload: Workload{PromptTokens: 8, GenerateTokens: 4, Context: 32, WarmUp: 1, MinRepeats: 2, MaxRepeats: 4, MaxTime: time.Minute},
		Quality:  Quality{Text: Content{Name: "t.txt", Digest: DigestOf(nil)}, Chunks: 2},
		Knobs: []Knob{
			{Name: "quant.default", Choice: texts("Q8_0", "Q4_K")},
			{Name: "runtime.threads", Int: &[2]int{1, 2}, Log: true},
			{Name: "runtime.flash", Choice: []Value{Bool(false), Bool(true)}},
			{Name: "runtime.kv", Choice: texts("f16", "q8_0"), When: map[string][]Value{"runtime.flash": {Bool(true)}}},
		},
		Objectives:  []Objective{{"quality.kld", Min}, {"latency.decode.p95", Min}},
		Constraints: []Constraint{{Metric: "memory.peak", Max: ptr(1e9)}, {Metric: "temperature.max", Min: ptr(-40.0), Max: ptr(80.0)}},
		Search:      SearchSpec{"auto", 42},
		Budget:      Budget{40, time.Hour, 2},
	}
}

func TestValidSpecs(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"as it is":            func(*Spec) {},
		"without quality":     func(s *Spec) { s.Quality = Quality{}; s.Objectives = s.Objectives[1:] },
		"without constraints": func(s *Spec) { s.Constraints = nil },
		"no wall limit":       func(s *Spec) { s.Budget.Wall = 0 },
		"one fixed knob":      func(s *Spec) { s.Knobs = []Knob{{Name: "runtime.threads", Int: &[2]int{2, 2}}} },
		"two statistics":      func(s *Spec) { s.Objectives = []Objective{{"latency.decode", Min}, {"latency.decode.p95", Min}} },
		"every sampler":       func(s *Spec) { s.Search.Sampler = Samplers()[len(Samplers())-1] },
		"after JSON": func(s *Spec) {
			data, _ := json.Marshal(*s)
			var again Spec
			if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, *s) {
				t.Errorf("JSON gives %+v (%v)", again, err)
			}
			*s = again
		},
	} {
		s := valid()
		change(&s)
		if problems := s.Validate(); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// Each change makes one mistake; the first problem must be at the path and
// say the words.
func TestInvalidSpecs(t *testing.T) {
	for _, c := range []struct {
		path, words string
		change      func(*Spec)
	}{
		{"version", "not 0", func(s *Spec) { s.Version = 0 }},
		{"name", "want 1 to 63", func(s *Spec) { s.Name = "" }},
		{"name", "want 1 to 63", func(s *Spec) { s.Name = "-a" }},
		{"name", "want 1 to 63", func(s *Spec) { s.Name = "a\n" }},
		{"description", "at most 4096", func(s *Spec) { s.Description = strings.Repeat("x", 4097) }},
		{"description", "control", func(s *Spec) { s.Description = "\x1b[31m" }},
		{"description", "control", func(s *Spec) { s.Description = "\xff" }},
		{"model", "name of a file", func(s *Spec) { s.Model = Content{} }},
		{"model", "name of a file", func(s *Spec) { s.Model.Name = "../m.gguf" }},
		{"model", "name of a file", func(s *Spec) { s.Model.Name = `..\m.gguf` }},
		{"model", "control", func(s *Spec) { s.Model.Name = "a\x00" }},
		{"model", "at most 255", func(s *Spec) { s.Model.Name = strings.Repeat("m", 256) }},
		{"model", "digest", func(s *Spec) { s.Model.Digest = "abc" }},
		{"targets", "not 0", func(s *Spec) { s.Targets = nil }},
		{"targets", "not 65", func(s *Spec) { s.Targets = make([]TargetRef, 65) }},
		{"targets.1.name", "named twice", func(s *Spec) { s.Targets[1] = s.Targets[0] }},
		{"targets.0.name", "want 1 to 63", func(s *Spec) { s.Targets[0].Name = "a b" }},
		{"workload.prompt_tokens", "not -1", func(s *Spec) { s.Workload.PromptTokens = -1 }},
		{"workload.context", "cannot hold", func(s *Spec) { s.Workload.PromptTokens = 29 }},
		{"workload.warm_up", "not -1", func(s *Spec) { s.Workload.WarmUp = -1 }},
		{"workload.repeats", "[5, 4]", func(s *Spec) { s.Workload.MinRepeats = 5 }},
		{"workload.repeats", "[0, 4]", func(s *Spec) { s.Workload.MinRepeats = 0 }},
		{"workload.max_time", "not 0s", func(s *Spec) { s.Workload.MaxTime = 0 }},
		{"quality", "quality.kld needs a text", func(s *Spec) { s.Quality = Quality{} }},
		{"quality", "chunks of what", func(s *Spec) { s.Quality.Text = Content{} }},
		{"quality.text", "name of a file", func(s *Spec) { s.Quality.Text.Name = "" }},
		{"quality.chunks", "not 0", func(s *Spec) { s.Quality.Chunks = 0 }},
		{"knobs", "at least one", func(s *Spec) { s.Knobs = nil }},
		{"knobs.quant.defualt", "did you mean quant.default", func(s *Spec) { s.Knobs[0].Name = "quant.defualt" }},
		{"knobs.quant.default", "given twice", func(s *Spec) { s.Knobs[1] = s.Knobs[0] }},
		{"knobs.runtime.threads", "none of them", func(s *Spec) { s.Knobs[1].Int = nil }},
		{"knobs.runtime.threads", "int and float", func(s *Spec) { s.Knobs[1].Float = &[2]float64{1, 2} }},
		{"knobs.runtime.threads", "want int", func(s *Spec) { s.Knobs[1] = Knob{Name: "runtime.threads", Float: &[2]float64{1, 2}} }},
		{"knobs.quant.default.choice", "not 0", func(s *Spec) { s.Knobs[0].Choice = []Value{} }},
		{"knobs.quant.default.choice", "not 65", func(s *Spec) { s.Knobs[0].Choice = make([]Value, 65) }},
		{"knobs.quant.default.choice", "log", func(s *Spec) { s.Knobs[0].Log = true }},
		{"knobs.quant.default.choice.1", "given twice", func(s *Spec) { s.Knobs[0].Choice = texts("a", "a") }},
		{"knobs.quant.default.choice.0", "name of a type", func(s *Spec) { s.Knobs[0].Choice = texts("<script>") }},
		{"knobs.quant.default.choice.0", "name of a type, not true", func(s *Spec) { s.Knobs[0].Choice = []Value{Bool(true)} }},
		{"knobs.runtime.flash.choice.1", "true or false", func(s *Spec) { s.Knobs[2].Choice = []Value{Bool(true), Text("false")} }},
		{"knobs.runtime.threads.int", "above the highest", func(s *Spec) { s.Knobs[1].Int = &[2]int{2, 1} }},
		{"knobs.runtime.threads.int", "logarithmic", func(s *Spec) { s.Knobs[1].Int = &[2]int{0, 1} }},
		{"knobs.runtime.threads.int", "at most", func(s *Spec) { s.Knobs[1].Int = &[2]int{1, math.MaxInt} }},
		{"knobs.runtime.kv.when", "at least one knob", func(s *Spec) { s.Knobs[3].When = map[string][]Value{} }},
		{"knobs.runtime.kv.when.runtime.flash", "at least one value", func(s *Spec) { s.Knobs[3].When["runtime.flash"] = nil }},
		{"knobs.runtime.kv.when.runtime.flash.0", "not a value", func(s *Spec) { s.Knobs[3].When["runtime.flash"] = texts("true") }},
		{"knobs.runtime.kv.when.prune.ffn", "has no knob", func(s *Spec) { s.Knobs[3].When["prune.ffn"] = []Value{Number(1)} }},
		{"knobs.runtime.kv.when.runtime.kv", "itself", func(s *Spec) { s.Knobs[3].When["runtime.kv"] = texts("f16") }},
		{"knobs.runtime.flash.when", "runtime.flash → runtime.kv → runtime.flash", func(s *Spec) {
			s.Knobs[2].When = map[string][]Value{"runtime.kv": texts("f16")}
		}},
		{"objectives", "not 0", func(s *Spec) { s.Objectives = nil }},
		{"objectives", "not 5", func(s *Spec) {
			s.Objectives = []Objective{{"size.file", Min}, {"memory.peak", Min}, {"quality.ppl", Min}, {"power.max", Min}, {"latency.load", Min}}
		}},
		{"objectives.0.metric", "did you mean quality.kld", func(s *Spec) { s.Objectives[0].Metric = "quality.kl" }},
		{"objectives.0.metric", "without .p95", func(s *Spec) { s.Objectives[0].Metric = "quality.kld.p95" }},
		{"objectives.1.metric", "already", func(s *Spec) { s.Objectives = []Objective{{"latency.decode", Min}, {"latency.decode.p50", Max}} }},
		{"objectives.0.direction", "want min or max", func(s *Spec) { s.Objectives[0].Direction = "" }},
		{"constraints.0.metric", "unknown metric", func(s *Spec) { s.Constraints[0].Metric = "" }},
		{"constraints.1.metric", "already", func(s *Spec) { s.Constraints[1] = Constraint{Metric: "memory.peak.p50", Min: ptr(1.0)} }},
		{"constraints.0", "want min, max or both", func(s *Spec) { s.Constraints[0].Max = nil }},
		{"constraints.0", "above max", func(s *Spec) { s.Constraints[0].Min = ptr(2e9) }},
		{"constraints.0.max", "never below 0", func(s *Spec) { s.Constraints[0].Max = ptr(-1.0) }},
		{"constraints.0.max", "finite", func(s *Spec) { s.Constraints[0].Max = ptr(math.Inf(1)) }},
		{"constraints.0.max", "finite", func(s *Spec) { s.Constraints[0].Max = ptr(math.NaN()) }},
		{"constraints.0.min", "share", func(s *Spec) { s.Constraints[0] = Constraint{Metric: "quality.top1", Min: ptr(95.0)} }},
		{"search.sampler", "unknown sampler", func(s *Spec) { s.Search.Sampler = "" }},
		{"search.sampler", "did you mean tpe", func(s *Spec) { s.Search.Sampler = "tpr" }},
		{"search.sampler", "quant.default has", func(s *Spec) { s.Search.Sampler, s.Knobs[0].Choice = "cmaes", texts("F16", "Q8_0", "Q4_K") }},
		{"search.seed", "not -1", func(s *Spec) { s.Search.Seed = -1 }},
		{"budget.trials", "not 0", func(s *Spec) { s.Budget.Trials = 0 }},
		{"budget.confirm", "not 11", func(s *Spec) { s.Budget.Confirm = 11 }},
		{"budget.wall", "not -1ns", func(s *Spec) { s.Budget.Wall = -1 }},
	} {
		s := valid()
		c.change(&s)
		problems := s.Validate()
		if len(problems) == 0 || problems[0].Path != c.path || !strings.Contains(problems[0].Message, c.words) {
			t.Errorf("want %s: …%s…, got %v", c.path, c.words, problems)
		}
		if len(problems) > 0 && len(problems[0].Message) > 300 {
			t.Errorf("%s: the message is long: %s", c.path, problems[0].Message)
		}
	}
}

// Whatever a client sends, Validate answers.
func TestValidateSurvivesEmptyAndHugeSpecs(t *testing.T) {
	if (&Spec{}).Validate() == nil {
		t.Error("the zero spec is valid")
	}
	s := valid()
	for i := range 500 {
		s.Knobs = append(s.Knobs, Knob{Name: fmt.Sprint("k", i), When: map[string][]Value{fmt.Sprint("k", (i+1)%500): texts("x")}})
	}
	if len(s.Validate()) < 500 {
		t.Error("unknown knobs were not reported")
	}
}

func TestWarnings(t *testing.T) {
	s := valid()
	s.Budget.Trials = 12 // 2 · 2 · (1 + 2)
	if w := s.Warnings(); len(w) != 0 {
		t.Errorf("warnings %v", w)
	}
	s.Budget.Trials = 13
	s.Objectives[1].Direction = Max
	w := s.Warnings()
	if len(w) != 2 || w[0].Path != "objectives.1.direction" || w[1].Path != "budget.trials" || !strings.Contains(w[1].Message, "12 assignments") {
		t.Errorf("warnings %v", w)
	}
}

// SpaceSize against counting every assignment.
func TestSpaceSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 11))
	for range 200 {
		var space []Knob
		for i := range 1 + rng.IntN(5) {
			k := Knob{Name: string(rune('a' + i))}
			if rng.IntN(2) == 0 {
				k.Int = &[2]int{rng.IntN(3), 2 + rng.IntN(3)}
			} else {
				k.Choice = texts("0", "1", "2")[:1+rng.IntN(3)]
			}
			if i > 0 && rng.IntN(2) == 0 {
				on := space[rng.IntN(i)]
				v := Number(2)
				if on.Choice != nil {
					v = on.Choice[rng.IntN(len(on.Choice))]
				}
				k.When = map[string][]Value{on.Name: {v}}
			}
			space = append(space, k)
		}
		seen := map[string]bool{}
		forEach(space, Assignment{}, func(a Assignment) { seen[Prune(space, a).Key()] = true })
		rng.Shuffle(len(space), func(i, j int) { space[i], space[j] = space[j], space[i] })
		if got := SpaceSize(space); got != float64(len(seen)) {
			t.Fatalf("%+v: got %v, counted %d", space, got, len(seen))
		}
	}
	if got := SpaceSize([]Knob{{Name: "a", Float: &[2]float64{0, 1}}, {Name: "b", Choice: texts("x")}}); !math.IsInf(got, 1) {
		t.Errorf("with a float range: %v", got)
	}
	if got := SpaceSize([]Knob{{Name: "a", Float: &[2]float64{1, 1}}, {Name: "b", Choice: texts("x", "y"), When: map[string][]Value{"a": {Number(1)}}}}); got != 2 {
		t.Errorf("with a fixed float: %v", got)
	}
	large := []Knob{{Name: "a", Int: &[2]int{1, 1e9}}, {Name: "b", Choice: texts("x", "y"), When: map[string][]Value{"a": {Number(1)}}}}
	if got := SpaceSize(large); got != 2e9 {
		t.Errorf("too large to walk through: %v, want the upper bound", got)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"seed", "sampler", "latency.decode", "latency.prefill", "min", "max"}
	for word, want := range map[string]string{
		"sead": "seed", "Seed": "seed", "sede": "seed", "samler": "sampler", "latency.decoed": "latency.decode", "latency.perfill": "latency.prefill",
		"minimise": "min", "maximum": "max", "latency": "latency.decode", "mix": "min",
		"": "", "zzz": "", "completely.different": "", strings.Repeat("seed", 100): "",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	if Suggest("seed", nil) != "" {
		t.Error("a suggestion out of nothing")
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"abcd", "acbd", 1}, {"ca", "abc", 3}, {"defualt", "default", 1}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 90 * time.Second: "1m30s", 2 * time.Minute: "2m", 10 * time.Minute: "10m", time.Hour: "1h", 10 * time.Hour: "10h",
		time.Hour + 5*time.Second: "1h0m5s", time.Hour + 10*time.Minute: "1h10m", 100 * time.Hour: "100h", 1500 * time.Millisecond: "1.5s",
	} {
		got := FormatDuration(d)
		if back, err := time.ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%v: got %s, want %s (read as %v, %v)", d, got, want, back, err)
		}
	}
}

func TestSamplersCannotBeChangedFromOutside(t *testing.T) {
	Samplers()[0] = "changed"
	if !slices.Contains(Samplers(), DefaultSampler) {
		t.Error("the default sampler is not among the samplers")
	}
}
