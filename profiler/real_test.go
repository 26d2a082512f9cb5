package profiler

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler/internal/testenv"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

// ggufValue is one key of a GGUF file: a number of type u16 (2), u32 (4), i32
// (5), or a string (8).
type ggufValue struct {
	key   string
	typ   uint32
	value any
}

// encode writes keys as GGUF stores them.
func encode(t *testing.T, values []ggufValue) []byte {
	t.Helper()
	var b bytes.Buffer
	text := func(s string) {
		b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
		b.WriteString(s)
	}
	for _, v := range values {
		text(v.key)
		b.Write(binary.LittleEndian.AppendUint32(nil, v.typ))
		if s, ok := v.value.(string); ok {
			text(s)
		} else if err := binary.Write(&b, binary.LittleEndian, v.value); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// addKeys returns a GGUF file with more keys in front of its own. They are
// filled up to a multiple of the alignment, so that nothing after them moves
// with respect to it.
func addKeys(t *testing.T, file []byte, values ...ggufValue) []byte {
	t.Helper()
	const header, alignment = 24, 32
	filler := ggufValue{"filler", 8, ""}
	over := len(encode(t, append(values, filler))) % alignment
	filler.value = strings.Repeat("x", (alignment-over)%alignment)
	values = append(values, filler)
	head := bytes.Clone(file[:header])
	binary.LittleEndian.PutUint64(head[16:], binary.LittleEndian.Uint64(head[16:])+uint64(len(values)))
	return append(append(head, encode(t, values)...), file[header:]...)
}

// write writes a file and returns its path.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func demoBytes(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(testenv.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// llama.cpp reads split.no of a second file with a type it does not check, and
// aborts.
func TestARealAssertion(t *testing.T) {
	model := demoBytes(t)
	tensors := int32(binary.LittleEndian.Uint64(model[8:]))
	first := write(t, "1.gguf", addKeys(t, model,
		ggufValue{"split.no", 2, uint16(0)}, ggufValue{"split.count", 2, uint16(2)}, ggufValue{"split.tensors.count", 5, tensors}))
	empty := func(no ggufValue) string {
		keys := []ggufValue{no}
		head := append([]byte("GGUF\x03\x00\x00\x00"), make([]byte, 16)...)
		return write(t, "2.gguf", addKeys(t, head, keys...))
	}
	r := real(t)
	if err := r.CanOpen(t.Context(), []string{first, empty(ggufValue{"split.no", 2, uint16(1)})}); err != nil {
		t.Fatalf("the right type: %v", err)
	}
	f := failure(t, r.CanOpen(t.Context(), []string{first, empty(ggufValue{"split.no", 4, uint32(1)})}))
	if !f.Infeasible || f.Reason != study.ReasonAssertion || !strings.Contains(f.Detail, "GGML_ASSERT") {
		t.Errorf("got %+v", f)
	}
	if len(f.Stderr) == 0 || !strings.Contains(f.Stderr[0], "GGML_ASSERT") {
		t.Errorf("first lines are %q", f.Stderr)
	}
}

func TestATruncatedModelSaysWhy(t *testing.T) {
	model := demoBytes(t)
	f := failure(t, real(t).CanOpen(t.Context(), []string{write(t, "cut.gguf", model[:len(model)-1000])}))
	if !f.Infeasible || f.Reason != study.ReasonLoad || !strings.Contains(f.Detail, "not within the file bounds") {
		t.Errorf("got %+v", f)
	}
}

func TestAKilledRunner(t *testing.T) {
	r := real(t)
	e := job.Evaluate{Model: []string{testenv.Model(t)}, Run: one(128), Text: testenv.Text(t), Chunks: 50,
		Base: filepath.Join(t.TempDir(), "base"), Save: true}
	j := job.Job{Evaluate: &e, Limits: job.Limits{Write: true}}
	err := r.do(t.Context(), j, func(c *child, m job.Message) error {
		if m.Chunk != nil {
			return syscall.Kill(c.cmd.Process.Pid, syscall.SIGKILL)
		}
		return nil
	})
	if f := failure(t, err); f.Infeasible || f.Reason != study.ReasonKilled {
		t.Errorf("got %+v", f)
	}
	if _, err := os.Stat(e.Base); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a base has its name: %v", err)
	}
	// What the dead runner left does not stop the next one.
	e.Chunks = 2
	if err := r.Evaluate(t.Context(), e, func(study.ChunkScore) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestARealMemoryLimit(t *testing.T) {
	w := study.Workload{PromptTokens: 8, GenerateTokens: 2, Context: 1024, MinRepeats: 1, MaxRepeats: 1}
	p := job.Profile{Model: []string{testenv.Model(t)}, Run: one(0), Workload: w}
	enough := real(t, func(c *Config) { c.MemoryLimit = 1 << 30 })
	if _, err := enough.Profile(t.Context(), p, nil); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	// With too little, llama.cpp makes no context; with next to nothing, the
	// process cannot even start its threads and dies.
	for _, limit := range []int64{24 << 20, 6 << 20} {
		tight := real(t, func(c *Config) { c.MemoryLimit = limit })
		_, err := tight.Profile(t.Context(), p, nil)
		if f := failure(t, err); !f.Infeasible || f.Reason != study.ReasonMemoryLimit {
			t.Errorf("with %d bytes: %+v", limit, f)
		}
	}
}

func TestTooShortAText(t *testing.T) {
	text := write(t, "short.txt", []byte(strings.Repeat("Once upon a time there was a cat. ", 30)))
	e := job.Evaluate{Model: []string{testenv.Model(t)}, Run: one(64), Text: text, Chunks: 100,
		Base: filepath.Join(t.TempDir(), "base"), Save: true}
	err := real(t).Evaluate(t.Context(), e, func(study.ChunkScore) error { return nil })
	if f := failure(t, err); f.Infeasible || !strings.Contains(f.Detail, "enough for") {
		t.Errorf("got %+v", f)
	}
}

func TestTheBaseOfAnotherTextIsRefused(t *testing.T) {
	r := real(t)
	e := job.Evaluate{Model: []string{testenv.Model(t)}, Run: one(64), Text: testenv.Text(t), Chunks: 3,
		Base: filepath.Join(t.TempDir(), "base"), Save: true}
	nothing := func(study.ChunkScore) error { return nil }
	if err := r.Evaluate(t.Context(), e, nothing); err != nil {
		t.Fatal(err)
	}
	e.Save = false
	other := e
	other.Text = testenv.Demo(t, "calibration.txt")
	if f := failure(t, r.Evaluate(t.Context(), other, nothing)); f.Infeasible || !strings.Contains(f.Detail, "another text") {
		t.Errorf("another text: %+v", f)
	}
	other = e
	other.Chunks = 4
	if f := failure(t, r.Evaluate(t.Context(), other, nothing)); f.Infeasible || !strings.Contains(f.Detail, "cannot compare with 3 chunks") {
		t.Errorf("more chunks than there are: %+v", f)
	}
	seen := 0
	err := r.Evaluate(t.Context(), e, func(study.ChunkScore) error { seen++; return ErrEnough })
	if err != nil || seen != 1 {
		t.Errorf("enough after %d chunks: %v", seen, err)
	}
}

// The scores must not depend on how many threads compute them, so that the
// host can use what it has.
func TestThreadsChangeNoBitOfTheScores(t *testing.T) {
	r := real(t)
	base := filepath.Join(t.TempDir(), "base")
	var scores [2][]study.ChunkScore
	for i := range scores {
		run := one(128)
		run.Threads = i + 1
		e := job.Evaluate{Model: []string{testenv.Model(t)}, Run: run, Text: testenv.Text(t), Chunks: 2, Base: base, Save: i == 0}
		if err := r.Evaluate(t.Context(), e, func(c study.ChunkScore) error { scores[i] = append(scores[i], c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range scores[0] {
		if scores[0][i].NLL != scores[1][i].NLL {
			t.Errorf("chunk %d: %v with one thread, %v with two", i, scores[0][i].NLL, scores[1][i].NLL)
		}
	}
}

func TestUnknownLibrariesAreRefused(t *testing.T) {
	good := testenv.Libraries(t)
	dir := t.TempDir()
	entries, err := os.ReadDir(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".so") {
			if err := os.Symlink(filepath.Join(good, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	name := filepath.Join(dir, "libllama.v0.5.0.so")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(dir string) func(*Config) { return func(c *Config) { c.Libraries = dir } }
	_, err = real(t, in(dir)).Inspect(t.Context())
	if f := failure(t, err); f.Infeasible || !strings.Contains(f.Detail, "3.22.1") || !strings.Contains(f.Detail, "v0.5.0") {
		t.Errorf("a changed library: %+v", f)
	}
	_, err = real(t, in(t.TempDir())).Inspect(t.Context())
	if f := failure(t, err); f.Infeasible || f.Reason != study.ReasonIO || !strings.Contains(f.Detail, "3.22.1") {
		t.Errorf("no libraries: %+v", f)
	}
	_, err = real(t, func(c *Config) { c.Backend = "../evil.so" }).Inspect(t.Context())
	if f := failure(t, err); f.Infeasible || !strings.Contains(f.Detail, "evil") {
		t.Errorf("an unknown backend: %+v", f)
	}
}

func TestProfileOfAVariantThatIsNotThere(t *testing.T) {
	_, err := real(t).Profile(t.Context(), job.Profile{Model: []string{"/nowhere.gguf"}, Run: one(0),
		Workload: study.Workload{PromptTokens: 1, MaxTime: time.Second}}, nil)
	if f := failure(t, err); f.Infeasible || f.Reason != study.ReasonIO {
		t.Errorf("got %+v", f)
	}
}

func TestTensorsThatDoNotAddUpAreRefused(t *testing.T) {
	dir := t.TempDir()
	in := write(t, "tensor", make([]byte, 4096))
	taken := write(t, "taken", []byte("mine"))
	good := job.Tensor{In: in, Offset: 64, From: "F16", To: "Q8_0", Rows: 4, RowLength: 64, Out: filepath.Join(dir, "out"), Head: []byte("head"), Align: 32}
	r := real(t)
	none := func(job.Quantised) {}
	for name, spoil := range map[string]func(*job.Tensor){
		"an offset beyond the file":    func(x *job.Tensor) { x.Offset = 4096 },
		"a range beyond the file":      func(x *job.Tensor) { x.Offset = 4096 - 511 },
		"a negative offset":            func(x *job.Tensor) { x.Offset = -1 },
		"rows that overflow":           func(x *job.Tensor) { x.Rows = 1 << 62 },
		"no rows":                      func(x *job.Tensor) { x.Rows = 0 },
		"a row that does not fit":      func(x *job.Tensor) { x.RowLength = 63 },
		"an unknown type":              func(x *job.Tensor) { x.To = "Q1_Z" },
		"a source that is quantised":   func(x *job.Tensor) { x.From = "Q8_0" },
		"a file that is there already": func(x *job.Tensor) { x.Out = taken },
		"a source that is not there":   func(x *job.Tensor) { x.In = "/nowhere" },
	} {
		bad := good
		spoil(&bad)
		if f := failure(t, r.Quantise(t.Context(), []job.Tensor{bad}, none)); f.Infeasible {
			t.Errorf("%s: %+v", name, f)
		}
		if _, err := os.Stat(good.Out); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%s: a file was made", name)
		}
	}
	if b, err := os.ReadFile(taken); err != nil || string(b) != "mine" {
		t.Errorf("the file that was there is %q, %v", b, err)
	}
	if err := r.Quantise(t.Context(), []job.Tensor{good}, none); err != nil {
		t.Error(err)
	}
}
