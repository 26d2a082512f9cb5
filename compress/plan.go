package compress

import (
	"cmp"
	"slices"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// defaultKV is the type of the key-value cache where no knob sets it.
const defaultKV = "f16"

// Plan says what an assignment means for the model, and what is known of it
// without building it. It is a pure function and takes well under a
// millisecond, so that it can serve as identity of assignments. ranking may be
// nil as long as nothing is pruned. An assignment that cannot hold is
// fault.Invalid; a missing ranking is fault.Conflict.
func (m *Model) Plan(spec *study.Spec, ranking *study.Ranking, a study.Assignment) (study.Recipe, study.Prediction, error) {
	x, err := m.mean(ranking, a)
	if err != nil {
		return study.Recipe{}, study.Prediction{}, err
	}
	run, err := m.runOptions(spec, a)
	if err != nil {
		return study.Recipe{}, study.Prediction{}, err
	}
	return m.recipe(x, run), m.predict(x, run, ranking), nil
}

// BaselinePlan returns the plan of the unchanged model with the workload's
// default run options. Its assignment holds, for every knob whose domain has
// one, the value that changes nothing.
func (m *Model) BaselinePlan(spec *study.Spec) (study.Assignment, study.Recipe, study.Prediction, error) {
	a := study.Assignment{}
	for _, k := range spec.Knobs {
		for _, v := range m.neutral(k) {
			if k.Contains(v) {
				a[k.Name] = v
				break
			}
		}
	}
	a = study.Prune(spec.Knobs, a)
	x := meaning{Blocks: m.shape.blocks}
	run, err := m.runOptions(spec, study.Assignment{})
	if err != nil {
		return nil, study.Recipe{}, study.Prediction{}, err
	}
	return a, m.recipe(x, run), m.predict(x, run, nil), nil
}

// neutral returns the values of a knob that change nothing, best first.
func (m *Model) neutral(k study.Knob) []study.Value {
	switch k.Name {
	case "prune.attention", "prune.ffn":
		return []study.Value{study.Number(0)}
	case "truncate.depth":
		return []study.Value{study.Number(float64(m.shape.blocks))}
	case "runtime.threads":
		return []study.Value{study.Number(float64(highest(&k)))}
	case "runtime.flash":
		return []study.Value{study.Bool(false)}
	case "runtime.kv":
		return []study.Value{study.Text(defaultKV)}
	}
	for _, g := range groups {
		if k.Name != g.knob() {
			continue
		}
		own, general := m.sourceType(g), m.sourceType(rest)
		if g != rest && own == general {
			return []study.Value{study.Text(study.Inherit), study.Text(own)}
		}
		return []study.Value{study.Text(own)}
	}
	return nil
}

// sourceType is the type of most matrices of a group in the source.
func (m *Model) sourceType(g group) string {
	elements := map[gguf.Type]int64{}
	best := gguf.F32
	for _, t := range m.tensors {
		if t.group == g {
			elements[t.Type] += t.Elements()
			if elements[t.Type] > elements[best] {
				best = t.Type
			}
		}
	}
	return best.String()
}

// HalfBlock returns the recipe of the model without one half (Attention or
// FFN) of one block and with nothing else changed, for the ablation.
func (m *Model) HalfBlock(half string, block int, run study.RunOptions) (study.Recipe, error) {
	x := meaning{Blocks: m.shape.blocks}
	switch half {
	case Attention:
		x.Without.Attention = []int{block}
	case FFN:
		x.Without.FFN = []int{block}
	default:
		return study.Recipe{}, fault.New(fault.Internal, "cannot leave out the half %q of a block", half)
	}
	if err := m.checkMeaning(x); err != nil {
		return study.Recipe{}, fault.New(fault.Invalid, "cannot leave out a half block of %s: %s", show(m.info.Name), err)
	}
	return m.recipe(x, run), nil
}

// mean finds the model part of an assignment.
func (m *Model) mean(ranking *study.Ranking, a study.Assignment) (meaning, error) {
	if err := m.refuse(a); err != nil {
		return meaning{}, err
	}
	x := meaning{Blocks: m.shape.blocks}
	if v, ok := a["truncate.depth"]; ok {
		x.Blocks = v.Int()
		if !v.IsNumber() || x.Blocks < 1 || x.Blocks > m.shape.blocks {
			return x, fault.New(fault.Invalid, "cannot keep %s blocks of %d", v, m.shape.blocks)
		}
	}
	var damage study.Ranking
	if ranking != nil {
		damage = *ranking
	}
	var err error
	if x.Without.Attention, err = leastDamage(a["prune.attention"].Int(), damage.Attention, x.Blocks, m.shape.blocks); err != nil {
		return x, err
	}
	if x.Without.FFN, err = leastDamage(a["prune.ffn"].Int(), damage.FFN, x.Blocks, m.shape.blocks); err != nil {
		return x, err
	}
	return x, m.meanTypes(&x, a)
}

// refuse returns an error if a sets a knob that the model cannot have to
// something else than what changes nothing.
func (m *Model) refuse(a study.Assignment) error {
	for _, k := range study.KnobRegistry() {
		reason, refused := m.info.Refused[k.Name]
		v, set := a[k.Name]
		if !refused || !set || v == study.Text(study.Inherit) || v == study.Number(0) || k.Name == "truncate.depth" && v.Int() == m.shape.blocks {
			continue
		}
		return fault.New(fault.Invalid, "cannot set %s for %s: %s", k.Name, show(m.info.Name), reason).Trying("remaining knobs: %s", m.remaining())
	}
	return nil
}

// leastDamage returns the n blocks, of the first kept, that are ranked to do
// least damage; in order of blocks. Equal damage prefers the later block.
func leastDamage(n int, damage []float64, kept, blocks int) ([]int, error) {
	switch {
	case n == 0:
		return nil, nil
	case n < 0 || n >= kept:
		return nil, fault.New(fault.Invalid, "cannot leave out %d half blocks of %d", n, kept)
	case damage == nil:
		return nil, fault.New(fault.Conflict, "cannot choose half blocks to leave out before their damage is measured")
	case len(damage) != blocks:
		return nil, fault.New(fault.Internal, "cannot use a ranking of %d blocks for a model of %d", len(damage), blocks)
	}
	order := make([]int, kept)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(damage[i], damage[j]), cmp.Compare(j, i))
	})
	out := order[:n]
	slices.Sort(out)
	return out, nil
}

// meanTypes finds the stored type of every matrix.
func (m *Model) meanTypes(x *meaning, a study.Assignment) error {
	want := map[group]*gguf.Type{}
	for _, g := range groups {
		v, ok := a[g.knob()]
		if !ok || g != rest && v == study.Text(study.Inherit) {
			want[g] = want[rest] // nil: as in the source
			continue
		}
		t, known := parseTarget(v.String())
		if !v.IsText() || !known {
			return fault.New(fault.Invalid, "cannot set %s to %q: not a type that matrices can be stored in", g.knob(), gguf.Printable(v.String(), 40)).Trying("one of %s", typeNames(targets, ", "))
		}
		want[g] = &t
	}
	x.Types = map[string]gguf.Type{}
	for _, t := range m.tensors {
		if want[t.group] == nil || x.drops(t) {
			continue
		}
		if to := stored(*want[t.group], t.Dims[0]); to != t.Type {
			x.Types[t.Name] = to
		}
	}
	return nil
}

// runOptions finds the run part of an assignment. What no knob sets is the
// workload's default: as many threads as the study allows, no flash attention,
// an F16 cache.
func (m *Model) runOptions(spec *study.Spec, a study.Assignment) (study.RunOptions, error) {
	run := study.RunOptions{Threads: highest(spec.Knob("runtime.threads")), KV: defaultKV, Context: spec.Workload.Context}
	if v, ok := a["runtime.threads"]; ok {
		run.Threads = v.Int()
	}
	if run.Threads < 1 {
		return run, fault.New(fault.Invalid, "cannot compute with %d threads", run.Threads)
	}
	run.Flash = a["runtime.flash"].True()
	if v, ok := a["runtime.kv"]; ok {
		run.KV = v.String()
	}
	if reason := m.badCache(run.KV); reason != "" {
		return run, fault.New(fault.Invalid, "cannot use a key-value cache of type %q: %s", gguf.Printable(run.KV, 40), reason)
	}
	if t, _ := gguf.ParseCacheType(run.KV); t.Quantised() && !run.Flash {
		return run, fault.New(fault.Invalid, "cannot use a key-value cache of type %s without flash attention", run.KV).
			Trying("give runtime.kv the condition when: {runtime.flash: [true]}")
	}
	return run, nil
}

// highest is the highest value of a knob of whole numbers, 1 if there is none.
func highest(k *study.Knob) int {
	switch {
	case k == nil:
		return 1
	case k.Int != nil:
		return k.Int[1]
	}
	top := 1
	for _, v := range k.Choice {
		top = max(top, v.Int())
	}
	return top
}
