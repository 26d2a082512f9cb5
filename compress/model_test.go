package compress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

func TestDemoModelFacts(t *testing.T) {
	info := openDemo(t).Info()
	if info.Architecture != "llama" || info.Blocks != 6 || info.Context != 256 || info.Vocabulary != 2048 || info.Bytes != 8188736 {
		t.Errorf("got %+v", info)
	}
	if info.Parameters < 4_060_000 || info.Parameters > 4_080_000 {
		t.Errorf("%d parameters, the demo has 4.07 million", info.Parameters)
	}
	if info.Types["F16"] == 0 || info.Types["F32"] != 4*256*13 || len(info.Types) != 2 {
		t.Errorf("bytes by type: %v", info.Types)
	}
	if len(info.Refused) != 1 || info.Refused["quant.output"] == "" {
		t.Errorf("refused: %v, want quant.output alone, because it is tied", info.Refused)
	}
}

// names replaces one tensor of block 1, or adds one.
func rename(from, to string) func([]gguf.Tensor) []gguf.Tensor {
	return func(list []gguf.Tensor) []gguf.Tensor {
		for i := range list {
			if list[i].Name == from {
				list[i].Name = to
			}
		}
		return list
	}
}

func TestRefusedKnobs(t *testing.T) {
	quant := []string{"quant.default", "quant.attention", "quant.ffn_down", "quant.embedding", "quant.output"}
	prune := []string{"prune.attention", "prune.ffn"}
	with := func(change func(*toy)) toy {
		y := llamaToy()
		change(&y)
		return y
	}
	for _, c := range []struct {
		name    string
		toy     toy
		refused []string
		reason  string // of the first
	}{
		{"llama, tied", llamaToy(), []string{"quant.output"}, "tied"},
		{"llama, untied", with(func(y *toy) { y.untied = true }), nil, ""},
		{"another architecture", with(func(y *toy) { y.arch = "qwen2" }), append(prune, "quant.output"), `"qwen2"`},
		{"an unknown architecture", with(func(y *toy) { y.arch = "gemma2" }), append(prune, "quant.output", "truncate.depth"), `"gemma2"`},
		{"experts", with(func(y *toy) { y.meta = append(y.meta, gguf.U32("llama.expert_count", 8)) }), append(prune, "quant.output"), "mixture of experts"},
		{"quantised", with(func(y *toy) { y.typ = gguf.Q8_0 }), quant, "already quantised"},
		{"per block", with(func(y *toy) { y.meta = append(y.meta, gguf.U32s("llama.odd", []uint32{1, 2, 3, 4})) }), append(prune, "quant.output", "truncate.depth"), "llama.odd"},
		{"a bias", with(func(y *toy) { y.replace = rename("blk.1.attn_norm.weight", "blk.1.attn_q.bias") }), append(prune, "quant.output", "truncate.depth"), "block 1 has no tensor attn_norm.weight"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := c.toy.open(t).Info().Refused
			if len(refused) != len(c.refused) {
				t.Errorf("refused: %v, want %v", refused, c.refused)
			}
			for i, k := range c.refused {
				if refused[k] == "" || i == 0 && !strings.Contains(refused[k], c.reason) {
					t.Errorf("%s: %q, want %q", k, refused[k], c.reason)
				}
			}
		})
	}
}

func TestOpenRefusesUnsoundModels(t *testing.T) {
	for name, change := range map[string]func(*toy){
		"1025 blocks":          func(y *toy) { y.blocks, y.width, y.ffn, y.vocab = 1025, 4, 1, 1 },
		"no architecture":      func(y *toy) { y.arch = "" },
		"a block too many":     func(y *toy) { y.replace = rename("blk.3.attn_norm.weight", "blk.4.attn_norm.weight") },
		"a split model":        func(y *toy) { y.meta = append(y.meta, gguf.U16("split.count", 3)) },
		"heads without number": func(y *toy) { y.heads = 1 << 22 },
		"heads without bounds": func(y *toy) { y.meta = append(y.meta, gguf.U32("llama.attention.key_length", 1<<30)) },
	} {
		t.Run(name, func(t *testing.T) {
			y := llamaToy()
			change(&y)
			path, b := y.file(t)
			_, err := Open(path, study.DigestOf(b), "toy")
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v, want fault.Invalid", err)
			}
		})
	}
}

func TestOpenNamesTheByteOffset(t *testing.T) {
	path, b := llamaToy().file(t)
	if err := os.WriteFile(path, b[:len(b)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, study.DigestOf(b), "cut\x1b.gguf")
	e, ok := fault.As(err)
	if !ok || e.Kind != fault.Invalid || !strings.Contains(e.Sentence, "at byte ") || strings.Contains(e.Sentence, "\x1b") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nothing"), "", "nothing"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a missing file: %v", err)
	}
}

func TestSplitBlock(t *testing.T) {
	for name, want := range map[string]int{"blk.0.a": 0, "blk.12.ffn_up.weight": 12, "blk.01.a": -1, "blk.-1.a": -1, "blk.+1.a": -1, "blk.x.a": -1, "blk.1": -1, "output.weight": -1, "1.a": -1} {
		got, _, ok := splitBlock(name)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: block %d, %v, want %d", name, got, ok, want)
		}
	}
}

func TestStoredTypeFallsBackAsLlamaQuantize(t *testing.T) {
	for _, c := range []struct {
		want gguf.Type
		row  int64
		got  gguf.Type
	}{
		{gguf.Q4_K, 512, gguf.Q4_K}, {gguf.Q2_K, 96, gguf.Q4_0}, {gguf.Q3_K, 96, gguf.Q4_0}, {gguf.Q4_K, 96, gguf.Q5_0},
		{gguf.Q5_K, 96, gguf.Q5_1}, {gguf.Q6_K, 96, gguf.Q8_0}, {gguf.IQ4_XS, 96, gguf.IQ4_NL}, {gguf.Q4_K, 100, gguf.F16},
		{gguf.Q8_0, 96, gguf.Q8_0}, {gguf.Q8_0, 100, gguf.F16}, {gguf.F32, 100, gguf.F32},
	} {
		if got := stored(c.want, c.row); got != c.got {
			t.Errorf("%s in rows of %d: %s, want %s", c.want, c.row, got, c.got)
		}
	}
}
