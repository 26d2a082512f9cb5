package compress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/study"
)

const demo = "../configs/demo/fettle-demo-f16.gguf"

// toy describes a small model of random weights.
type toy struct {
	arch    string
	blocks  int
	width   int64
	heads   int64
	ffn     int64
	vocab   int64
	typ     gguf.Type
	untied  bool
	align   uint32
	meta    []gguf.KV
	replace func([]gguf.Tensor) []gguf.Tensor
}

func llamaToy() toy {
	return toy{arch: "llama", blocks: 4, width: 64, heads: 2, ffn: 96, vocab: 50, typ: gguf.F16}
}

func (y toy) layout() gguf.Layout {
	l := gguf.Layout{Meta: gguf.Meta{
		gguf.Text("general.architecture", y.arch),
		gguf.U32("general.file_type", 1),
		gguf.U32(y.arch+".context_length", 512),
		gguf.U32(y.arch+".embedding_length", uint32(y.width)),
		gguf.U32(y.arch+".block_count", uint32(y.blocks)),
		gguf.U32(y.arch+".feed_forward_length", uint32(y.ffn)),
		gguf.U32(y.arch+".attention.head_count", uint32(y.heads)),
		gguf.U32(y.arch+".attention.head_count_kv", uint32(y.heads/2)),
		gguf.Texts("tokenizer.ggml.tokens", []string{"a", "b"}),
	}}
	if y.align > 0 {
		l.Meta = append(l.Meta, gguf.U32(gguf.AlignmentKey, y.align))
	}
	l.Meta = append(l.Meta, y.meta...)
	add := func(name string, typ gguf.Type, dims ...int64) {
		l.Tensors = append(l.Tensors, gguf.Tensor{Name: name, Type: typ, Dims: dims})
	}
	add("token_embd.weight", y.typ, y.width, y.vocab)
	for b := range y.blocks {
		blk := func(s string) string { return fmt.Sprintf("blk.%d.%s.weight", b, s) }
		add(blk("attn_norm"), gguf.F32, y.width)
		add(blk("attn_q"), y.typ, y.width, y.width)
		add(blk("attn_k"), y.typ, y.width, y.width/2)
		add(blk("attn_v"), y.typ, y.width, y.width/2)
		add(blk("attn_output"), y.typ, y.width, y.width)
		add(blk("ffn_norm"), gguf.F32, y.width)
		add(blk("ffn_gate"), y.typ, y.width, y.ffn)
		add(blk("ffn_up"), y.typ, y.width, y.ffn)
		add(blk("ffn_down"), y.typ, y.ffn, y.width)
	}
	add("output_norm.weight", gguf.F32, y.width)
	if y.untied {
		add("output.weight", y.typ, y.width, y.vocab)
	}
	if y.replace != nil {
		l.Tensors = y.replace(l.Tensors)
	}
	return l
}

// file writes the toy and returns its path and its bytes.
func (y toy) file(t testing.TB) (string, []byte) {
	t.Helper()
	var b bytes.Buffer
	l := y.layout()
	rng := rand.New(rand.NewPCG(1, 2))
	err := l.Write(&b, func(i int, w io.Writer) error {
		_, err := w.Write(weights(rng, l.Tensors[i]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "toy.gguf")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, b.Bytes()
}

// weights makes random weights of a float type, and random bytes of others.
func weights(rng *rand.Rand, t gguf.Tensor) []byte {
	if !t.Type.Float() {
		b := make([]byte, t.Bytes())
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	row := make([]float32, t.Elements())
	for i := range row {
		row[i] = float32(rng.NormFloat64())
	}
	b, err := encodeRow(row, t.Type)
	if err != nil {
		panic(err) // all float types are known
	}
	return b
}

func (y toy) open(t testing.TB) *Model {
	t.Helper()
	path, b := y.file(t)
	m, err := Open(path, study.DigestOf(b), "toy.gguf")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openDemo(t testing.TB) *Model {
	t.Helper()
	b, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(demo, study.DigestOf(b), "fettle-demo-f16.gguf")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openStore(t testing.TB) *pieces.Store {
	t.Helper()
	s, err := pieces.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func texts(names ...string) []study.Value {
	var values []study.Value
	for _, n := range names {
		values = append(values, study.Text(n))
	}
	return values
}

// demoSpec is the demo's study, as far as compress reads it.
func demoSpec() *study.Spec {
	return &study.Spec{
		Workload: study.Workload{PromptTokens: 128, GenerateTokens: 32, Context: 256},
		Knobs: []study.Knob{
			{Name: "quant.default", Choice: texts("F16", "Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q4_0", "Q3_K", "Q2_K")},
			{Name: "quant.attention", Choice: texts("inherit", "Q8_0", "Q6_K", "Q4_K")},
			{Name: "quant.ffn_down", Choice: texts("inherit", "Q8_0", "Q6_K", "Q4_K")},
			{Name: "quant.embedding", Choice: texts("inherit", "F16", "Q8_0", "Q6_K", "Q4_K")},
			{Name: "prune.attention", Int: &[2]int{0, 2}},
			{Name: "prune.ffn", Int: &[2]int{0, 2}},
			{Name: "truncate.depth", Int: &[2]int{4, 6}},
			{Name: "runtime.threads", Int: &[2]int{1, 2}},
			{Name: "runtime.flash", Choice: []study.Value{study.Bool(false), study.Bool(true)}},
			{Name: "runtime.kv", Choice: texts("f16", "q8_0", "q4_0"), When: map[string][]study.Value{"runtime.flash": {study.Bool(true)}}},
		},
	}
}

func demoRanking() *study.Ranking {
	return &study.Ranking{Attention: []float64{9, 2, 1, 4, 3, 0.5}, FFN: []float64{9, 8, 3, 2, 5, 7}}
}

// draw assigns a random value to every active knob.
func draw(rng *rand.Rand, knobs []study.Knob) study.Assignment {
	a := study.Assignment{}
	for _, k := range knobs {
		if k.Choice != nil {
			a[k.Name] = k.Choice[rng.IntN(len(k.Choice))]
		} else {
			a[k.Name] = study.Number(float64(k.Int[0] + rng.IntN(k.Int[1]-k.Int[0]+1)))
		}
	}
	return study.Prune(knobs, a)
}

// goQuantizer converts to the types that are simple enough to write down here.
// It is an independent implementation of the Quantizer's contract.
type goQuantizer struct {
	calls     int
	tensors   int
	skip      bool                                      // leave out the last tensor
	interfere func(n int, path string, b []byte) []byte // change what is written
}

func (g *goQuantizer) Quantise(ctx context.Context, list []Tensor, done func(Quantised) error) error {
	g.calls++
	for i, t := range list {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if g.skip && i == len(list)-1 {
			return nil
		}
		b, err := convertTensor(t)
		if err != nil {
			return err
		}
		if g.interfere != nil {
			b = g.interfere(i, t.Out, b)
		}
		if err := os.WriteFile(t.Out, b, 0o600); err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		g.tensors++
		if err := done(Quantised{Index: i, Digest: study.Digest(hex.EncodeToString(sum[:])), Bytes: int64(len(b))}); err != nil {
			return err
		}
	}
	return nil
}

func convertTensor(t Tensor) ([]byte, error) {
	src, err := os.ReadFile(t.In)
	if err != nil {
		return nil, err
	}
	from, _ := gguf.ParseType(t.From)
	to, _ := gguf.ParseType(t.To)
	out := bytes.Clone(t.Head)
	for r := range t.Rows {
		size := from.Bytes(t.RowLength)
		row, err := encodeRow(decodeRow(src[t.Offset+r*size:][:size], from), to)
		if err != nil {
			return nil, err
		}
		out = append(out, row...)
	}
	return append(out, make([]byte, gguf.Pad(int64(len(out)), t.Align)-int64(len(out)))...), nil
}

func decodeRow(b []byte, t gguf.Type) []float32 {
	row := make([]float32, int64(len(b))/t.Bytes(1))
	for i := range row {
		switch t {
		case gguf.F32:
			row[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		case gguf.BF16:
			row[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		case gguf.F16:
			row[i] = fromHalf(binary.LittleEndian.Uint16(b[2*i:]))
		}
	}
	return row
}

func encodeRow(row []float32, t gguf.Type) ([]byte, error) {
	var b []byte
	switch t {
	case gguf.F32:
		for _, x := range row {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	case gguf.F16:
		for _, x := range row {
			b = binary.LittleEndian.AppendUint16(b, toHalf(x))
		}
	case gguf.BF16:
		for _, x := range row {
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(x)>>16))
		}
	case gguf.Q8_0:
		for len(row) > 0 {
			top := 0.0
			for _, x := range row[:32] {
				top = max(top, math.Abs(float64(x)))
			}
			scale := top / 127
			b = binary.LittleEndian.AppendUint16(b, toHalf(float32(scale)))
			for _, x := range row[:32] {
				q := 0.0
				if scale > 0 {
					q = math.Round(float64(x) / scale)
				}
				b = append(b, byte(int8(q)))
			}
			row = row[32:]
		}
	default:
		return nil, fmt.Errorf("the test cannot quantise to %s", t)
	}
	return b, nil
}

func fromHalf(h uint16) float32 {
	sign, exp, frac := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	if exp == 0 {
		return float32(sign * math.Ldexp(frac, -24))
	}
	return float32(sign * math.Ldexp(1024+frac, exp-25))
}

// toHalf rounds a number within the range of half floats towards zero.
func toHalf(x float32) uint16 {
	var sign uint16
	if x < 0 {
		sign, x = 1<<15, -x
	}
	frac, exp := math.Frexp(float64(x)) // x = frac · 2^exp, frac in [0.5, 1)
	if x == 0 || exp < -13 {
		return sign | uint16(math.Ldexp(float64(x), 24))
	}
	return sign | uint16(exp+14)<<10 | uint16(math.Ldexp(frac, 11))&1023
}
