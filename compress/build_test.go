package compress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
