package compress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// goSpec is a study of the types that the test's quantiser knows.
func goSpec() *study.Spec {
	spec := demoSpec()
	types := texts("F32", "F16", "BF16", "Q8_0")
	spec.Knobs[0].Choice = types
	for i := 1; i < 4; i++ {
		spec.Knobs[i].Choice = append(texts("inherit"), types...)
	}
	spec.Knobs[6].Int = &[2]int{3, 4}
	return spec
}

func toyRanking() *study.Ranking {
	return &study.Ranking{Attention: []float64{0.1, 0.3, 0.2, 0.4}, FFN: []float64{0.2, 0.1, 0.4, 0.3}}
}

func export4test(t testing.TB, store *pieces.Store, refs []study.PieceRef) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Export(t.Context(), store, refs, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, b []byte) *gguf.File {
	t.Helper()
	f, err := gguf.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func toys() map[string]toy {
	y := llamaToy()
	untied, bf16, aligned := y, y, y
	untied.untied, untied.typ = true, gguf.F32
	bf16.typ = gguf.BF16
	aligned.align = 256
	return map[string]toy{"F16": y, "untied F32": untied, "BF16": bf16, "aligned to 256": aligned}
}

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
			for range 60 {
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

func TestUnchangedVariantKeepsMetadataAndBytes(t *testing.T) {
	m := openDemo(t)
	store := openStore(t)
	_, r, p, err := m.BaselinePlan(demoSpec())
	if err != nil {
		t.Fatal(err)
	}
	refs, _, err := NewBuilder(store, nil, "none").Build(t.Context(), m, r)
	if err != nil {
		t.Fatal(err)
	}
	out := export4test(t, store, refs)
	source, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(out)) != p.FileBytes || len(out) != len(source) {
		t.Errorf("%d bytes, predicted %d, source %d", len(out), p.FileBytes, len(source))
	}
	was, is := read(t, source), read(t, out)
	head := func(f *gguf.File) []byte {
		b, err := gguf.Layout{Meta: f.Meta}.Head()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(head(was), head(is)) {
		t.Error("the metadata changed")
	}
	for _, a := range was.Tensors {
		i := slices.IndexFunc(is.Tensors, func(b gguf.Tensor) bool { return b.Name == a.Name })
		if i < 0 || !bytes.Equal(out[is.Tensors[i].Offset:][:is.Tensors[i].Bytes()], source[a.Offset:][:a.Bytes()]) {
			t.Errorf("tensor %s changed", a.Name)
		}
	}
}

func build1(t *testing.T, b *Builder, m *Model, a study.Assignment) ([]study.PieceRef, BuildStats) {
	t.Helper()
	r, _, err := m.Plan(goSpec(), toyRanking(), a)
	if err != nil {
		t.Fatal(err)
	}
	refs, stats, err := b.Build(t.Context(), m, r)
	if err != nil {
		t.Fatal(err)
	}
	return refs, stats
}

func TestVariantsShareTheirPieces(t *testing.T) {
	m := llamaToy().open(t)
	store, q := openStore(t), &goQuantizer{}
	b := NewBuilder(store, q, "test")
	f16 := study.Assignment{"quant.default": study.Text("F16")}
	q8 := study.Assignment{"quant.default": study.Text("Q8_0")}
	mixed := study.Assignment{"quant.default": study.Text("F16"), "quant.attention": study.Text("Q8_0"), "prune.ffn": study.Number(1)}
	first, stats := build1(t, b, m, f16)
	if stats.New != m.pieces || stats.Reused != 0 || q.calls != 0 {
		t.Errorf("unchanged: %+v, %d calls of the quantiser", stats, q.calls)
	}
	if again, stats := build1(t, b, m, f16); stats.New != 0 || stats.Bytes != 0 || stats.Reused != m.pieces || !slices.Equal(again, first) {
		t.Errorf("again: %+v", stats)
	}
	second, stats := build1(t, b, m, q8)
	if stats.New != m.pieces || q.calls != 1 || q.tensors != m.pieces-1 {
		t.Errorf("Q8_0: %+v, %d calls of the quantiser for %d tensors", stats, q.calls, q.tensors)
	}
	third, stats := build1(t, b, m, mixed)
	if stats.New != 1+3 || q.calls != 1 { // metadata and three stubs
		t.Errorf("mixed: %+v, %d calls of the quantiser", stats, q.calls)
	}
	stubs := 0
	for i := 1; i < m.pieces; i++ {
		switch third[i] {
		case first[i], second[i]:
		default:
			stubs++
		}
	}
	if stubs != 3 {
		t.Errorf("%d pieces of the third variant are neither of the first nor of the second, want 3", stubs)
	}
	shallow, stats := build1(t, b, m, study.Assignment{"quant.default": study.Text("F16"), "truncate.depth": study.Number(3)})
	if stats.New != 1+7 { // metadata and an empty piece for each matrix of the last block
		t.Errorf("truncated: %+v", stats)
	}
	if _, stats := build1(t, b, m, study.Assignment{"quant.default": study.Text("Q8_0"), "truncate.depth": study.Number(3)}); stats.New != 1 {
		t.Errorf("truncated Q8_0: %+v, want the empty pieces shared", stats)
	}
	if !slices.Equal(shallow[1:20], first[1:20]) {
		t.Error("the kept blocks of the truncated variant are not the pieces of the whole one")
	}
}

func TestOtherMakersAndModelsShareNoQuantisedPieces(t *testing.T) {
	m := llamaToy().open(t)
	store, q := openStore(t), &goQuantizer{}
	q8 := study.Assignment{"quant.default": study.Text("Q8_0")}
	build1(t, NewBuilder(store, q, "one build"), m, q8)
	build1(t, NewBuilder(store, q, "another build"), m, q8)
	if q.calls != 2 {
		t.Errorf("%d calls of the quantiser, want one for each maker", q.calls)
	}
	y := llamaToy()
	y.vocab = 51
	build1(t, NewBuilder(store, q, "one build"), y.open(t), q8)
	if q.calls != 3 {
		t.Errorf("%d calls of the quantiser, want one more for another model", q.calls)
	}
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
	for key, want := range map[string][]uint64{ // the ranking of toyRanking, three blocks kept
		"deci.attention.head_count":    {2, 2, 0},
		"deci.attention.head_count_kv": {0, 1, 0},
		"deci.feed_forward_length":     {96, 32, 96},
	} {
		if got, _ := first.Meta.Uints(key); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"deci.attention.key_length", "deci.attention.value_length"} {
		if got, _ := first.Meta.Uint(key); got != 32 {
			t.Errorf("%s is %d, want 32", key, got)
		}
	}
	for _, kv := range first.Meta {
		if strings.HasPrefix(kv.Key, "llama.") {
			t.Errorf("the key %s was not renamed", kv.Key)
		}
	}
}

// The property whose violation was CVE-2026-7482: whatever stands in the file
// outside the declared range of the tensors, or behind the file in memory,
// never gets into a variant.
func TestNoByteFromOutsideADeclaredRange(t *testing.T) {
	canary := []byte("CANARY--canary--")
	y := llamaToy()
	l := y.layout()
	var b bytes.Buffer
	if err := l.Write(&b, func(i int, w io.Writer) error { return writeZeros(w, l.Tensors[i].Bytes()) }); err != nil {
		t.Fatal(err)
	}
	// The canary fills the padding of the head and of every tensor, and the
	// end of the file.
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
	file = append(file, bytes.Repeat(canary, 4096)...)
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
	for range 20 {
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

func TestBuildRefusesAWrongQuantiser(t *testing.T) {
	q8 := study.Assignment{"quant.default": study.Text("Q8_0")}
	for name, q := range map[string]*goQuantizer{
		"leaves out a tensor": {skip: true},
		"another size":        {interfere: func(_ int, _ string, b []byte) []byte { return append(b, 0) }},
		"another head": {interfere: func(n int, _ string, b []byte) []byte {
			if n == 3 {
				b[30] ^= 1
			}
			return b
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := llamaToy().open(t)
			store := openStore(t)
			r, _, err := m.Plan(goSpec(), nil, q8)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := NewBuilder(store, q, "test").Build(t.Context(), m, r); err == nil {
				t.Fatal("no error")
			}
			if left := temporary(t, store); len(left) != 0 {
				t.Errorf("left %v", left)
			}
			// What was finished is kept: an honest quantiser has less to do.
			good := &goQuantizer{}
			build1(t, NewBuilder(store, good, "test"), m, q8)
			if name != "another size" && good.tensors >= m.pieces-1 {
				t.Errorf("%d tensors were quantised again", good.tensors)
			}
		})
	}
}

func temporary(t *testing.T, store *pieces.Store) []string {
	t.Helper()
	temp := store.Temp()
	entries, err := os.ReadDir(temp[:strings.LastIndexByte(temp, '/')])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestBuildStopsWithTheContext(t *testing.T) {
	m := llamaToy().open(t)
	store := openStore(t)
	r, _, err := m.Plan(goSpec(), nil, study.Assignment{"quant.default": study.Text("Q8_0")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("shutting down")
	q := &goQuantizer{interfere: func(n int, _ string, b []byte) []byte {
		if n == 2 {
			cancel(cause)
		}
		return b
	}}
	if _, _, err := NewBuilder(store, q, "test").Build(ctx, m, r); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause of the context", err)
	}
	if left := temporary(t, store); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestConcurrentBuildsMakeNoPieceTwice(t *testing.T) {
	m := llamaToy().open(t)
	store, q := openStore(t), &goQuantizer{}
	b := NewBuilder(store, q, "test")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { build1(t, b, m, study.Assignment{"quant.default": study.Text("Q8_0")}) })
	}
	wg.Wait()
	if q.tensors != m.pieces-1 {
		t.Errorf("%d tensors were quantised, want %d", q.tensors, m.pieces-1)
	}
}

func TestBuildRefusesForeignRecipes(t *testing.T) {
	m := llamaToy().open(t)
	b := NewBuilder(openStore(t), &goQuantizer{}, "test")
	for _, r := range []study.Recipe{
		{Format: "onnx/1", Model: []byte(`{"blocks":4}`)},
		{Format: Format, Model: []byte(`{`)},
		{Format: Format, Model: []byte(`{"blocks":4,"more":1}`)},
		{Format: Format, Model: []byte(`{"blocks":5}`)},
		{Format: Format, Model: []byte(`{"blocks":4,"without":{"ffn":[4]}}`)},
		{Format: Format, Model: []byte(`{"blocks":4,"without":{"ffn":[2,1]}}`)},
		{Format: Format, Model: []byte(`{"blocks":4,"types":{"nobody.weight":"Q8_0"}}`)},
		{Format: Format, Model: []byte(`{"blocks":4,"types":{"blk.0.attn_q.weight":"Q4_K"}}`)},
		{Format: Format, Model: []byte(`{"blocks":4,"types":{"blk.0.attn_q.weight":"IQ2_XS"}}`)},
		{Format: Format, Model: []byte(`{"blocks":4,"types":{"blk.0.attn_norm.weight":"F16"}}`)},
		{Format: Format, Model: []byte(`{"blocks":3,"types":{"blk.3.attn_q.weight":"Q8_0"}}`)},
	} {
		if _, _, err := b.Build(t.Context(), m, r); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want fault.Invalid", r.Model, err)
		}
	}
}

func TestBuildNoticesThatTheModelChanged(t *testing.T) {
	path, b := llamaToy().file(t)
	m, err := Open(path, study.DigestOf(b), "toy")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)-64], 0o600); err != nil {
		t.Fatal(err)
	}
	_, r, _, err := m.BaselinePlan(goSpec())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = NewBuilder(openStore(t), nil, "test").Build(t.Context(), m, r)
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(fmt.Sprint(err), "the content changed") {
		t.Errorf("got %v", err)
	}
}

func TestExportRefusesAWrongList(t *testing.T) {
	m := llamaToy().open(t)
	store := openStore(t)
	refs, _ := build1(t, NewBuilder(store, nil, "test"), m, study.Assignment{"quant.default": study.Text("F16")})
	swapped := slices.Clone(refs)
	swapped[1], swapped[2] = swapped[2], swapped[1]
	lost := slices.Clone(refs)
	lost[3].Digest = study.DigestOf([]byte("lost"))
	cut := slices.Clone(refs)
	cut[3].Bytes--
	for name, list := range map[string][]study.PieceRef{"none": nil, "swapped": swapped, "lost": lost, "cut": cut, "short": refs[:3]} {
		if err := Export(t.Context(), store, list, io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	cancel(cause)
	if err := Export(ctx, store, refs, io.Discard); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause of the context", err)
	}
}

// BenchmarkBuildOfExistingPieces times a variant whose quantised tensors all
// exist: only its metadata may be new.
func BenchmarkBuildOfExistingPieces(b *testing.B) {
	m := openDemo(b)
	store := openStore(b)
	builder := NewBuilder(store, &goQuantizer{}, "test")
	recipe := func(quant string, depth float64) study.Recipe {
		r, _, err := m.Plan(demoSpec(), nil, study.Assignment{"quant.default": study.Text("F16"), "quant.attention": study.Text(quant), "truncate.depth": study.Number(depth)})
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	list := []study.Recipe{recipe("F16", 6), recipe("Q8_0", 6), recipe("F16", 5), recipe("Q8_0", 5)}
	for _, r := range list {
		if _, _, err := builder.Build(b.Context(), m, r); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; b.Loop(); i++ {
		if _, stats, err := builder.Build(b.Context(), m, list[i%len(list)]); err != nil || stats.New != 0 {
			b.Fatal(stats, err)
		}
	}
}
