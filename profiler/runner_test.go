package profiler

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler/internal/testenv"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

// real returns a Runner of the real program and libraries, with a lock of its
// own.
func real(t *testing.T, change ...func(*Config)) *Runner {
	t.Helper()
	c := Config{
		Path:      testenv.Runner(t),
		Libraries: testenv.Libraries(t),
		Lock:      filepath.Join(t.TempDir(), "lock"),
	}
	for _, f := range change {
		f(&c)
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// one is the run options of a single thread.
func one(context int) study.RunOptions {
	return study.RunOptions{Threads: 1, KV: "f16", Context: context}
}

func TestInspectNamesTheLibraries(t *testing.T) {
	got, err := real(t).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "llama.cpp" || !strings.HasPrefix(got.Version, "0.5.0") || len(got.Digest) != 64 {
		t.Errorf("runtime is %+v", got.RuntimeInfo)
	}
	if len(got.Backends) == 0 || got.Backends[0] != got.Backend {
		t.Errorf("backend %q is not the first of %q", got.Backend, got.Backends)
	}
}

func TestCanOpen(t *testing.T) {
	r := real(t)
	if err := r.CanOpen(t.Context(), []string{testenv.Model(t)}); err != nil {
		t.Errorf("the demo model: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.gguf")
	if err := os.WriteFile(broken, []byte("GGUF, or so it says"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := failure(t, r.CanOpen(t.Context(), []string{broken}))
	if !f.Infeasible || f.Reason != study.ReasonLoad {
		t.Errorf("a broken model: %+v", f)
	}
	f = failure(t, r.CanOpen(t.Context(), []string{filepath.Join(t.TempDir(), "none.gguf")}))
	if f.Infeasible || f.Reason != study.ReasonIO {
		t.Errorf("a model that is not there: %+v", f)
	}
}

func TestEvaluateAgainstItself(t *testing.T) {
	r := real(t)
	const chunks = 4
	base := filepath.Join(t.TempDir(), "base")
	e := job.Evaluate{Model: []string{testenv.Model(t)}, Run: one(128), Text: testenv.Text(t), Chunks: chunks, Base: base, Save: true}
	run := func(e job.Evaluate) (scores []study.ChunkScore) {
		t.Helper()
		err := r.Evaluate(t.Context(), e, func(c study.ChunkScore) error { scores = append(scores, c); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return scores
	}
	saved := run(e)
	if left, _ := filepath.Glob(base + ".*"); len(left) > 0 {
		t.Errorf("files left behind: %q", left)
	}
	e.Save, e.First, e.Chunks = false, 1, 3
	compared := run(e)
	if len(saved) != chunks || len(compared) != 3 {
		t.Fatalf("%d and %d chunks", len(saved), len(compared))
	}
	for i, c := range compared {
		s := saved[i+1]
		if c.Chunk != s.Chunk || c.NLL != s.NLL || c.NLL2 != s.NLL2 || c.Bytes != s.Bytes || c.Count != 63 {
			t.Errorf("the same model scores %+v, then %+v", s, c)
		}
		// The base is stored in 16 bits; what that loses is far below 1e-4.
		if math.Abs(c.KLD)/float64(c.Count) > 1e-4 || c.Same1 != c.Count {
			t.Errorf("a model diverges from itself: %+v", c)
		}
	}
	if q := study.QualityValues(saved); q["quality.ppl"].Value < 5 || q["quality.ppl"].Value > 100 || q["quality.bpb"].Value < 0.5 || q["quality.bpb"].Value > 3 {
		t.Errorf("implausible quality of the demo model: %+v", q)
	}
}

func TestProfile(t *testing.T) {
	w := study.Workload{PromptTokens: 32, GenerateTokens: 8, Context: 64, WarmUp: 1, MinRepeats: 3, MaxRepeats: 4, MaxTime: time.Second}
	var phases []string
	got, err := real(t).Profile(t.Context(), job.Profile{Model: []string{testenv.Model(t)}, Run: one(0), Workload: w, Seed: 1}, func(m job.Message) {
		if m.Phase != nil {
			phases = append(phases, m.Phase.Name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(phases, " "); s != "idle_before load warm_up measure idle_after" {
		t.Errorf("phases are %q", s)
	}
	n := 0
	for _, m := range got.Measurements {
		info, _, ok := study.LookupMetric(m.Metric)
		if !ok || m.Unit != info.Unit {
			t.Errorf("%s has the unit %q", m.Metric, m.Unit)
		}
		for _, x := range m.Samples {
			if !(x > 0) {
				t.Errorf("%s has the sample %g", m.Metric, x)
			}
		}
		switch m.Metric {
		case "latency.decode":
			n = len(m.Samples) / m.Group
			if m.Group != 8 || len(m.Samples)%8 != 0 {
				t.Errorf("%d decode samples in groups of %d", len(m.Samples), m.Group)
			}
		case "memory.peak":
			size, err := os.Stat(testenv.Model(t))
			if err != nil {
				t.Fatal(err)
			}
			if m.Samples[0] < float64(size.Size()) {
				t.Errorf("peak memory of %g is less than the model's %d bytes", m.Samples[0], size.Size())
			}
		}
	}
	if n < 3 || n > 4 || len(got.Conditions.OtherCPU) != n {
		t.Errorf("%d repetitions and %d shares of others, want 3 or 4", n, len(got.Conditions.OtherCPU))
	}
	if len(got.Measurements) != 7 {
		t.Errorf("%d measurements, want 7", len(got.Measurements))
	}
}

// failure returns err as a *study.Failure.
func failure(t *testing.T, err error) *study.Failure {
	t.Helper()
	f, ok := err.(*study.Failure)
	if !ok {
		t.Fatalf("error is %v, want a *study.Failure", err)
	}
	return f
}
