package compress

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-edge/fettle/compress/gguf"
)

// group is the set of matrices that one quant knob types.
type group string

const (
	rest      group = "default"
	attention group = "attention"
	ffnDown   group = "ffn_down"
	embedding group = "embedding"
	output    group = "output"
	untouched group = "" // never converted
)

// groups are the groups in the order of a recipe's text.
var groups = []group{rest, attention, ffnDown, embedding, output}

// knob is the name of the knob that types the group.
func (g group) knob() string { return "quant." + string(g) }

// The halves of a block. A half block is what is added to the residual stream
// in one step.
const (
	Attention = "attention"
	FFN       = "ffn"
)

// tensor is a tensor of the source and its place in the model.
type tensor struct {
	gguf.Tensor
	block    int    // -1 outside the blocks
	suffix   string // the name without its block, such as attn_q.weight
	half     string // Attention, FFN or "": of a block
	group    group
	position int // of the piece it is alone in; 0 is the first piece, which holds what is no matrix
}

// classify finds the places of a file's tensors.
func classify(list []gguf.Tensor) []tensor {
	out := make([]tensor, len(list))
	position := 0
	for i, g := range list {
		t := tensor{Tensor: g, block: -1, suffix: g.Name}
		if n, suffix, ok := splitBlock(g.Name); ok {
			t.block, t.suffix = n, suffix
			switch {
			case strings.HasPrefix(suffix, "attn_"):
				t.half = Attention
			case strings.HasPrefix(suffix, "ffn_"):
				t.half = FFN
			}
		}
		t.group = t.findGroup()
		if len(g.Dims) > 1 {
			position++
			t.position = position
		}
		out[i] = t
	}
	return out
}

// splitBlock splits blk.7.ffn_up.weight into 7 and ffn_up.weight.
func splitBlock(name string) (block int, suffix string, ok bool) {
	number, suffix, ok := strings.Cut(strings.TrimPrefix(name, "blk."), ".")
	if !ok || !strings.HasPrefix(name, "blk.") {
		return 0, "", false
	}
	block, err := strconv.Atoi(number)
	if err != nil || block < 0 || strconv.Itoa(block) != number {
		return 0, "", false
	}
	return block, suffix, true
}

var attentionMatrices = []string{"attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight", "attn_qkv.weight"}

// keptMatrices are parts of names of two-dimensional tensors that are never
// converted: llama.cpp reads their rows as floats or looks them up, or they
// belong to architectures whose matrices nobody has tried here.
var keptMatrices = []string{"_norm", "ffn_gate_inp", "position_embd", "token_types", "conv", "rel_b", "time_mix_", "altup", "laurel", "ssm_", "per_layer"}

func (t tensor) findGroup() group {
	switch {
	case len(t.Dims) != 2 || !strings.HasSuffix(t.Name, ".weight"):
		return untouched
	case t.Name == "token_embd.weight":
		return embedding
	case t.Name == "output.weight":
		return output
	case t.block >= 0 && slices.Contains(attentionMatrices, t.suffix):
		return attention
	case t.block >= 0 && t.suffix == "ffn_down.weight":
		return ffnDown
	case slices.ContainsFunc(keptMatrices, func(part string) bool { return strings.Contains(t.suffix, part) }):
		return untouched
	}
	return rest
}

// targets are the types that matrices can be converted to. None needs an
// importance matrix.
var targets = []gguf.Type{
	gguf.F32, gguf.F16, gguf.BF16, gguf.Q8_0, gguf.Q6_K, gguf.Q5_K, gguf.Q5_1, gguf.Q5_0,
	gguf.Q4_K, gguf.Q4_1, gguf.Q4_0, gguf.IQ4_NL, gguf.IQ4_XS, gguf.Q3_K, gguf.Q2_K,
}

// parseTarget reads a type that matrices can be converted to.
func parseTarget(name string) (gguf.Type, bool) {
	t, ok := gguf.ParseType(name)
	return t, ok && slices.Contains(targets, t)
}

func typeNames(types []gguf.Type, separator string) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, separator)
}

// fallback is the type llama-quantize stores in place of one whose blocks of
// 256 elements do not fill a row: one of blocks of 32, of at least the
// precision asked for.
var fallback = map[gguf.Type]gguf.Type{
	gguf.Q2_K: gguf.Q4_0, gguf.Q3_K: gguf.Q4_0, gguf.Q4_K: gguf.Q5_0, gguf.Q5_K: gguf.Q5_1, gguf.Q6_K: gguf.Q8_0,
	gguf.IQ4_XS: gguf.IQ4_NL,
}

// stored is the type that rows of n elements get where want was asked for.
func stored(want gguf.Type, n int64) gguf.Type {
	if want.Fits(n) {
		return want
	}
	if t, ok := fallback[want]; ok && t.Fits(n) {
		return t
	}
	return gguf.F16
}
