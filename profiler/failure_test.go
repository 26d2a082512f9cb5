package profiler

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

func TestWhoseFault(t *testing.T) {
	limited := func(c *Config) { c.MemoryLimit = 1 << 30 }
	impatient := func(c *Config) { c.Timeout = 300 * time.Millisecond }
	for _, test := range []struct {
		fake       string
		change     []func(*Config)
		infeasible bool
		reason     string
		detail     string // a part of it
	}{
		{fake: "assert", infeasible: true, reason: study.ReasonAssertion, detail: "ggml.c:42: GGML_ASSERT(ok) failed"},
		{fake: "assert-go", infeasible: true, reason: study.ReasonAssertion, detail: "x.cpp:7: fatal"},
		{fake: "assert-too", reason: study.ReasonUnknown},
		{fake: "failing", infeasible: true, reason: study.ReasonLoad, detail: "no tensor"},
		{fake: "alloc", change: []func(*Config){limited}, infeasible: true, reason: study.ReasonMemoryLimit, detail: "1073741824"},
		{fake: "killed", reason: study.ReasonKilled},
		{fake: "segfault", reason: study.ReasonUnknown},
		{fake: "quitter", reason: study.ReasonUnknown, detail: "without a result"},
		{fake: "interrupt", reason: study.ReasonUnknown, detail: "exit status 3"},
		{fake: "garbage", reason: study.ReasonUnknown, detail: "protocol"},
		{fake: "unknown", reason: study.ReasonUnknown, detail: "protocol"},
		{fake: "rude", reason: study.ReasonUnknown, detail: "protocol"},
		{fake: "twice", reason: study.ReasonUnknown, detail: "protocol"},
		{fake: "other", reason: study.ReasonUnknown, detail: "protocol"},
		{fake: "endless", reason: study.ReasonUnknown, detail: "protocol"},
		{fake: "mute", change: []func(*Config){impatient}, reason: study.ReasonTimeout},
		{fake: "hang", change: []func(*Config){impatient}, reason: study.ReasonTimeout},
		{fake: "late", change: []func(*Config){impatient}, reason: study.ReasonTimeout},
	} {
		t.Run(test.fake, func(t *testing.T) {
			_, err := fake(t, test.fake, test.change...).Inspect(t.Context())
			f := failure(t, err)
			if f.Infeasible != test.infeasible || f.Reason != test.reason || !strings.Contains(f.Detail, test.detail) {
				t.Errorf("got %+v, want %q, infeasible %v, with %q", f, test.reason, test.infeasible, test.detail)
			}
		})
	}
}

func TestAWellBehavedChildIsNoFailure(t *testing.T) {
	if _, err := fake(t, "well").Inspect(t.Context()); err != nil {
		t.Error(err)
	}
}

// Without a limit of its own, lack of memory says nothing about the variant.
func TestNoMemoryWithoutALimitIsNotProof(t *testing.T) {
	_, err := fake(t, "alloc").Inspect(t.Context())
	if f := failure(t, err); f.Reason == study.ReasonMemoryLimit {
		t.Errorf("got %+v", f)
	}
}

func TestAJobWithoutItsResultsIsAFailure(t *testing.T) {
	r := fake(t, "well")
	_, profile := r.Profile(t.Context(), job.Profile{}, nil)
	for name, err := range map[string]error{
		"quantise": r.Quantise(t.Context(), make([]job.Tensor, 1), func(job.Quantised) {}),
		"evaluate": r.Evaluate(t.Context(), job.Evaluate{Chunks: 1}, func(study.ChunkScore) error { return nil }),
		"profile":  profile,
	} {
		if f := failure(t, err); f.Infeasible || f.Reason != study.ReasonUnknown {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestTheFirstLinesOfStderrAreKeptAndClean(t *testing.T) {
	_, err := fake(t, "chatty").Inspect(t.Context())
	f := failure(t, err)
	size := 0
	for _, line := range f.Stderr {
		size += len(line)
		if strings.ContainsAny(line, "\x1b\x00\a\n\u202e\ufffd") {
			t.Errorf("line %q is not clean", line)
		}
	}
	if len(f.Stderr) < 3 || len(f.Stderr) > maxLines || size > maxKept {
		t.Errorf("%d lines of %d bytes are kept", len(f.Stderr), size)
	}
	if f.Stderr[0] != "[31mred[0m" || f.Stderr[1] != "nul  and  and" {
		t.Errorf("first lines are %q", f.Stderr[:2])
	}
}

func TestWhatAChildSaysIsCleanToo(t *testing.T) {
	_, err := fake(t, "trickster").Inspect(t.Context())
	f := failure(t, err)
	if f.Detail != "a [2Jbc" || len(f.Stderr) > 0 {
		t.Errorf("got %q and %q", f.Detail, f.Stderr)
	}
}

func TestNothingOfOursIsInTheEnvironment(t *testing.T) {
	t.Setenv("SECRET", "in the environment")
	_, err := fake(t, "environment").Inspect(t.Context())
	got := strings.Join(failure(t, err).Stderr, "\n")
	want := strings.Join(environment, "\n") + "\n" + fakeVariable + "=environment"
	if got != want {
		t.Errorf("environment is\n%s\nwant\n%s", got, want)
	}
}

func TestAMissingProgramIsFoundAtOnce(t *testing.T) {
	if _, err := New(Config{Path: "/no/such/runner", Libraries: "."}); err == nil {
		t.Error("no error")
	}
	r := fake(t, "well")
	r.config.Prefix = []string{"/no/such/emulator"}
	_, err := r.Inspect(t.Context())
	if f := failure(t, err); f.Infeasible || f.Reason != study.ReasonIO {
		t.Errorf("got %+v", f)
	}
}

func TestCancellingKillsTheWholeGroup(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := fake(t, "parent")
	var grandchild int
	err := r.do(ctx, job.Job{Inspect: &job.Inspect{}}, func(c *child, _ job.Message) error {
		// The pid was written before the message that got us here, but by
		// another goroutine: it is read below, when the child is gone.
		cancel(errors.New("enough of this"))
		return nil
	})
	f := failure(t, err)
	if f.Infeasible || f.Reason != study.ReasonInterrupted || !strings.Contains(f.Detail, "enough of this") {
		t.Errorf("got %+v", f)
	}
	if len(f.Stderr) == 0 {
		t.Fatal("no pid of the grandchild")
	}
	if grandchild, err = strconv.Atoi(f.Stderr[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the grandchild is gone", func() bool { return gone(grandchild) })
}

// gone reports whether a process has ended (or is a zombie that nobody has
// waited for, as in a container without an init).
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	return err != nil || strings.HasPrefix(rest, "Z")
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}

func TestADeadlineIsATimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := fake(t, "hang").Inspect(ctx)
	if f := failure(t, err); f.Infeasible || f.Reason != study.ReasonTimeout {
		t.Errorf("got %+v", f)
	}
}

func TestErrorsOfACallbackComeBackUnchanged(t *testing.T) {
	mine := errors.New("the store is full")
	err := fake(t, "hang").do(t.Context(), job.Job{}, func(*child, job.Message) error { return mine })
	if err != mine {
		t.Errorf("got %v", err)
	}
	err = fake(t, "hang").do(t.Context(), job.Job{}, func(*child, job.Message) error { return ErrEnough })
	if err != nil {
		t.Errorf("enough: %v", err)
	}
}
