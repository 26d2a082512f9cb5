package compress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// cacheTypes are the types that llama.cpp's tools offer for the key-value
// cache.
var cacheTypes = []string{"f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"}

// badCache says why a type cannot be that of the model's key-value cache, ""
// if it can.
func (m *Model) badCache(name string) string {
	t, ok := gguf.ParseCacheType(name)
	if !ok || !slices.Contains(cacheTypes, name) {
		return "not one of " + strings.Join(cacheTypes, ", ")
	}
	for _, length := range []int64{m.shape.keyLength, m.shape.valLength} {
		if !t.Fits(length) {
			return fmt.Sprintf("its blocks of %d elements do not divide the head length %d", t.BlockLength(), length)
		}
	}
	return ""
}

// Check returns what in a study cannot be done with this model; nothing if all
// can. It does not repeat what a study file alone can get wrong.
func (m *Model) Check(spec *study.Spec) []fault.Problem {
	c := &checker{m: m, spec: spec}
	if n := spec.Workload.Context; m.shape.context > 0 && n > m.shape.context {
		c.add("workload.context", "%d tokens are more than the %d the model was trained for", n, m.shape.context)
	}
	for _, k := range spec.Knobs {
		path := "knobs." + k.Name
		if reason, ok := m.info.Refused[k.Name]; ok {
			c.add(path, "this model cannot have it: %s; remaining knobs: %s", reason, m.remaining())
			continue
		}
		switch k.Name {
		case "truncate.depth":
			c.depth(path, k)
		case "prune.attention", "prune.ffn":
			c.pruning(path, k)
		case "runtime.kv":
			c.cache(path, k)
		case "runtime.threads":
			if k.Int != nil && k.Int[0] < 1 {
				c.add(path+".int.0", "%d threads cannot compute", k.Int[0])
			}
		default:
			if strings.HasPrefix(k.Name, "quant.") {
				c.types(path, k)
			}
		}
	}
	return c.problems
}

type checker struct {
	m        *Model
	spec     *study.Spec
	problems []fault.Problem
}

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) types(path string, k study.Knob) {
	for i, v := range k.Choice {
		if v == study.Text(study.Inherit) && k.Name != rest.knob() {
			continue
		}
		if _, ok := parseTarget(v.String()); !ok || !v.IsText() {
			c.add(fmt.Sprintf("%s.choice.%d", path, i), "%s is not a type that matrices can be stored in: %s", show(v.String()), typeNames(targets, ", "))
		}
	}
}

func (c *checker) depth(path string, k study.Knob) {
	for i, n := range bounds(k) {
		if n < 1 || n > c.m.shape.blocks {
			c.add(fmt.Sprintf("%s.int.%d", path, i), "%d blocks cannot be kept of %d", n, c.m.shape.blocks)
		}
	}
}

// pruning checks that with the fewest blocks kept some half block is left.
func (c *checker) pruning(path string, k study.Knob) {
	kept := c.m.shape.blocks
	if depth := c.spec.Knob("truncate.depth"); depth != nil && depth.Int != nil {
		kept = min(kept, depth.Int[0])
	}
	for i, n := range bounds(k) {
		if n < 0 || n >= kept {
			c.add(fmt.Sprintf("%s.int.%d", path, i), "%d half blocks cannot be left out where %d blocks are kept", n, kept)
		}
	}
}

func bounds(k study.Knob) []int {
	if k.Int == nil {
		return nil
	}
	return k.Int[:]
}

func (c *checker) cache(path string, k study.Knob) {
	for i, v := range k.Choice {
		at := fmt.Sprintf("%s.choice.%d", path, i)
		if reason := c.m.badCache(v.String()); reason != "" {
			c.add(at, "%s cannot be the type of the key-value cache: %s", show(v.String()), reason)
			continue
		}
		if t, _ := gguf.ParseCacheType(v.String()); t.Quantised() && !c.flashCanHold(k) {
			c.add(at, "a key-value cache of type %s needs flash attention, which runtime.flash never turns on here", v)
		}
	}
}

// flashCanHold reports whether flash attention can be on where k is active.
func (c *checker) flashCanHold(k study.Knob) bool {
	flash := c.spec.Knob("runtime.flash")
	if flash == nil || !flash.Contains(study.Bool(true)) {
		return false
	}
	values, limited := k.When["runtime.flash"]
	return !limited || slices.Contains(values, study.Bool(true))
}
