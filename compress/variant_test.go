package compress

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
)

// For random assignments of several models: the exported file has exactly the
// predicted bytes and holds exactly the planned tensors, each of them with the
// bytes that the source or its conversion has.
func TestBuiltVariantsAreAsPlanned(t *testing.T) {
	for name, y := range toys() {
		t.Run(name, func(t *testing.T) {
			path, source := y.file(t)
			m, err := Open(path, study.DigestOf(source), name)
			if err != nil {
				t.Fatal(err)
			}
			store := openStore(t)
			b := NewBuilder(store, &goQuantizer{}, "test")
			rng := rand.New(rand.NewPCG(7, 8))
			spec := goSpec()
			for range 25 {
				a := draw(rng, spec.Knobs)
				r, p, err := m.Plan(spec, toyRanking(), a)
				if err != nil {
					t.Fatal(err)
				}
				refs, _, err := b.Build(t.Context(), m, r)
				if err != nil {
					t.Fatal(err)
				}
				out := export4test(t, store, refs)
				if int64(len(out)) != p.FileBytes {
					t.Fatalf("%s: exported %d bytes, predicted %d", r.Text, len(out), p.FileBytes)
				}
				checkVariant(t, m, source, r, p, out)
				if len(refs) != m.pieces {
					t.Fatalf("%d pieces, want %d", len(refs), m.pieces)
				}
			}
		})
	}
}

// checkVariant compares an exported file with the source, tensor by tensor,
// without using design.
func checkVariant(t *testing.T, m *Model, source []byte, r study.Recipe, p study.Prediction, out []byte) {
	t.Helper()
	x, err := m.decode(r)
	if err != nil {
		t.Fatal(err)
	}
	f := read(t, out)
	got := map[string]gguf.Tensor{}
	weights := int64(0)
	for _, g := range f.Tensors {
		got[g.Name] = g
		weights += g.Bytes()
	}
	if weights != p.WeightBytes {
		t.Errorf("%s: %d bytes of tensors, predicted %d", r.Text, weights, p.WeightBytes)
	}
	for _, s := range m.tensors {
		g, ok := got[s.Name]
		delete(got, s.Name)
		var data []byte
		if ok {
			data = out[g.Offset:][:g.Bytes()]
		}
		want, expected := expectedData(t, x, s, g, source, m.path)
		if ok != expected {
			t.Errorf("%s: tensor %s is there: %v, want %v", r.Text, s.Name, ok, expected)
		} else if ok && !bytes.Equal(data, want) {
			t.Errorf("%s: tensor %s has other bytes", r.Text, s.Name)
		}
	}
	if len(got) != 0 {
		t.Errorf("%s: unexpected tensors %v", r.Text, got)
	}
	for _, kv := range f.Meta {
		if strings.HasPrefix(kv.Key, "split.") {
			t.Errorf("the exported file has the key %s", kv.Key)
		}
	}
	arch, _ := f.Meta.Text("general.architecture")
	if want := map[bool]string{true: "llama", false: "deci"}[x.Without.empty()]; arch != want {
		t.Errorf("%s: architecture %s, want %s", r.Text, arch, want)
	}
	if n, _ := f.Meta.Uint(arch + ".block_count"); n != uint64(x.Blocks) {
		t.Errorf("%s: block count %d, want %d", r.Text, n, x.Blocks)
	}
}

// expectedData is what a tensor of the source becomes under a meaning, worked
// out from the rules of the notes on architecture deci.
func expectedData(t *testing.T, x meaning, s tensor, g gguf.Tensor, source []byte, path string) (data []byte, there bool) {
	t.Helper()
	switch {
	case s.block >= x.Blocks:
		return nil, false
	case slices.Contains(x.Without.FFN, s.block) && strings.HasPrefix(s.suffix, "ffn_") && s.suffix != "ffn_norm.weight":
		return make([]byte, 64*32*2), true
	case slices.Contains(x.Without.Attention, s.block) && strings.HasPrefix(s.suffix, "attn_"):
		if s.block != 0 || s.suffix == "attn_q.weight" || s.suffix == "attn_k.weight" || s.suffix == "attn_v.weight" {
			return nil, false
		}
		if s.suffix == "attn_output.weight" {
			return make([]byte, 64*64*2), true
		}
	}
	if g.Type == s.Type {
		return source[s.Offset:][:s.Bytes()], true
	}
	data, err := convertTensor(Tensor{
		In: path, Offset: s.Offset, From: s.Type.String(), To: g.Type.String(), Rows: s.Rows(), RowLength: s.Dims[0], Align: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return data, true
}

func TestPiecesAreASplitModel(t *testing.T) {
	y := llamaToy()
	y.align = 128
	m := y.open(t)
	store := openStore(t)
	refs, _ := build1(t, NewBuilder(store, &goQuantizer{}, "test"), m, study.Assignment{
		"quant.default": study.Text("Q8_0"), "prune.attention": study.Number(2), "prune.ffn": study.Number(1), "truncate.depth": study.Number(3),
	})
	tensors := 0
	names := map[string]bool{}
	var first *gguf.File
	for i, ref := range refs {
		f, err := readPiece(store, ref, i)
		if err != nil {
			t.Fatal(err)
		}
		if f.Align != 128 {
			t.Errorf("piece %d is aligned to %d", i, f.Align)
		}
		if kv, ok := f.Meta.Lookup("split.no"); !ok || kv.Kind != gguf.KindUint16 {
			t.Errorf("piece %d: split.no is %+v", i, kv)
		}
		if i == 0 {
			first = f
		} else if len(f.Meta) != 2 || len(f.Tensors) > 1 {
			t.Errorf("piece %d has %d entries and %d tensors", i, len(f.Meta), len(f.Tensors))
		}
		tensors += len(f.Tensors)
		for _, x := range f.Tensors {
			if names[x.Name] {
				t.Errorf("tensor %s stands twice", x.Name)
			}
			names[x.Name] = true
		}
	}
	for key, want := range map[string]struct {
		kind  gguf.Kind
		value uint64
	}{"split.count": {gguf.KindUint16, uint64(len(refs))}, "split.tensors.count": {gguf.KindInt32, uint64(tensors)}} {
		kv, _ := first.Meta.Lookup(key)
		if got, _ := first.Meta.Uint(key); got != want.value || kv.Kind != want.kind {
			t.Errorf("%s is %d of kind %d, want %d of kind %d", key, got, kv.Kind, want.value, want.kind)
		}
	}
	checkDeci(t, first.Meta)
}

func checkDeci(t *testing.T, meta gguf.Meta) {
	t.Helper()
	for key, want := range map[string][]uint64{ // the ranking of toyRanking, three blocks kept
		"deci.attention.head_count":    {2, 2, 0},
		"deci.attention.head_count_kv": {0, 1, 0},
		"deci.feed_forward_length":     {96, 32, 96},
	} {
		if got, _ := meta.Uints(key); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"deci.attention.key_length", "deci.attention.value_length"} {
		if got, _ := meta.Uint(key); got != 32 {
			t.Errorf("%s is %d, want 32", key, got)
		}
	}
	for _, kv := range meta {
		if strings.HasPrefix(kv.Key, "llama.") {
			t.Errorf("the key %s was not renamed", kv.Key)
		}
	}
}

// canaryModel is a model of zeros where a canary fills the padding of the head
// and of every tensor, and the end of the file.
func canaryModel(t *testing.T) []byte {
	t.Helper()
	canary := []byte("CANARY--canary--")
	l := llamaToy().layout()
	var b bytes.Buffer
	if err := l.Write(&b, func(i int, w io.Writer) error { return writeZeros(w, l.Tensors[i].Bytes()) }); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	f := read(t, file)
	fill := func(from, to int64) {
		for i := from; i < to; i++ {
			file[i] = canary[i%int64(len(canary))]
		}
	}
	head := gguf.Layout{Meta: f.Meta, Tensors: f.Tensors}
	padded, err := head.Head()
	if err != nil {
		t.Fatal(err)
	}
	trimmed := bytes.TrimRight(padded, "\x00")
	fill(int64(len(trimmed))+16, int64(len(padded))) // the last offset may end in zeros
	for _, x := range f.Tensors {
		end := x.Offset + x.Bytes()
		fill(end, min(gguf.Pad(end, 32), int64(len(file))))
	}
	return append(file, bytes.Repeat(canary, 4096)...)
}

// The property whose violation was CVE-2026-7482: whatever stands in the file
// outside the declared range of the tensors, or behind the file in memory,
// never gets into a variant.
func TestNoByteFromOutsideADeclaredRange(t *testing.T) {
	file := canaryModel(t)
	path := t.TempDir() + "/canary.gguf"
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path, study.DigestOf(file), "canary")
	if err != nil {
		t.Fatal(err)
	}
	store := openStore(t)
	builder := NewBuilder(store, &goQuantizer{}, "test")
	rng := rand.New(rand.NewPCG(9, 10))
	for range 8 {
		refs, _ := build1(t, builder, m, draw(rng, goSpec().Knobs))
		paths, err := store.Files(refs)
		if err != nil {
			t.Fatal(err)
		}
		outputs := [][]byte{export4test(t, store, refs)}
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, b)
		}
		for _, out := range outputs {
			if bytes.Contains(out, []byte("NARY")) || bytes.Contains(out, []byte("nary")) {
				t.Fatal("bytes from outside the tensors are in the output")
			}
		}
	}
}
