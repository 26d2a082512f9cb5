package profiler

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"unicode"

	"github.com/fettle-edge/fettle/study"
)

// blame says whose fault it is that a job did not succeed. What is not known
// to be the variant's fault is ours.
//
// err is what ended the conversation, nil if the child was simply gone; exit is
// how its process ended.
func (r *Runner) blame(ctx context.Context, c *child, err, exit error) error {
	f := r.judge(ctx, c, err, exit)
	if f == nil {
		return err // the callback's own
	}
	if len(f.Stderr) == 0 {
		f.Stderr = c.stderr.lines()
	}
	return f
}

func (r *Runner) judge(ctx context.Context, c *child, err, exit error) *study.Failure {
	said := c.stderr.String()
	if f := interruption(ctx); f != nil {
		return f
	}
	if f, ok := errors.AsType[*study.Failure](err); ok {
		told := clean(f)
		if told.Reason == study.ReasonLoad && r.outOfMemory(told.Detail+said) {
			told.Infeasible, told.Reason = true, study.ReasonMemoryLimit
		}
		return &told
	}
	switch {
	case errors.Is(err, errGarbage):
		return &study.Failure{Reason: study.ReasonUnknown, Detail: fmt.Sprintf("cannot understand the runner: %v", err)}
	case err != nil:
		return nil
	case r.outOfMemory(said):
		return &study.Failure{Infeasible: true, Reason: study.ReasonMemoryLimit,
			Detail: fmt.Sprintf("the variant needs more memory than the limit of %d bytes", r.config.MemoryLimit)}
	case c.greeted && aborted(said, exit):
		return &study.Failure{Infeasible: true, Reason: study.ReasonAssertion, Detail: complaint(said)}
	}
	if sig, ok := signalOf(exit); ok {
		return &study.Failure{Reason: study.ReasonKilled, Detail: fmt.Sprintf("something killed the runner (%v)", sig)}
	}
	return &study.Failure{Reason: study.ReasonUnknown, Detail: fmt.Sprintf("the runner ended without a result (%v)", describe(exit))}
}

// clean returns what a child told without what it has no say in: its sentence
// may quote a file that somebody made to look like something else.
func clean(f *study.Failure) study.Failure {
	detail := printable(f.Detail)
	if len(detail) > maxKept {
		detail = printable(detail[:maxKept]) // drops half a character
	}
	return study.Failure{Infeasible: f.Infeasible, Reason: f.Reason, Detail: detail}
}

// interruption is the failure of a job whose context has ended, else nil.
func interruption(ctx context.Context) *study.Failure {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return nil
	case errors.Is(cause, errSilent), errors.Is(cause, context.DeadlineExceeded):
		return &study.Failure{Reason: study.ReasonTimeout, Detail: fmt.Sprintf("the runner did not end in time: %v", cause)}
	default:
		return &study.Failure{Reason: study.ReasonInterrupted, Detail: fmt.Sprintf("the job was called off: %v", cause)}
	}
}

// memoryWords are what llama.cpp, the C++ library and the Go runtime say when
// they get no memory.
var memoryWords = []string{
	"bad_alloc", "out of memory", "failed to allocate", "insufficient memory", "cannot allocate memory", "pthread_create failed",
	"mem_buffer != null",
}

// outOfMemory reports whether a child with a memory limit of its own has
// reached it. Without a limit it proves nothing: the computer may have been
// short of memory for other reasons.
func (r *Runner) outOfMemory(said string) bool {
	if r.config.MemoryLimit <= 0 {
		return false
	}
	said = strings.ToLower(said)
	for _, w := range memoryWords {
		if strings.Contains(said, w) {
			return true
		}
	}
	return false
}

// assertion matches what ggml prints before it aborts (ggml_abort: "%s:%d: "),
// and what the C++ library prints.
var assertion = regexp.MustCompile(`(?m)^(\S+\.(?:c|cc|cpp|h|hpp):\d+: .*|terminate called .*)$`)

// aborted reports whether the runtime has aborted on a check of its own.
func aborted(said string, exit error) bool {
	sig, _ := signalOf(exit)
	return assertion.MatchString(said) && (sig == syscall.SIGABRT || strings.Contains(said, "SIGABRT"))
}

// complaint is the sentence of an assertion. The path of the source file, which
// says more about who built the library than about the matter, is cut off.
func complaint(said string) string {
	line := printable(assertion.FindString(said))
	if path, rest, ok := strings.Cut(line, ":"); ok {
		return path[strings.LastIndexByte(path, '/')+1:] + ":" + rest
	}
	return line
}

// signalOf returns the signal that ended a process.
func signalOf(exit error) (syscall.Signal, bool) {
	var e *exec.ExitError
	if !errors.As(exit, &e) {
		return 0, false
	}
	status, ok := e.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, false
	}
	return status.Signal(), true
}

func describe(exit error) string {
	if exit == nil {
		return "exit status 0"
	}
	return exit.Error()
}

const (
	maxEvidence = 64 << 10 // bytes of stderr that are read for evidence
	maxLines    = 40       // lines of stderr that are kept
	maxKept     = 8 << 10  // bytes of them
)

// head keeps the beginning of what is written to it: an assertion prints its
// line first, then the Go runtime dumps all goroutines.
type head struct {
	strings.Builder
}

func (h *head) Write(b []byte) (int, error) {
	h.Builder.Write(b[:min(len(b), maxEvidence-h.Len())])
	return len(b), nil
}

// lines returns the first lines for people: without control characters, and
// valid UTF-8.
func (h *head) lines() []string {
	var kept []string
	size := 0
	for line := range strings.Lines(h.String()) {
		line = printable(line)
		if line == "" {
			continue
		}
		if size += len(line); len(kept) == maxLines || size > maxKept {
			break
		}
		kept = append(kept, line)
	}
	return kept
}

func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s))
}
