package compress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/study"
)

// truncatable are the architectures whose blocks do not depend on how many
// there are. Others are left out because llama.cpp derives something else from
// the number of blocks (gemma2 and gemma3 an attention scale, phi3 a window)
// or because nobody has looked.
var truncatable = []string{"llama", "qwen2", "qwen3"}

// denseBlock are the tensors of a block that architecture deci knows, too.
var denseBlock = []string{
	"attn_norm.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight",
	"ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
}

// refusals returns the knobs that the model cannot have, and why.
func (m *Model) refusals() map[string]string {
	refused := map[string]string{}
	note := func(reason string, knobs ...string) {
		for _, k := range knobs {
			if reason != "" {
				refused[k] = reason
			}
		}
	}
	note(m.notPrunable(), "prune.attention", "prune.ffn")
	note(m.notTruncatable(), "truncate.depth")
	for _, g := range groups {
		note(m.notQuantisable(g), g.knob())
	}
	return refused
}

// notPrunable says why half blocks cannot be left out, "" if they can. What is
// asked here is what the rewrite to architecture deci takes for granted.
func (m *Model) notPrunable() string {
	s := m.shape
	switch {
	case s.arch != "llama":
		return fmt.Sprintf("half blocks can be left out of architecture llama only, and this model is %s", show(s.arch))
	case s.experts > 0:
		return "half blocks cannot be left out of a mixture of experts"
	case s.perBlock != "":
		return fmt.Sprintf("its metadata already differ between blocks (%s)", show(s.perBlock))
	case s.heads[0] == 0 || s.kvHeads[0] == 0 || s.ffn == 0 || s.width == 0:
		return "its metadata do not give the numbers of heads and the width of its feed-forward blocks"
	}
	for b, suffixes := range m.blockTensors() {
		for _, want := range denseBlock {
			if !slices.Contains(suffixes, want) {
				return fmt.Sprintf("block %d has no tensor %s", b, want)
			}
		}
		for _, have := range suffixes {
			if !slices.Contains(denseBlock, have) {
				return fmt.Sprintf("block %d has the tensor %s, which is not known in pruned models", b, show(have))
			}
		}
	}
	return m.oddOutput()
}

// oddOutput says why the matrix that stands for the attention of block 0 could
// not have the size that follows from the metadata.
func (m *Model) oddOutput() string {
	for _, t := range m.tensors {
		if t.suffix != "attn_output.weight" {
			continue
		}
		if len(t.Dims) != 2 || t.Dims[1] != m.shape.width || t.Dims[0] < m.shape.width/4 {
			return fmt.Sprintf("tensor %s has the dimensions %v, which do not fit the width %d", t.Name, t.Dims, m.shape.width)
		}
	}
	return ""
}

func (m *Model) notTruncatable() string {
	switch {
	case !slices.Contains(truncatable, m.shape.arch):
		return fmt.Sprintf("the last blocks can be left out of the architectures %s only, and this model is %s", strings.Join(truncatable, ", "), show(m.shape.arch))
	case m.shape.perBlock != "":
		return fmt.Sprintf("its metadata differ between blocks (%s)", show(m.shape.perBlock))
	}
	blocks := m.blockTensors()
	for b, suffixes := range blocks {
		if !slices.Equal(suffixes, blocks[0]) {
			return fmt.Sprintf("block %d has other tensors than block 0", b)
		}
	}
	return ""
}

// blockTensors returns for every block the sorted names of its tensors.
func (m *Model) blockTensors() [][]string {
	blocks := make([][]string, m.shape.blocks)
	for _, t := range m.tensors {
		if t.block >= 0 {
			blocks[t.block] = append(blocks[t.block], t.suffix)
		}
	}
	for _, b := range blocks {
		slices.Sort(b)
	}
	return blocks
}

func (m *Model) notQuantisable(g group) string {
	found := false
	for _, t := range m.tensors {
		if t.group != untouched && !t.Type.Float() {
			return fmt.Sprintf("its matrices are already quantised (%s is %s); start from an F16, BF16 or F32 file", show(t.Name), t.Type)
		}
		found = found || t.group == g || g == rest && t.group != untouched
	}
	if !found && g == output {
		return "its output matrix is tied to the token embedding; quant.embedding types both"
	}
	if !found {
		return "it has no such matrices"
	}
	return ""
}

// remaining lists the knobs that the model can have.
func (m *Model) remaining() string {
	var names []string
	for _, k := range study.KnobRegistry() {
		if _, no := m.info.Refused[k.Name]; !no {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, ", ")
}
