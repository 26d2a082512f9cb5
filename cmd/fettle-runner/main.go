// Command fettle-runner does one job with llama.cpp and ends: it reads a
// job.Job from stdin and writes job.Messages to stdout. A failed assertion
// inside llama.cpp takes the process with it, which is why it does no second
// job, and why no other program of Fettle loads llama.cpp.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/profiler/llama"
	"github.com/fettle-edge/fettle/study"
)

func main() {
	start := time.Now()
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "fettle-runner takes no arguments: it reads one job as JSON from stdin")
		os.Exit(2)
	}
	// llama.cpp computes on this goroutine's thread and may leave its vector
	// registers in a state that makes Go slow; see llama.cleanUpper.
	runtime.LockOSThread()
	out, err := claimStdout()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fettle-runner: cannot keep stdout for messages:", err)
		os.Exit(1)
	}
	s := &session{in: bufio.NewReader(os.Stdin), out: json.NewEncoder(out)}
	if err := s.run(start); err != nil {
		if err := s.send(job.Message{Failure: failureOf(err)}); err != nil {
			fmt.Fprintln(os.Stderr, "fettle-runner: cannot report a failure:", err)
		}
		os.Exit(1)
	}
}

// claimStdout returns the real stdout and points file descriptor 1 at stderr,
// so that nothing a C library prints can get between the messages.
func claimStdout() (*os.File, error) {
	fd, err := syscall.Dup(syscall.Stdout)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "stdout"), syscall.Dup3(syscall.Stderr, syscall.Stdout, 0)
}

// session is the conversation with whoever started the runner.
type session struct {
	in    *bufio.Reader
	out   *json.Encoder
	paced bool
}

func (s *session) send(m job.Message) error { return s.out.Encode(m) }

// maxJob bounds a job, in bytes. A tensor's head is most of its description.
const maxJob = 256 << 20

// run reads the job and does it.
func (s *session) run(start time.Time) error {
	var j job.Job
	d := json.NewDecoder(io.LimitReader(s.in, maxJob))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return fmt.Errorf("cannot read the job: %w", err)
	}
	// What the decoder has read beyond the job belongs to the conversation.
	s.in = bufio.NewReader(io.MultiReader(d.Buffered(), s.in))
	if _, err := s.in.ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	s.paced = j.Paced
	if err := limit(j.Limits); err != nil {
		return err
	}
	lib, err := llama.Open(j.Libraries, j.Backend)
	if err != nil {
		return err
	}
	if err := s.send(job.Message{Runtime: &job.Runtime{RuntimeInfo: lib.Info(), Backends: lib.Backends()}}); err != nil {
		return err
	}
	if err := s.do(lib, j); err != nil {
		return err
	}
	return s.send(job.Message{Done: &job.Done{Seconds: time.Since(start).Seconds()}})
}

func (s *session) do(lib *llama.Library, j job.Job) error {
	switch {
	case j.Inspect != nil:
		return inspect(lib, *j.Inspect)
	case j.Quantise != nil:
		return s.quantise(lib, *j.Quantise)
	case j.Evaluate != nil:
		return s.evaluate(lib, *j.Evaluate)
	case j.Profile != nil:
		return s.profile(lib, *j.Profile)
	}
	return errors.New("cannot do a job that asks for nothing")
}

// proceed waits for the go-ahead of a paced job.
func (s *session) proceed() error {
	if !s.paced {
		return nil
	}
	if _, err := s.in.ReadString('\n'); err != nil {
		return &study.Failure{Reason: study.ReasonInterrupted, Detail: "whoever started the job is gone"}
	}
	return nil
}

// failureOf makes any error a failure; what is not known to be the variant's
// fault is ours.
func failureOf(err error) *study.Failure {
	if f, ok := errors.AsType[*study.Failure](err); ok {
		return f
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return &study.Failure{Reason: study.ReasonIO, Detail: err.Error()}
	}
	return &study.Failure{Reason: study.ReasonUnknown, Detail: err.Error()}
}
