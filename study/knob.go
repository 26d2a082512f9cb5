package study

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// Knob is one parameter of a search space. Exactly one of Choice, Int and
// Float is set.
type Knob struct {
	Name   string      `json:"name"`
	Choice []Value     `json:"choice,omitempty"` // the values, in the order of the study file
	Int    *[2]int     `json:"int,omitempty"`    // lowest and highest, both included
	Float  *[2]float64 `json:"float,omitempty"`  // lowest and highest, both included
	Log    bool        `json:"log,omitempty"`    // search Int or Float on a logarithmic scale

	// When names the knobs and values under which this knob is active; all
	// must hold. An inactive knob has no value in an assignment.
	When map[string][]Value `json:"when,omitempty"`
}

// Size is the number of values of a discrete knob, or +Inf for a float range.
func (k Knob) Size() float64 {
	switch {
	case k.Choice != nil:
		return float64(len(k.Choice))
	case k.Int != nil:
		return float64(k.Int[1] - k.Int[0] + 1)
	case k.Float != nil && k.Float[0] == k.Float[1]:
		return 1
	}
	return math.Inf(1)
}

// Contains reports whether v is a value of the knob.
func (k Knob) Contains(v Value) bool {
	switch {
	case k.Choice != nil:
		return slices.Contains(k.Choice, v)
	case k.Int != nil:
		return v.IsNumber() && v.num == math.Trunc(v.num) && v.num >= float64(k.Int[0]) && v.num <= float64(k.Int[1])
	case k.Float != nil:
		return v.IsNumber() && v.num >= k.Float[0] && v.num <= k.Float[1]
	}
	return false
}

// Part says which half of a recipe a knob belongs to.
type Part string

// The model part decides what is built; the run part how it is run.
const (
	ModelPart Part = "model"
	RunPart   Part = "run"
)

// KnobInfo is what is known of a knob before any study uses it.
type KnobInfo struct {
	Name string
	Part Part
	Kind string // "choice" or "int": the domain a study file must give
	Help string
}

// knobs is the registry: the names a study file may use.
var knobs = []KnobInfo{
	{"quant.default", ModelPart, "choice", "type of every matrix that no other knob names"},
	{"quant.attention", ModelPart, "choice", "type of the attention matrices; inherit takes quant.default"},
	{"quant.ffn_down", ModelPart, "choice", "type of the down projection of the feed-forward blocks; inherit takes quant.default"},
	{"quant.embedding", ModelPart, "choice", "type of the token embedding (and of the output matrix where it is tied); inherit takes quant.default"},
	{"quant.output", ModelPart, "choice", "type of an untied output matrix; inherit takes quant.default"},
	{"prune.attention", ModelPart, "int", "number of attention half blocks left out, least damage first"},
	{"prune.ffn", ModelPart, "int", "number of feed-forward half blocks left out, least damage first"},
	{"truncate.depth", ModelPart, "int", "number of blocks kept, counted from the first"},
	{"runtime.threads", RunPart, "int", "threads that compute"},
	{"runtime.flash", RunPart, "choice", "flash attention: true or false"},
	{"runtime.kv", RunPart, "choice", "type of the key-value cache; a quantised one needs runtime.flash"},
}

// Inherit is the choice by which a knob takes the value of a more general one.
const Inherit = "inherit"

// LookupKnob finds a knob in the registry.
func LookupKnob(name string) (KnobInfo, bool) {
	i := slices.IndexFunc(knobs, func(k KnobInfo) bool { return k.Name == name })
	if i < 0 {
		return KnobInfo{}, false
	}
	return knobs[i], true
}

// KnobRegistry returns all knobs, in the order they are documented.
func KnobRegistry() []KnobInfo { return slices.Clone(knobs) }

// Assignment holds a value for every active knob.
type Assignment map[string]Value

// Key returns a canonical text: assignments are equal if and only if their keys
// are. Names and values are quoted, so that no text can pass for another.
func (a Assignment) Key() string {
	names := make([]string, 0, len(a))
	for n := range a {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	for _, n := range names {
		v := a[n]
		fmt.Fprintf(&b, "%q=%d:%q;", n, v.kind, v)
	}
	return b.String()
}

// Active reports whether k is active under a.
func (k Knob) Active(a Assignment) bool {
	for name, values := range k.When {
		v, ok := a[name]
		if !ok || !slices.Contains(values, v) {
			return false
		}
	}
	return true
}

// Prune returns a without the values of inactive knobs. A knob whose condition
// names an inactive knob is inactive too, so the result does not depend on the
// order of knobs.
func Prune(knobs []Knob, a Assignment) Assignment {
	out := make(Assignment, len(a))
	for n, v := range a {
		out[n] = v
	}
	for changed := true; changed; {
		changed = false
		for _, k := range knobs {
			if _, ok := out[k.Name]; ok && !k.Active(out) {
				delete(out, k.Name)
				changed = true
			}
		}
	}
	return out
}
