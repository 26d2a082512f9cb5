package web_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/web/client"
)

// What follows makes up a study whose numbers have the shape of real ones, so
// that the pages can be looked at and tested. It exists in tests alone.

var epoch = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

var demoModel = study.Model{
	Digest: study.DigestOf([]byte("model")), Name: "fettle-demo-f16.gguf", Bytes: 17 << 20, Format: "gguf", Architecture: "llama",
	Parameters: 8_400_000, Blocks: 6, Context: 512, Vocabulary: 8192, Types: map[string]int64{"F16": 16 << 20, "F32": 12 << 10},
}

var demoRuntime = study.RuntimeInfo{Name: "llama.cpp", Version: "b9123", Digest: study.DigestOf([]byte("runtime")), Backend: "libggml-cpu-haswell.so"}

func texts(s string) []study.Value {
	var out []study.Value
	for w := range strings.FieldsSeq(s) {
		out = append(out, study.Text(w))
	}
	return out
}

func demoSpec(name string, lanes ...string) study.Spec {
	limit, memory := 1.0, 90e6
	spec := study.Spec{
		Version: 1, Name: name, Description: "A small story model for a board with little memory.",
		Model:    study.Content{Digest: demoModel.Digest, Name: demoModel.Name},
		Workload: study.Workload{PromptTokens: 128, GenerateTokens: 32, Context: 256, WarmUp: 1, MinRepeats: 5, MaxRepeats: 8, MaxTime: 2 * time.Second},
		Quality:  study.Quality{Text: study.Content{Digest: study.DigestOf([]byte("text")), Name: "eval.txt"}, Chunks: 16},
		Knobs: []study.Knob{
			{Name: "quant.default", Choice: texts("F16 Q8_0 Q6_K Q5_K Q4_K Q4_0 Q3_K Q2_K")},
			{Name: "quant.attention", Choice: texts("inherit Q8_0 Q6_K Q4_K")},
			{Name: "quant.ffn_down", Choice: texts("inherit Q8_0 Q6_K Q4_K")},
			{Name: "quant.embedding", Choice: texts("inherit F16 Q8_0 Q6_K Q4_K")},
			{Name: "prune.attention", Int: &[2]int{0, 2}},
			{Name: "prune.ffn", Int: &[2]int{0, 2}},
			{Name: "truncate.depth", Int: &[2]int{4, 6}},
			{Name: "runtime.threads", Int: &[2]int{1, 2}},
			{Name: "runtime.flash", Choice: []study.Value{study.Bool(false), study.Bool(true)}},
			{Name: "runtime.kv", Choice: texts("f16 q8_0 q4_0"), When: map[string][]study.Value{"runtime.flash": {study.Bool(true)}}},
		},
		Objectives: []study.Objective{
			{Metric: "quality.kld", Direction: study.Min},
			{Metric: "size.weights", Direction: study.Min},
			{Metric: "latency.decode", Direction: study.Min},
		},
		Constraints: []study.Constraint{{Metric: "quality.kld", Max: &limit}, {Metric: "memory.peak", Max: &memory}},
		Search:      study.SearchSpec{Sampler: "auto", Seed: 42},
		Budget:      study.Budget{Trials: 40},
	}
	for _, l := range lanes {
		spec.Targets = append(spec.Targets, study.TargetRef{Name: l})
	}
	return spec
}

func demoTarget(name, kind string) targets.Target {
	t := targets.Target{
		Name: name, Kind: kind, BootID: "b-" + name, Session: "s-" + name, Created: epoch, LastSeen: time.Now(),
		Facts: targets.Facts{
			Hostname: name, OS: "linux", Distribution: "Debian 12", Kernel: "6.12.9", Architecture: "amd64", CPU: "Intel Core i5-8259U @ 2.30GHz",
			Cores: 8, MemoryBytes: 16 << 30, Governor: "performance", AgentVersion: "0.1.0",
			Energy:      targets.Sensor{Source: "rapl:package-0", Boundary: "package"},
			Temperature: targets.Sensor{Source: "thermal_zone3: x86_pkg_temp"},
		},
	}
	if kind == targets.KindRaspberryPi {
		t.Facts.CPU, t.Facts.Architecture, t.Facts.Board = "Cortex-A76", "arm64", "Raspberry Pi 5 Model B Rev 1.0"
		t.Facts.Cores, t.Facts.MemoryBytes, t.Facts.Governor = 4, 8<<30, "ondemand"
		t.Facts.Energy = targets.Sensor{Missing: "this board has no power sensor that can be read", Try: "attach a USB power meter"}
	}
	return t
}

var bits = map[string]float64{"F16": 16, "Q8_0": 8.5, "Q6_K": 6.56, "Q5_K": 5.5, "Q4_K": 4.5, "Q4_0": 4.5, "Q3_K": 3.44, "Q2_K": 2.63}
var harm = map[string]float64{"F16": 0, "Q8_0": 0.0008, "Q6_K": 0.004, "Q5_K": 0.012, "Q4_K": 0.035, "Q4_0": 0.06, "Q3_K": 0.15, "Q2_K": 0.55}

// demoAssignment draws the assignment of trial index; 0 is the baseline.
func demoAssignment(spec study.Spec, index int, rng *rand.Rand) study.Assignment {
	a := study.Assignment{}
	for _, k := range spec.Knobs {
		switch {
		case k.Int == nil:
			a[k.Name] = k.Choice[rng.IntN(len(k.Choice))]
		case k.Name != "runtime.threads" && rng.IntN(3) > 0: // mostly little damage
			a[k.Name] = study.Number(float64(map[bool]int{true: k.Int[1], false: k.Int[0]}[k.Name == "truncate.depth"]))
		default:
			a[k.Name] = study.Number(float64(k.Int[0] + rng.IntN(k.Int[1]-k.Int[0]+1)))
		}
	}
	if index == 0 {
		a = study.Assignment{
			"quant.default": study.Text("F16"), "quant.attention": study.Text("inherit"), "quant.ffn_down": study.Text("inherit"), "quant.embedding": study.Text("inherit"),
			"prune.attention": study.Number(0), "prune.ffn": study.Number(0), "truncate.depth": study.Number(6), "runtime.threads": study.Number(2), "runtime.flash": study.Bool(false),
		}
	}
	return study.Prune(spec.Knobs, a)
}

// demoEffect makes up what an assignment costs: bytes of weights, divergence,
// seconds per token.
func demoEffect(a study.Assignment, noise float64) (size, kld, decode float64) {
	typeOf := func(name string) string {
		if v := a[name].String(); v != study.Inherit {
			return v
		}
		return a["quant.default"].String()
	}
	depth, att, ffn := a["truncate.depth"].Float(), a["prune.attention"].Float(), a["prune.ffn"].Float()
	size = 2.1e6*bits[typeOf("quant.embedding")]/8 + (depth-att)*0.26e6*bits[typeOf("quant.attention")]/8 +
		(depth-ffn)*(0.52e6*bits[typeOf("quant.default")]/8+0.26e6*bits[typeOf("quant.ffn_down")]/8)
	kld = harm[typeOf("quant.embedding")]*0.5 + harm[typeOf("quant.attention")]*0.4 + harm[typeOf("quant.default")]*0.6 + harm[typeOf("quant.ffn_down")]*0.5 +
		0.05*att*att + 0.16*ffn*ffn + 0.22*(6-depth)*(6-depth) + map[string]float64{"q8_0": 0.0004, "q4_0": 0.02}[demoKV(a)]
	decode = (0.0004 + size/1.1e10) * (2.4 - 0.55*a["runtime.threads"].Float()) * (1 + 0.04*noise)
	if a["runtime.flash"].True() {
		decode *= 0.96
	}
	return size, kld, decode
}

func demoKV(a study.Assignment) string {
	if v, ok := a["runtime.kv"]; ok {
		return v.String()
	}
	return "f16"
}

// demoText is a recipe in one line.
func demoText(a study.Assignment) string {
	text := a["quant.default"].String()
	for _, k := range []string{"attention", "ffn_down", "embedding"} {
		if v := a["quant."+k].String(); v != study.Inherit {
			text += fmt.Sprintf(" · %s %s", k, v)
		}
	}
	for _, k := range []string{"attention", "ffn"} {
		if v := a["prune."+k].Int(); v > 0 {
			text += fmt.Sprintf(" · −%d %s", v, k)
		}
	}
	if depth := a["truncate.depth"].Int(); depth < 6 {
		text += fmt.Sprintf(" · first %d blocks", depth)
	}
	threads := a["runtime.threads"].Int()
	return text + fmt.Sprintf(" · %d %s · KV %s", threads, map[bool]string{true: "thread", false: "threads"}[threads == 1], demoKV(a))
}

// demoTrial makes up trial n of a lane with its attempt and scores.
func demoTrial(st study.Study, target string, n, index int, slow float64) (study.Trial, study.Attempt, []study.ChunkScore) {
	rng := rand.New(rand.NewPCG(uint64(index), uint64(len(target))))
	a := demoAssignment(st.Spec, index, rng)
	size, kld, decode := demoEffect(a, rng.NormFloat64())
	text, created := demoText(a), st.Created.Add(time.Duration(index)*7*time.Second)
	t := study.Trial{
		Study: st.ID, Number: n, Target: target, Index: index, State: study.Complete, Assignment: a,
		Recipe: study.Recipe{
			Format: "gguf/1", Model: fmt.Appendf(nil, `{"study":%q,"n":%d}`, st.ID, n), Text: text,
			Run: study.RunOptions{Threads: a["runtime.threads"].Int(), Flash: a["runtime.flash"].True(), KV: demoKV(a), Context: 256},
		},
		Prediction: study.Prediction{FileBytes: int64(size) + 180_000, WeightBytes: int64(size), KVBytes: 3 << 20, OpsPerToken: 16e6, PeakMemoryBytes: int64(size) + 3<<20},
		Pieces:     []study.PieceRef{{Digest: study.DigestOf([]byte(text)), Bytes: int64(size)}, {Digest: study.DigestOf([]byte(text + "2")), Bytes: 180_000}},
		Values:     map[string]study.Summary{"size.weights": study.Exact(math.Round(size)), "size.file": study.Exact(math.Round(size) + 180_000)},
		Spent:      study.Spent{Build: 40 * time.Millisecond, Evaluate: 2100 * time.Millisecond, Wait: 300 * time.Millisecond, Measure: 1900 * time.Millisecond},
		Created:    created, Ended: created.Add(6200 * time.Millisecond),
	}
	scores := demoScores(kld, rng)
	maps.Copy(t.Values, study.QualityValues(scores))
	if index == 0 {
		t.Values["quality.kld"], t.Values["quality.top1"] = study.Exact(0), study.Exact(1)
	}
	attempt := demoAttempt(t, slow*decode, rng)
	for _, m := range attempt.Result.Measurements {
		t.Values[m.Metric], _ = study.Summarise(m, study.DefaultStatistic)
		t.Warnings = append(t.Warnings, m.Warnings...)
	}
	if got := t.Values["quality.kld"].Value; got > 1 {
		t.State, t.Reason, t.Detail = study.Infeasible, study.ReasonConstraint, fmt.Sprintf("quality.kld is %.2f, at most 1 is allowed", got)
	}
	if index == 17 {
		t.State, t.Reason, t.Detail = study.Infeasible, study.ReasonAssertion, "the runtime aborted on a check of its own"
		t.Stderr = []string{"ggml.c:1234: GGML_ASSERT(ne00 % QK_K == 0) failed", "Aborted"}
		t.Values = map[string]study.Summary{"size.weights": t.Values["size.weights"]}
		attempt.Result = &study.Result{Failure: &study.Failure{Infeasible: true, Reason: t.Reason, Detail: t.Detail, Stderr: t.Stderr}}
	}
	return t, attempt, scores
}

// demoAttempt makes up the attempt that measured a trial.
func demoAttempt(t study.Trial, decode float64, rng *rand.Rand) study.Attempt {
	const floor = 31e6
	a := study.Attempt{
		ID: fmt.Sprintf("a%d", t.Number), Study: t.Study, Trial: t.Number, Target: t.Target, Fence: int64(t.Number) + 1, State: study.AttemptReported,
		Started: t.Created.Add(4 * time.Second), Expires: t.Created.Add(64 * time.Second), Ended: t.Created.Add(6 * time.Second),
	}
	other := make([]float64, 6)
	for i := range other {
		other[i] = 0.004 + 0.01*rng.Float64()
	}
	a.Result = &study.Result{
		Measurements: demoSamples(decode, floor+float64(t.Prediction.WeightBytes)+9e6, floor, t.Target, rng),
		Wait:         300 * time.Millisecond, Measure: 1900 * time.Millisecond,
		Conditions: &study.Conditions{
			Started: a.Started, Runtime: demoRuntime, Governor: "performance", ClockHz: []study.Range{{Low: 2.3e9, High: 3.6e9}, {Low: 2.3e9, High: 3.6e9}},
			Temperature: &study.Range{Low: 51, High: 63}, Load1: 0.42, OtherCPU: other, AvailableMem: 11 << 30, MajorFaults: 3,
		},
	}
	if t.Target != "local" {
		a.Result.Conditions.Missing = map[string]string{"energy": "this board has no power sensor that can be read"}
	}
	return a
}

func demoScores(kld float64, rng *rand.Rand) []study.ChunkScore {
	var out []study.ChunkScore
	for c := range 16 {
		const n = 127
		k := kld * (1 + 0.15*rng.NormFloat64())
		nll := 1.62 + k
		out = append(out, study.ChunkScore{
			Chunk: c, Count: n, NLL: n * nll, NLL2: n * (nll*nll + 2.6), KLD: n * k, KLD2: n * k * k * 5,
			Same1: int(n * math.Exp(-1.1*math.Sqrt(k))), Bytes: n * 4,
		})
	}
	return out
}

func demoSamples(decode, peak, floor float64, target string, rng *rand.Rand) []study.Measurement {
	const repeats, tokens = 6, 32
	var d, first, pre, joules []float64
	for range repeats {
		base := decode * (1 + 0.008*rng.NormFloat64())
		for range tokens {
			x := base * (1 + 0.02*math.Abs(rng.NormFloat64()))
			if rng.IntN(60) == 0 {
				x *= 1.4
			}
			d = append(d, x)
		}
		pre = append(pre, base*0.21)
		first = append(first, base*128*0.21+base)
		joules = append(joules, base*11)
	}
	warnings := []string(nil)
	if rng.IntN(9) == 0 {
		warnings = []string{"disturbed"}
	}
	out := []study.Measurement{
		{Metric: "latency.decode", Unit: "s/token", Samples: d, Group: tokens, Warnings: warnings},
		{Metric: "latency.first_token", Unit: "s", Samples: first},
		{Metric: "latency.prefill", Unit: "s/token", Samples: pre},
		{Metric: "latency.load", Unit: "s", Samples: []float64{0.021 + peak/8e9}},
		{Metric: "memory.peak", Unit: "B", Samples: []float64{math.Round(peak)}},
		{Metric: "memory.peak_anon", Unit: "B", Samples: []float64{math.Round(floor*0.4 + 9e6)}},
		{Metric: "memory.floor", Unit: "B", Samples: []float64{floor}},
	}
	if target == "local" {
		out = append(out, study.Measurement{Metric: "energy.decode", Unit: "J/token", Samples: joules, Boundary: "package"},
			study.Measurement{Metric: "temperature.max", Unit: "°C", Samples: []float64{63}})
	}
	return out
}

// fill runs a study up to n trials in each of its lanes.
func (f *fake) fill(st study.Study, n int) {
	for i := range n {
		for lane := range st.Spec.Targets {
			f.step(st, lane, i)
		}
	}
}

// step completes trial i of a lane.
func (f *fake) step(st study.Study, lane, i int) study.Trial {
	slow := 1 + 2.2*float64(lane)
	t, att, scores := demoTrial(st, st.Spec.Targets[lane].Name, i*len(st.Spec.Targets)+lane, i, slow)
	f.mu.Lock()
	f.attempts[client.TrialRef(st.ID, t.Number)] = []study.Attempt{att}
	f.scores[t.Recipe.Variant(demoModel.Digest)] = scores
	f.mu.Unlock()
	f.put(t)
	return t
}

// demo is a backend with one target and the demo study after n trials.
func demo(n int, state study.StudyState) (*fake, study.Study) {
	f := newFake()
	f.models = []study.Model{demoModel}
	f.targets = []targets.Target{demoTarget("local", targets.KindLocal)}
	st := study.Study{ID: "k3w9", Spec: demoSpec("demo", "local"), State: state, Created: epoch}
	f.addStudy(st)
	f.fill(st, n)
	return f, st
}
