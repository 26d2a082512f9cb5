package compress

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

func plan(t testing.TB, m *Model, a study.Assignment) (study.Recipe, study.Prediction) {
	t.Helper()
	r, p, err := m.Plan(demoSpec(), demoRanking(), a)
	if err != nil {
		t.Fatal(err)
	}
	return r, p
}

func TestPlanTellsMeaningFromWording(t *testing.T) {
	m := openDemo(t)
	a := study.Assignment{"quant.default": study.Text("Q4_K"), "runtime.threads": study.Number(2)}
	r, _ := plan(t, m, a)
	for name, same := range map[string]study.Assignment{
		"inherit":         {"quant.attention": study.Text("inherit"), "quant.embedding": study.Text("inherit")},
		"the same type":   {"quant.attention": study.Text("Q4_K"), "quant.ffn_down": study.Text("Q4_K")},
		"nothing dropped": {"prune.attention": study.Number(0), "truncate.depth": study.Number(6)},
		"default cache":   {"runtime.flash": study.Bool(false)},
	} {
		other := maps.Clone(a)
		maps.Copy(other, same)
		if got, _ := plan(t, m, other); got.Key() != r.Key() || got.Text != r.Text {
			t.Errorf("%s: another recipe:\n%s\n%s", name, got.Text, r.Text)
		}
	}
	for name, change := range map[string]study.Assignment{
		"attention": {"quant.attention": study.Text("Q8_0")},
		"pruned":    {"prune.attention": study.Number(1)},
		"pruned 2":  {"prune.attention": study.Number(2)},
		"ffn":       {"prune.ffn": study.Number(1)},
		"depth":     {"truncate.depth": study.Number(5)},
		"threads":   {"runtime.threads": study.Number(1)},
		"flash":     {"runtime.flash": study.Bool(true)},
		"cache":     {"runtime.flash": study.Bool(true), "runtime.kv": study.Text("q8_0")},
	} {
		other := maps.Clone(a)
		maps.Copy(other, change)
		if got, _ := plan(t, m, other); got.Key() == r.Key() || got.Text == r.Text {
			t.Errorf("%s: the same recipe %s", name, got.Text)
		}
	}
}

// Over random assignments: recipes are equal exactly if their texts are, and
// what is left out does not depend on types that nobody stores.
func TestPlanTextIsUnique(t *testing.T) {
	m, spec := openDemo(t), demoSpec()
	rng := rand.New(rand.NewPCG(3, 4))
	keys := map[string]string{}
	for range 2000 {
		r, _ := plan(t, m, draw(rng, spec.Knobs))
		if key, ok := keys[r.Text]; ok && key != r.Key() {
			t.Fatalf("two recipes are called %s", r.Text)
		}
		keys[r.Text] = r.Key()
	}
	seen := map[string]bool{}
	for _, key := range keys {
		if seen[key] {
			t.Fatal("a recipe has two texts")
		}
		seen[key] = true
	}
	if len(seen) < 1000 {
		t.Errorf("only %d recipes in 2000 draws", len(seen))
	}
}

func TestPlanText(t *testing.T) {
	m := openDemo(t)
	r, _ := plan(t, m, study.Assignment{
		"quant.default": study.Text("Q4_K"), "quant.attention": study.Text("Q8_0"), "quant.embedding": study.Text("Q6_K"),
		"prune.attention": study.Number(2), "prune.ffn": study.Number(1), "truncate.depth": study.Number(5),
		"runtime.threads": study.Number(1), "runtime.flash": study.Bool(true), "runtime.kv": study.Text("q8_0"),
	})
	want := "Q4_K · attn Q8_0 · embd Q6_K · −attn[1,2] · −ffn[3] · 5/6 blocks · 1 thread · flash · kv q8_0"
	if r.Text != want {
		t.Errorf("got  %s\nwant %s", r.Text, want)
	}
}

func TestPlanLeavesOutLeastDamage(t *testing.T) {
	m := openDemo(t)
	for _, c := range []struct {
		attention, ffn, depth int
		want                  without
	}{
		{0, 0, 6, without{}},
		{1, 1, 6, without{[]int{5}, []int{3}}},
		{2, 2, 6, without{[]int{2, 5}, []int{2, 3}}},
		{2, 2, 5, without{[]int{1, 2}, []int{2, 3}}},
		{2, 2, 4, without{[]int{1, 2}, []int{2, 3}}},
	} {
		r, _ := plan(t, m, study.Assignment{
			"prune.attention": study.Number(float64(c.attention)), "prune.ffn": study.Number(float64(c.ffn)), "truncate.depth": study.Number(float64(c.depth)),
		})
		var x meaning
		if err := json.Unmarshal(r.Model, &x); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x.Without.Attention, c.want.Attention) || !slices.Equal(x.Without.FFN, c.want.FFN) || x.Blocks != c.depth {
			t.Errorf("%+v: got %s", c, r.Model)
		}
	}
}

func TestPlanErrors(t *testing.T) {
	m, spec := openDemo(t), demoSpec()
	for _, c := range []struct {
		name    string
		ranking *study.Ranking
		a       study.Assignment
		kind    fault.Kind
	}{
		{"no ranking", nil, study.Assignment{"prune.ffn": study.Number(1)}, fault.Conflict},
		{"ranking of another model", &study.Ranking{FFN: []float64{1}}, study.Assignment{"prune.ffn": study.Number(1)}, fault.Internal},
		{"everything dropped", demoRanking(), study.Assignment{"prune.ffn": study.Number(6)}, fault.Invalid},
		{"all kept blocks dropped", demoRanking(), study.Assignment{"prune.ffn": study.Number(4), "truncate.depth": study.Number(4)}, fault.Invalid},
		{"too deep", nil, study.Assignment{"truncate.depth": study.Number(7)}, fault.Invalid},
		{"no blocks", nil, study.Assignment{"truncate.depth": study.Number(0)}, fault.Invalid},
		{"unknown type", nil, study.Assignment{"quant.default": study.Text("Q9_K")}, fault.Invalid},
		{"type that needs an importance matrix", nil, study.Assignment{"quant.default": study.Text("IQ2_XS")}, fault.Invalid},
		{"default inherits", nil, study.Assignment{"quant.default": study.Text("inherit")}, fault.Invalid},
		{"refused", nil, study.Assignment{"quant.output": study.Text("Q8_0")}, fault.Invalid},
		{"quantised cache without flash", nil, study.Assignment{"runtime.kv": study.Text("q8_0")}, fault.Invalid},
		{"cache type of no cache", nil, study.Assignment{"runtime.flash": study.Bool(true), "runtime.kv": study.Text("q4_k")}, fault.Invalid},
		{"no threads", nil, study.Assignment{"runtime.threads": study.Number(0)}, fault.Invalid},
	} {
		if _, _, err := m.Plan(spec, c.ranking, c.a); fault.KindOf(err) != c.kind || err == nil {
			t.Errorf("%s: got %v, want %s", c.name, err, c.kind)
		}
	}
	if _, _, err := m.Plan(spec, nil, study.Assignment{"prune.ffn": study.Number(0)}); err != nil {
		t.Errorf("nothing is dropped, so no ranking is needed: %v", err)
	}
}

func TestBaselinePlan(t *testing.T) {
	m, spec := openDemo(t), demoSpec()
	a, r, p, err := m.BaselinePlan(spec)
	if err != nil {
		t.Fatal(err)
	}
	want := study.Assignment{
		"quant.default": study.Text("F16"), "quant.attention": study.Text("inherit"), "quant.ffn_down": study.Text("inherit"), "quant.embedding": study.Text("inherit"),
		"prune.attention": study.Number(0), "prune.ffn": study.Number(0), "truncate.depth": study.Number(6),
		"runtime.threads": study.Number(2), "runtime.flash": study.Bool(false),
	}
	if !maps.Equal(a, want) {
		t.Errorf("assignment %v, want %v", a, want)
	}
	if string(r.Model) != `{"blocks":6}` || r.Run != (study.RunOptions{Threads: 2, KV: "f16", Context: 256}) || r.Text != "F16 · 2 threads" {
		t.Errorf("recipe %s %+v %s", r.Model, r.Run, r.Text)
	}
	if p.FileBytes != 8188736 {
		t.Errorf("%d bytes predicted, the file has 8188736", p.FileBytes)
	}
	again, prediction := plan(t, m, a)
	if again.Key() != r.Key() || prediction != p {
		t.Errorf("the baseline's assignment means %s, %+v", again.Text, prediction)
	}
}

// Figures worked out by hand for the demo: width 256, 8 heads of 32, 4
// key-value heads, FFN 512, vocabulary 2048, 6 blocks, tied embedding.
func TestPredictionByHand(t *testing.T) {
	m := openDemo(t)
	const attn, ffn, embd = 256*256*2 + 256*128*2, 3 * 256 * 512, 2048 * 256
	_, p := plan(t, m, study.Assignment{"quant.default": study.Text("F16"), "runtime.threads": study.Number(1)})
	want := study.Prediction{FileBytes: 8188736, WeightBytes: 2*(6*(attn+ffn)+embd) + 4*256*13, KVBytes: 6 * 256 * 4 * (32 + 32) * 2, OpsPerToken: 2 * (6*(attn+ffn) + embd)}
	want.PeakMemoryBytes = want.WeightBytes + want.KVBytes
	if p != want {
		t.Errorf("baseline: got  %+v\nwant %+v", p, want)
	}
	_, p = plan(t, m, study.Assignment{
		"quant.default": study.Text("Q8_0"), "prune.attention": study.Number(1), "prune.ffn": study.Number(1), "truncate.depth": study.Number(5),
		"runtime.flash": study.Bool(true), "runtime.kv": study.Text("q8_0"),
	})
	const stub = 3 * 256 * 32
	weights := int64((4*attn+4*ffn+embd)/32*34 + stub*2 + 4*256*10) // 11 norms of 5 blocks, less that of the dropped attention
	if p.WeightBytes != weights {
		t.Errorf("pruned: %d bytes of weights, want %d", p.WeightBytes, weights)
	}
	if want := int64(4 * 256 * 4 * (34 + 34)); p.KVBytes != want {
		t.Errorf("pruned: %d bytes of cache, want %d", p.KVBytes, want)
	}
	if want := int64(2 * (4*(attn+ffn) + embd + stub)); p.OpsPerToken != want {
		t.Errorf("pruned: %d operations, want %d", p.OpsPerToken, want)
	}
	if want := 0.5 + 7 + 1 + 2.0; p.Damage != want { // block 5, and the least of the others
		t.Errorf("pruned: damage %v, want %v", p.Damage, want)
	}
}

func TestUntiedEmbeddingIsNotMultiplied(t *testing.T) {
	y := llamaToy()
	_, _, tied, err := y.open(t).BaselinePlan(demoSpec())
	if err != nil {
		t.Fatal(err)
	}
	y.untied = true
	_, _, untied, err := y.open(t).BaselinePlan(demoSpec())
	if err != nil {
		t.Fatal(err)
	}
	if untied.OpsPerToken != tied.OpsPerToken || untied.WeightBytes != tied.WeightBytes+64*50*2 {
		t.Errorf("tied %+v, untied %+v", tied, untied)
	}
}

func TestHalfBlock(t *testing.T) {
	m := openDemo(t)
	_, base, _, err := m.BaselinePlan(demoSpec())
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.HalfBlock(Attention, 3, base.Run)
	if err != nil || string(r.Model) != `{"blocks":6,"without":{"attention":[3]}}` {
		t.Errorf("got %s, %v", r.Model, err)
	}
	for _, bad := range []struct {
		half  string
		block int
	}{{"head", 0}, {FFN, -1}, {FFN, 6}} {
		if _, err := m.HalfBlock(bad.half, bad.block, base.Run); err == nil {
			t.Errorf("%v gave no error", bad)
		}
	}
	y := llamaToy()
	y.arch = "qwen2"
	if _, err := y.open(t).HalfBlock(FFN, 1, base.Run); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "qwen2") {
		t.Errorf("an architecture that cannot be pruned: %v", err)
	}
}

func TestCheck(t *testing.T) {
	m := openDemo(t)
	if got := m.Check(demoSpec()); len(got) != 0 {
		t.Errorf("the demo's study has problems: %v", got)
	}
	spec := demoSpec()
	spec.Workload.Context = 512
	set := func(k study.Knob) {
		for i := range spec.Knobs {
			if spec.Knobs[i].Name == k.Name {
				spec.Knobs[i] = k
				return
			}
		}
		spec.Knobs = append(spec.Knobs, k)
	}
	set(study.Knob{Name: "quant.default", Choice: texts("F16", "inherit", "IQ2_XS", "Q8_0", "q8_0")})
	set(study.Knob{Name: "quant.attention", Choice: []study.Value{study.Text("inherit"), study.Number(4)}})
	set(study.Knob{Name: "quant.output", Choice: texts("Q8_0")})
	set(study.Knob{Name: "truncate.depth", Int: &[2]int{0, 7}})
	set(study.Knob{Name: "prune.ffn", Int: &[2]int{0, 2}})
	set(study.Knob{Name: "runtime.threads", Int: &[2]int{0, 2}})
	set(study.Knob{Name: "runtime.kv", Choice: texts("f16", "q9_0", "q4_K", "q8_0"), When: map[string][]study.Value{"runtime.flash": {study.Bool(false)}}})
	want := []string{
		"workload.context", "knobs.quant.default.choice.1", "knobs.quant.default.choice.2", "knobs.quant.default.choice.4", "knobs.quant.attention.choice.1",
		"knobs.prune.attention.int.0", "knobs.prune.attention.int.1", "knobs.prune.ffn.int.0", "knobs.prune.ffn.int.1",
		"knobs.truncate.depth.int.0", "knobs.truncate.depth.int.1", "knobs.runtime.threads.int.0",
		"knobs.runtime.kv.choice.1", "knobs.runtime.kv.choice.2", "knobs.runtime.kv.choice.3", "knobs.quant.output",
	}
	var got []string
	for _, p := range m.Check(spec) {
		got = append(got, p.Path)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestCacheBlocksMustDivideTheHeadLength(t *testing.T) {
	y := llamaToy()
	y.heads = 4 // of 16 elements
	m, spec := y.open(t), demoSpec()
	spec.Knobs = spec.Knobs[8:]
	problems := m.Check(spec)
	if len(problems) != 2 || problems[0].Path != "knobs.runtime.kv.choice.1" || !strings.Contains(problems[0].Message, "head length 16") {
		t.Errorf("got %v", problems)
	}
	a := study.Assignment{"runtime.flash": study.Bool(true), "runtime.kv": study.Text("q8_0")}
	if _, _, err := m.Plan(spec, nil, a); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Plan: %v", err)
	}
}

func TestCheckSaysWhichKnobsRemain(t *testing.T) {
	y := llamaToy()
	y.arch, y.typ = "gemma2", gguf.Q8_0
	problems := y.open(t).Check(demoSpec())
	if len(problems) != 7 {
		t.Errorf("%d problems: %v", len(problems), problems)
	}
	for _, p := range problems {
		if !strings.Contains(p.Message, "remaining knobs: runtime.threads, runtime.flash, runtime.kv") {
			t.Errorf("%s: %s", p.Path, p.Message)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	m, spec, ranking := openDemo(b), demoSpec(), demoRanking()
	rng := rand.New(rand.NewPCG(5, 6))
	for b.Loop() {
		if _, _, err := m.Plan(spec, ranking, draw(rng, spec.Knobs)); err != nil {
			b.Fatal(err)
		}
	}
}
