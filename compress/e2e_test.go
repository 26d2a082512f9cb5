package compress

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/study"
)

// The tests of this file use the real fettle-runner and the real libraries.
// They speak its JSON directly, since compress does not import profiler.

// repository is the folder of go.mod.
const repository = ".."

// runner runs jobs of fettle-runner.
type runner struct{ path, libraries string }

func realRunner(t testing.TB) runner {
	t.Helper()
	r := runner{libraries: os.Getenv("FETTLE_LIBRARIES")}
	if r.libraries == "" {
		r.libraries = filepath.Join(repository, "build", "llama")
	}
	var err error
	if r.libraries, err = filepath.Abs(r.libraries); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.libraries); err != nil {
		t.Fatalf("the llama.cpp libraries are missing (%v): run make libraries", err)
	}
	r.path = filepath.Join(t.TempDir(), "fettle-runner")
	cmd := exec.Command("go", "build", "-o", r.path, "./cmd/fettle-runner")
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fettle-runner does not build: %v\n%s", err, out)
	}
	return r
}

type message struct {
	Quantised *struct {
		Index  int
		Digest study.Digest
		Bytes  int64
	}
	Chunk   *study.ChunkScore
	Failure *study.Failure
	Done    *struct{}
}

// do runs one job to its end.
func (r runner) do(ctx context.Context, kind string, what any, on func(message) error) error {
	job, err := json.Marshal(map[string]any{"libraries": r.libraries, kind: what})
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, r.path)
	cmd.Env = []string{"GGML_NO_BACKTRACE=1"}
	cmd.Stdin, cmd.Stderr = bytes.NewReader(append(job, '\n')), &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	done, err := listen(stdout, on)
	if wait := cmd.Wait(); err == nil && (wait != nil || !done) {
		err = fmt.Errorf("the runner ended without being done: %v\n%.2000s", wait, stderr.String())
	}
	return err
}

func listen(r io.Reader, on func(message) error) (done bool, err error) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return done, nil
		}
		if err != nil {
			return false, err
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			return false, err
		}
		switch {
		case m.Failure != nil:
			return false, m.Failure
		case m.Done != nil:
			done = true
		case on != nil:
			if err := on(m); err != nil {
				return false, err
			}
		}
	}
}

// Quantise makes runner a Quantizer, as the programs that wire it do.
func (r runner) Quantise(ctx context.Context, list []Tensor, done func(Quantised) error) error {
	type tensor struct {
		In        string `json:"in"`
		Offset    int64  `json:"offset"`
		From      string `json:"from"`
		To        string `json:"to"`
		Rows      int64  `json:"rows"`
		RowLength int64  `json:"row_length"`
		Out       string `json:"out"`
		Head      []byte `json:"head"`
		Align     int64  `json:"align"`
	}
	tensors := make([]tensor, len(list))
	for i, t := range list {
		in, err := filepath.Abs(t.In)
		if err != nil {
			return err
		}
		t.In = in
		tensors[i] = tensor(t)
	}
	return r.do(ctx, "quantise", map[string]any{"threads": 2, "tensors": tensors}, func(m message) error {
		if m.Quantised == nil {
			return nil
		}
		return done(Quantised(*m.Quantised))
	})
}

// evaluation is everything that tells one set of logits from another: the sums
// of each chunk and the file of log-probabilities.
type evaluation struct {
	chunks []study.ChunkScore
	base   study.Digest
}

const evalChunks = 2

func (r runner) evaluate(t *testing.T, files []string, run study.RunOptions) evaluation {
	t.Helper()
	text, err := filepath.Abs(repository + "/configs/demo/eval.txt")
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(t.TempDir(), "base")
	run.Context = 64
	var e evaluation
	err = r.do(t.Context(), "evaluate", map[string]any{
		"model": files, "run": run, "text": text, "first": 0, "chunks": evalChunks, "base": base, "save": true,
	}, func(m message) error {
		if m.Chunk != nil {
			e.chunks = append(e.chunks, *m.Chunk)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	e.base = study.DigestOf(b)
	if len(e.chunks) != evalChunks || e.chunks[0].NLL == 0 {
		t.Fatalf("the runner scored %v", e.chunks)
	}
	return e
}

func (e evaluation) same(f evaluation) bool {
	return e.base == f.base && slices.Equal(e.chunks, f.chunks)
}

// subject is a model under test.
type subject struct {
	*Model
	source []byte
	file   *gguf.File
}

func load(t *testing.T, path string) subject {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(path, study.DigestOf(b), filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	return subject{m, b, read(t, b)}
}

// elaborate is the demo model with an output matrix of its own and llama 3's
// RoPE factors, which are neither a matrix nor in a block.
func elaborate(t *testing.T) subject {
	t.Helper()
	s := load(t, demo)
	var l gguf.Layout
	l.Meta = s.file.Meta
	factors := gguf.Tensor{Name: "rope_freqs.weight", Type: gguf.F32, Dims: []int64{16}}
	embedding := s.file.Tensors[slices.IndexFunc(s.file.Tensors, func(x gguf.Tensor) bool { return x.Name == "token_embd.weight" })]
	output := embedding
	output.Name = "output.weight"
	l.Tensors = append([]gguf.Tensor{factors}, append(slices.Clone(s.file.Tensors), output)...)
	path := filepath.Join(t.TempDir(), "elaborate.gguf")
	writeLayout(t, path, l, func(x gguf.Tensor) []byte {
		if x.Name != factors.Name {
			return s.source[x.Offset:][:x.Bytes()]
		}
		list := make([]float32, 16)
		for i := range list {
			list[i] = 1 + float32(i)/4
		}
		b, err := encodeRow(list, gguf.F32)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
	return load(t, path)
}

func writeLayout(t *testing.T, path string, l gguf.Layout, data func(gguf.Tensor) []byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = l.Write(f, func(i int, w io.Writer) error {
		_, err := w.Write(data(l.Tensors[i]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// zeroed writes what a variant must be equal to: the source with its structure
// and architecture, the variant's matrices where it has them, and zeros in the
// last matrix of every half block that it leaves out. Only the blocks behind
// the last one kept are really gone.
func zeroed(t *testing.T, s subject, x meaning, variant []byte) string {
	t.Helper()
	is := read(t, variant)
	stored := map[string]gguf.Tensor{}
	for _, v := range is.Tensors {
		stored[v.Name] = v
	}
	var l gguf.Layout
	l.Meta = s.file.Meta.With(gguf.U32("llama.block_count", uint32(x.Blocks)))
	bytesOf := map[string][]byte{}
	for _, src := range s.tensors {
		if src.block >= x.Blocks {
			continue
		}
		keep, out := src.Tensor, s.source[src.Offset:][:src.Bytes()]
		switch {
		case !x.Without.has(src.half, src.block):
			keep = stored[src.Name]
			out = variant[keep.Offset:][:keep.Bytes()]
		case src.suffix == "attn_output.weight" || src.suffix == "ffn_down.weight":
			out = make([]byte, src.Bytes())
		}
		l.Tensors = append(l.Tensors, keep)
		bytesOf[src.Name] = out
	}
	path := filepath.Join(t.TempDir(), "zeroed.gguf")
	writeLayout(t, path, l, func(x gguf.Tensor) []byte { return bytesOf[x.Name] })
	return path
}

// A variant without half blocks gives bit by bit the logits of the whole model
// with zeros in their place. Without this, a variant that loads and gives
// plausible numbers may still be the wrong one: see stubWidth.
func TestLeftOutHalfBlocksEqualZeros(t *testing.T) {
	r := realRunner(t)
	mixed := map[string]gguf.Type{"blk.1.attn_q.weight": gguf.Q8_0, "blk.1.ffn_down.weight": gguf.Q4_K, "blk.3.ffn_up.weight": gguf.Q4_0, "token_embd.weight": gguf.Q6_K}
	cases := []struct {
		name string
		x    meaning
	}{ // the first four for both models
		{"attention of the first block", meaning{Blocks: 6, Without: without{Attention: []int{0}}}},
		{"several", meaning{Blocks: 6, Without: without{Attention: []int{0, 2, 4}, FFN: []int{1, 2, 5}}, Types: mixed}},
		{"both halves of the last block", meaning{Blocks: 6, Without: without{Attention: []int{5}, FFN: []int{5}}}},
		{"truncated, several", meaning{Blocks: 5, Without: without{Attention: []int{0, 4}, FFN: []int{2, 4}}, Types: mixed}},
		{"attention of a middle block", meaning{Blocks: 6, Without: without{Attention: []int{3}}}},
		{"attention of the last block", meaning{Blocks: 6, Without: without{Attention: []int{5}}}},
		{"FFN of the first block", meaning{Blocks: 6, Without: without{FFN: []int{0}}}},
		{"FFN of a middle block", meaning{Blocks: 6, Without: without{FFN: []int{2}}}},
		{"FFN of the last block", meaning{Blocks: 6, Without: without{FFN: []int{5}}}},
		{"both halves of the first block", meaning{Blocks: 6, Without: without{Attention: []int{0}, FFN: []int{0}}}},
		{"truncated", meaning{Blocks: 4}},
		{"truncated, last kept block", meaning{Blocks: 4, Without: without{Attention: []int{3}, FFN: []int{3}}}},
	}
	for _, model := range []struct {
		name  string
		s     subject
		cases int
	}{{"tied", load(t, demo), len(cases)}, {"untied, RoPE factors", elaborate(t), 4}} {
		t.Run(model.name, func(t *testing.T) {
			b := NewBuilder(openStore(t), r, "test")
			for _, c := range cases[:model.cases] {
				t.Run(c.name, func(t *testing.T) { equalsZeros(t, r, model.s, b, c.x) })
			}
		})
	}
}

func equalsZeros(t *testing.T, r runner, s subject, b *Builder, x meaning) {
	t.Helper()
	if x.Without.has(FFN, 1) || x.Without.has(Attention, 1) { // nobody stores these
		x.Types = map[string]gguf.Type{"token_embd.weight": gguf.Q6_K}
	}
	recipe := s.recipe(x, study.RunOptions{Threads: 1, KV: "f16", Context: 64})
	refs, _, err := b.Build(t.Context(), s.Model, recipe)
	if err != nil {
		t.Fatal(err)
	}
	files, err := b.store.Files(refs)
	if err != nil {
		t.Fatal(err)
	}
	exported := export4test(t, b.store, refs)
	if want := s.predict(x, recipe.Run, nil).FileBytes; int64(len(exported)) != want {
		t.Errorf("exported %d bytes, predicted %d", len(exported), want)
	}
	single := filepath.Join(t.TempDir(), "variant.gguf")
	if err := os.WriteFile(single, exported, 0o600); err != nil {
		t.Fatal(err)
	}
	got := r.evaluate(t, files, recipe.Run)
	if want := r.evaluate(t, []string{zeroed(t, s, x, exported)}, recipe.Run); !got.same(want) {
		t.Errorf("pieces gave %+v, zeros %+v", got, want)
	}
	if one := r.evaluate(t, []string{single}, recipe.Run); !got.same(one) {
		t.Errorf("pieces gave %+v, the exported file %+v", got, one)
	}
}

// The test above can fail: the original is another model than any variant, and
// the RoPE factors of the second model are not ignored.
func TestEvaluationTellsVariantsApart(t *testing.T) {
	r := realRunner(t)
	s := load(t, demo)
	run := study.RunOptions{Threads: 1, KV: "f16"}
	whole := r.evaluate(t, []string{abs(t, demo)}, run)
	if r.evaluate(t, []string{elaborate(t).path}, run).same(whole) {
		t.Error("the RoPE factors change nothing")
	}
	for b, half := range []string{Attention, FFN} {
		recipe, err := s.HalfBlock(half, b, run)
		if err != nil {
			t.Fatal(err)
		}
		store := openStore(t)
		refs, _, err := NewBuilder(store, nil, "test").Build(t.Context(), s.Model, recipe)
		if err != nil {
			t.Fatal(err)
		}
		files, err := store.Files(refs)
		if err != nil {
			t.Fatal(err)
		}
		if r.evaluate(t, files, run).same(whole) {
			t.Errorf("leaving out the %s of block %d changes nothing", half, b)
		}
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Random assignments of the demo's study, with every type of it: llama.cpp
// opens what was built and what is exported, with the predicted bytes.
func TestLlamaOpensEveryVariant(t *testing.T) {
	r := realRunner(t)
	s := load(t, demo)
	store := openStore(t)
	b := NewBuilder(store, r, "test")
	spec := demoSpec()
	spec.Knobs[0].Choice = texts("F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "Q3_K", "Q2_K")
	rng := rand.New(rand.NewPCG(11, 12))
	for n := range 15 {
		a := draw(rng, spec.Knobs)
		a["quant.default"] = spec.Knobs[0].Choice[n]
		recipe, p, err := s.Plan(spec, demoRanking(), a)
		if err != nil {
			t.Fatal(err)
		}
		refs, stats, err := b.Build(t.Context(), s.Model, recipe)
		if err != nil {
			t.Fatalf("%s: %v", recipe.Text, err)
		}
		opens(t, r, store, refs, recipe.Text, p)
		t.Logf("%s: %d bytes, %d new pieces of %d bytes", recipe.Text, p.FileBytes, stats.New, stats.Bytes)
	}
}

func opens(t *testing.T, r runner, store *pieces.Store, refs []study.PieceRef, text string, p study.Prediction) {
	t.Helper()
	files, err := store.Files(refs)
	if err != nil {
		t.Fatal(err)
	}
	exported := export4test(t, store, refs)
	if int64(len(exported)) != p.FileBytes {
		t.Errorf("%s: exported %d bytes, predicted %d", text, len(exported), p.FileBytes)
	}
	single := filepath.Join(t.TempDir(), "exported.gguf")
	if err := os.WriteFile(single, exported, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]string{files, {single}} {
		if err := r.do(t.Context(), "inspect", map[string]any{"model": list}, nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	// A wrong order must be noticed, or the test proves nothing.
	if strings.Contains(text, "blocks") {
		slices.Reverse(files)
		if err := r.do(t.Context(), "inspect", map[string]any{"model": files}, nil); err == nil {
			t.Errorf("%s: llama.cpp opened the pieces in the wrong order", text)
		}
	}
}
