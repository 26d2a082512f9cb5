package llama

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/internal/testenv"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

func TestMain(m *testing.M) { os.Exit(testenv.Run(m)) }

// A process opens the libraries once.
var opened struct {
	once sync.Once
	lib  *Library
	err  error
}

func library(t *testing.T) *Library {
	t.Helper()
	dir := testenv.Libraries(t)
	opened.once.Do(func() { opened.lib, opened.err = Open(dir, "") })
	if opened.err != nil {
		t.Fatal(opened.err)
	}
	return opened.lib
}

func TestTheDigestIsOfTheKnownFiles(t *testing.T) {
	info := library(t).Info()
	rel, err := known()
	if err != nil {
		t.Fatal(err)
	}
	if info.Digest != rel.digest() || info.Backend == "" {
		t.Errorf("info is %+v", info)
	}
	changed := release{name: rel.name, files: map[string]string{llamaFile: rel.files[llamaFile]}}
	if changed.digest() == rel.digest() {
		t.Error("other files have the same digest")
	}
}

// fileTypes are llama.cpp's numbers (enum llama_ftype) of the files in which
// every matrix has one type.
var fileTypes = map[string]int32{
	"F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K": 12,
	"Q4_K": 15, "Q5_K": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "BF16": 32,
}

// The bytes that the runner makes of a tensor are those that llama.cpp's own
// program makes of it, for every type and every matrix of the demo model.
func TestBytesEqualLlamaQuantize(t *testing.T) {
	lib := library(t)
	dir := t.TempDir()
	r, err := profiler.New(profiler.Config{Path: testenv.Runner(t), Libraries: testenv.Libraries(t), Lock: filepath.Join(dir, "lock"), Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	source := testenv.Model(t)
	for to, number := range fileTypes {
		whole := filepath.Join(dir, to+".gguf")
		if err := lib.QuantiseFile(source, whole, number); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(whole)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]tensorInfo{}
		for _, x := range readTensors(t, whole) {
			want[x.name] = x
		}
		var jobs []job.Tensor
		var names []string
		for _, x := range readTensors(t, source) {
			if len(x.dims) != 2 {
				continue
			}
			typ := nameOf(t, Type(want[x.name].typ)) // with llama-quantize's fallback for short rows
			names = append(names, x.name)
			jobs = append(jobs, job.Tensor{In: source, Offset: x.offset, From: "F16", To: typ, Rows: x.dims[1], RowLength: x.dims[0],
				Out: filepath.Join(dir, to+"-"+x.name), Head: []byte("head of " + x.name), Align: 32})
		}
		if len(jobs) < 30 {
			t.Fatalf("%s: only %d matrices are converted", to, len(jobs))
		}
		n := 0
		err = r.Quantise(t.Context(), jobs, func(q job.Quantised) {
			n++
			checkPiece(t, jobs[q.Index], q, b[want[names[q.Index]].offset:][:want[names[q.Index]].bytes(t, lib)])
		})
		if err != nil || n != len(jobs) {
			t.Fatalf("%s: %d of %d tensors, %v", to, n, len(jobs), err)
		}
		os.Remove(whole)
	}
}

// checkPiece compares a file that the runner has made with its description and
// with the bytes that llama.cpp makes.
func checkPiece(t *testing.T, j job.Tensor, q job.Quantised, want []byte) {
	t.Helper()
	got, err := os.ReadFile(j.Out)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(got)
	if q.Digest != study.Digest(hex.EncodeToString(sum[:])) || q.Bytes != int64(len(got)) {
		t.Errorf("%s: %d bytes %s are reported as %d bytes %s", j.Out, len(got), hex.EncodeToString(sum[:]), q.Bytes, q.Digest)
	}
	if len(got)%int(j.Align) != 0 || !bytes.HasPrefix(got, j.Head) {
		t.Errorf("%s: %d bytes, beginning with %q", j.Out, len(got), got[:len(j.Head)])
	}
	data, padding := got[len(j.Head):][:len(want)], got[len(j.Head)+len(want):]
	if !bytes.Equal(data, want) {
		t.Errorf("%s to %s: the bytes are not llama-quantize's", j.Out, j.To)
	}
	if len(padding) >= int(j.Align) || !bytes.Equal(padding, make([]byte, len(padding))) {
		t.Errorf("%s: padding of %d bytes", j.Out, len(padding))
	}
	info, err := os.Stat(j.Out)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s has the mode %v", j.Out, info.Mode())
	}
	os.Remove(j.Out)
}

// nameOf is the inverse of TypeOf.
func nameOf(t *testing.T, typ Type) string {
	t.Helper()
	for name, k := range typeNames {
		if k == typ {
			return name
		}
	}
	t.Fatalf("type %d has no name", typ)
	return ""
}

// Every float16 becomes the float32 that ggml makes of it.
func TestHalvesAreConvertedExactly(t *testing.T) {
	lib := library(t)
	const n = 1<<16 - 3 // not a multiple of what is converted at once
	src := make([]byte, 2*n)
	for i := range n {
		binary.LittleEndian.PutUint16(src[2*i:], uint16(i))
	}
	got, want := make([]float32, n), make([]float32, n)
	lib.ToFloat(got, src, F16)
	lib.fn.halfToFloat(&src[0], &want[0], n)
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%#04x became %g, ggml says %g", i, got[i], want[i])
		}
	}
}

func TestRowsThatDoNotFitAreRefused(t *testing.T) {
	lib := library(t)
	for _, test := range []struct {
		typ  string
		n    int64
		want int64 // 0 is an error
	}{
		{"F32", 7, 28}, {"F16", 7, 14}, {"BF16", 1, 2}, {"Q8_0", 64, 68}, {"Q4_K", 256, 144},
		{"Q8_0", 33, 0}, {"Q4_K", 128, 0}, {"F16", 0, 0}, {"F16", -1, 0}, {"F16", 1 << 40, 0},
	} {
		typ, err := TypeOf(test.typ)
		if err != nil {
			t.Fatal(err)
		}
		got, err := lib.RowBytes(typ, test.n)
		if got != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%s row of %d: %d bytes, %v; want %d", test.typ, test.n, got, err, test.want)
		}
	}
	if _, err := TypeOf("Q9_Z"); err == nil {
		t.Error("an unknown type")
	}
}

// After a decode the upper halves of the vector registers are not in use: else
// everything that Go computes would be very slow.
func TestRegistersAreCleanAfterADecode(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if soil(); tellsInUse() {
		if !upperInUse() {
			t.Error("registers that were filled are not seen to be in use")
		}
		if cleanUpper(); upperInUse() {
			t.Error("cleaning did not clean")
		}
	} else {
		t.Log("this CPU does not tell which registers are in use: only decoding is tested")
	}
	lib := library(t)
	// Repacked Q4_0 is where it was seen.
	path := filepath.Join(t.TempDir(), "q4_0.gguf")
	if err := lib.QuantiseFile(testenv.Model(t), path, fileTypes["Q4_0"]); err != nil {
		t.Fatal(err)
	}
	m, err := lib.LoadModel([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	c, err := m.NewContext(study.RunOptions{Threads: 1, KV: "f16", Context: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Free()
	b := lib.NewBatch(16)
	defer b.Free()
	for i := range 16 {
		b.Add(int32(i), i, i == 15)
	}
	if rc := lib.fn.decode(c.handle, b.c); rc != 0 {
		t.Fatalf("llama_decode answers %d", rc)
	}
	lib.fn.logits(c.handle) // waits
	t.Logf("llama_decode leaves the upper halves in use here: %v", upperInUse())

	c.Clear(true)
	soil()
	if err := c.Decode(b); err != nil {
		t.Fatal(err)
	}
	if upperInUse() {
		t.Error("Decode leaves upper halves in use")
	}
	if n := len(c.LastLogits()); upperInUse() || n != m.Vocabulary() {
		t.Errorf("LastLogits leaves upper halves in use, or gives %d logits", n)
	}
}

func TestContextsThatCannotBe(t *testing.T) {
	lib := library(t)
	m, err := lib.LoadModel([]string{testenv.Model(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	for name, test := range map[string]struct {
		run        study.RunOptions
		infeasible bool
	}{
		"a quantised cache without flash attention": {study.RunOptions{Threads: 1, KV: "q8_0", Context: 64}, true},
		"an unknown cache type":                     {study.RunOptions{Threads: 1, KV: "q2_k", Context: 64}, true},
		"no threads":                                {study.RunOptions{KV: "f16", Context: 64}, false},
		"no context":                                {study.RunOptions{Threads: 1, KV: "f16"}, false},
	} {
		_, err := m.NewContext(test.run)
		f, ok := err.(*study.Failure)
		if !ok || f.Infeasible != test.infeasible || f.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := m.NewContext(study.RunOptions{Threads: 1, KV: "q8_0", Flash: true, Context: 64})
	if err != nil {
		t.Fatal(err)
	}
	c.Free()
}

func TestTokens(t *testing.T) {
	m, err := library(t).LoadModel([]string{testenv.Model(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	const text = "Once upon a time, Zoë saw 3 <s> cats.\n"
	tokens, err := m.Tokenize(text)
	if err != nil {
		t.Fatal(err)
	}
	if bos, add := m.BOS(); add != (tokens[0] == bos) {
		t.Errorf("first token is %d, BOS is %d and added: %v", tokens[0], bos, add)
	}
	bytes := 0
	for _, k := range tokens {
		bytes += m.PieceBytes(k)
	}
	// The tokeniser may put a space in front of the text.
	if bytes != len(text) && bytes != len(text)+1 {
		t.Errorf("the tokens of %d bytes stand for %d", len(text), bytes)
	}
	if none, err := m.Tokenize(""); err != nil || len(none) != 0 {
		t.Errorf("an empty text has %d tokens, %v", len(none), err)
	}
}

// DecodeEach computes what Decode does, tells the time of each view, and stops
// at the one that cannot be decoded.
func TestDecodeEach(t *testing.T) {
	lib := library(t)
	m, err := lib.LoadModel([]string{testenv.Model(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	const prompt, answer = 5, 6
	run := func(compute func(c *Context, b *Batch)) []float32 {
		c, err := m.NewContext(study.RunOptions{Threads: 1, KV: "f16", Context: 256})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Free()
		b := lib.NewBatch(prompt + answer)
		defer b.Free()
		for i := range prompt + answer {
			b.Add(int32(3*i+7), i, i >= prompt-1)
		}
		compute(c, b)
		return slices.Clone(c.LastLogits())
	}
	want := run(func(c *Context, b *Batch) {
		part := *b
		part.c.nTokens = prompt
		if err := c.Decode(&part); err != nil {
			t.Fatal(err)
		}
		for i := prompt; i < prompt+answer; i++ {
			part.c = batchStruct(b.View(i, i+1))
			if err := c.Decode(&part); err != nil {
				t.Fatal(err)
			}
		}
	})
	got := run(func(c *Context, b *Batch) {
		views := []View{b.View(0, prompt)}
		for i := prompt; i < prompt+answer; i++ {
			views = append(views, b.View(i, i+1))
		}
		stamps, err := c.DecodeEach(views)
		if err != nil || len(stamps) != len(views)+1 {
			t.Fatalf("%d stamps, %v", len(stamps), err)
		}
		for i := range views {
			if stamps[i+1] <= stamps[i] {
				t.Errorf("view %d ends at %d and begins at %d", i, stamps[i+1], stamps[i])
			}
		}
	})
	if !slices.Equal(got, want) {
		t.Error("the logits are not those of Decode")
	}
	run(func(c *Context, b *Batch) {
		bad := b.View(0, 1)
		bad.nTokens = 0
		if _, err := c.DecodeEach([]View{b.View(0, prompt), bad}); err == nil {
			t.Error("a view without tokens is decoded")
		}
	})
}
