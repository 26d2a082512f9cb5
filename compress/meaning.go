package compress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Format is the tag of the model part that this package writes and reads.
const Format = "gguf/1"

// meaning is the model part of a recipe: what is stored, not how it was asked
// for. Its JSON is canonical, because the fields have a fixed order, lists are
// sorted and encoding/json sorts maps: equal variants have equal bytes.
type meaning struct {
	Blocks  int                  `json:"blocks"` // kept, from the first
	Without without              `json:"without,omitzero"`
	Types   map[string]gguf.Type `json:"types,omitempty"` // stored type of every matrix that is not stored as in the source
}

// without lists the blocks whose half is left out, in order.
type without struct {
	Attention []int `json:"attention,omitempty"`
	FFN       []int `json:"ffn,omitempty"`
}

func (w without) empty() bool { return len(w.Attention)+len(w.FFN) == 0 }

// has reports whether the half of a block is left out.
func (w without) has(half string, block int) bool {
	switch half {
	case Attention:
		return slices.Contains(w.Attention, block)
	case FFN:
		return slices.Contains(w.FFN, block)
	}
	return false
}

// drops reports whether tensor t of the source is not in the variant as it is.
func (x meaning) drops(t tensor) bool {
	return t.block >= x.Blocks || x.Without.has(t.half, t.block)
}

// typeOf is the stored type of a matrix that is kept.
func (x meaning) typeOf(t tensor) gguf.Type {
	if to, ok := x.Types[t.Name]; ok {
		return to
	}
	return t.Type
}

func (x meaning) encode() json.RawMessage {
	b, _ := json.Marshal(x) // integers, strings and known types cannot fail
	return b
}

// decode reads the model part of a recipe that was made for this model.
func (m *Model) decode(r study.Recipe) (meaning, error) {
	var x meaning
	if r.Format != Format {
		return x, fault.New(fault.Invalid, "cannot build a recipe of format %q, want %s", r.Format, Format)
	}
	d := json.NewDecoder(bytes.NewReader(r.Model))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return x, fault.New(fault.Invalid, "cannot read the model part of a recipe").Because(err)
	}
	if err := m.checkMeaning(x); err != nil {
		return x, fault.New(fault.Invalid, "cannot build this recipe from %s: %s", show(m.info.Name), err)
	}
	return x, nil
}

// checkMeaning refuses what Plan would not have made of this model.
func (m *Model) checkMeaning(x meaning) error {
	if x.Blocks < 1 || x.Blocks > m.shape.blocks {
		return fmt.Errorf("it keeps %d blocks of %d", x.Blocks, m.shape.blocks)
	}
	if reason := m.info.Refused["truncate.depth"]; reason != "" && x.Blocks != m.shape.blocks {
		return fmt.Errorf("%s", reason)
	}
	if reason := m.info.Refused["prune.ffn"]; reason != "" && !x.Without.empty() {
		return fmt.Errorf("%s", reason)
	}
	for _, list := range [][]int{x.Without.Attention, x.Without.FFN} {
		for i, b := range list {
			if b < 0 || b >= x.Blocks || i > 0 && b <= list[i-1] {
				return fmt.Errorf("it leaves out half blocks %v of %d blocks", list, x.Blocks)
			}
		}
	}
	left := len(x.Types)
	for _, t := range m.tensors {
		to, ok := x.Types[t.Name]
		if !ok {
			continue
		}
		left--
		if t.group == untouched || !t.Type.Float() || !slices.Contains(targets, to) || !to.Fits(t.Dims[0]) || to == t.Type || x.drops(t) {
			return fmt.Errorf("it stores %s as %s", show(t.Name), to)
		}
	}
	if left != 0 {
		return fmt.Errorf("it names %d matrices that are not there", left)
	}
	return nil
}

// recipe makes the recipe of a meaning.
func (m *Model) recipe(x meaning, run study.RunOptions) study.Recipe {
	return study.Recipe{Format: Format, Model: x.encode(), Run: run, Text: m.text(x, run)}
}

// text is one line for people, such as
// "Q4_K · attn Q8_0 · embd Q6_K · −attn[2,4] · −ffn[3] · 5/6 blocks · 1 thread · kv q8_0":
// the types, where they differ from the first, the blocks whose halves are
// left out, the blocks kept, and the run part.
func (m *Model) text(x meaning, run study.RunOptions) string {
	parts := m.typeTexts(x)
	if list := x.Without.Attention; len(list) > 0 {
		parts = append(parts, "−attn"+blockList(list))
	}
	if list := x.Without.FFN; len(list) > 0 {
		parts = append(parts, "−ffn"+blockList(list))
	}
	if x.Blocks != m.shape.blocks {
		parts = append(parts, fmt.Sprintf("%d/%d blocks", x.Blocks, m.shape.blocks))
	}
	if run.Threads == 1 {
		parts = append(parts, "1 thread")
	} else {
		parts = append(parts, fmt.Sprintf("%d threads", run.Threads))
	}
	if run.Flash {
		parts = append(parts, "flash")
	}
	if run.KV != defaultKV {
		parts = append(parts, "kv "+run.KV)
	}
	return strings.Join(parts, " · ")
}

func blockList(list []int) string {
	return strings.ReplaceAll(fmt.Sprint(list), " ", ",")
}

var groupTexts = map[group]string{attention: "attn", ffnDown: "ffn_down", embedding: "embd", output: "output"}

// typeTexts names the types of the groups. A group whose matrices got several
// types, by fallback or in the source, shows them all.
func (m *Model) typeTexts(x meaning) []string {
	types := map[group][]gguf.Type{}
	for _, t := range m.tensors {
		if to := x.typeOf(t); t.group != untouched && !x.drops(t) && !slices.Contains(types[t.group], to) {
			types[t.group] = append(types[t.group], to)
		}
	}
	var parts []string
	for _, g := range groups {
		text := typeNames(types[g], "/")
		switch {
		case text == "" || len(parts) > 0 && text == parts[0]:
		case len(parts) == 0:
			parts = append(parts, text)
		default:
			parts = append(parts, groupTexts[g]+" "+text)
		}
	}
	return parts
}
