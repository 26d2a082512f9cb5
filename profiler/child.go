package profiler

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

// ErrEnough, returned by a callback, ends a job early and without an error.
var ErrEnough = errors.New("enough")

// What a child can end of besides its own doing.
var (
	errSilent  = errors.New("silent for too long")
	errGarbage = errors.New("it does not speak the protocol")
)

// environment of a child: nothing of ours leaks into it, and its results do
// not depend on who started it.
var environment = []string{
	"PATH=/usr/local/bin:/usr/bin:/bin",
	"LANG=C.UTF-8",
	"GGML_NO_BACKTRACE=1", // else ggml starts a debugger when it aborts
}

// lingering is how long the pipes of a dead child may stay open.
const lingering = 5 * time.Second

// child is a runner at work.
type child struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	lines   *bufio.Scanner
	stderr  head
	clock   *time.Timer // ends the child if it is silent for the Runner's Timeout
	patient time.Duration
	greeted bool // the Runtime message came
}

// do runs one job to its end. on is called with each message but the last; an
// error of its own that is not ErrEnough is returned as it is, after the child
// was killed. Every other error is a *study.Failure.
func (r *Runner) do(ctx context.Context, j job.Job, on func(*child, job.Message) error) error {
	// The kernel kills a child when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	j.Libraries, j.Backend, j.Limits.Memory = r.libraries, r.config.Backend, r.config.MemoryLimit
	c, err := r.start(ctx, cancel)
	if err != nil {
		return r.unstarted(ctx, err)
	}
	done, err := c.converse(j, on)
	if !done {
		c.kill() // it, and what it may have started
	}
	c.stdin.Close()
	exit := c.cmd.Wait()
	c.clock.Stop()
	switch {
	case errors.Is(err, ErrEnough):
		return nil
	case done && (exit == nil || errors.Is(exit, exec.ErrWaitDelay)):
		return nil
	}
	return r.blame(ctx, c, err, exit)
}

// start starts the runner in a process group of its own.
func (r *Runner) start(ctx context.Context, cancel context.CancelCauseFunc) (*child, error) {
	argv := append(append([]string(nil), r.config.Prefix...), r.config.Path)
	c := &child{patient: r.config.Timeout}
	c.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.cmd.Env = environment
	c.cmd.Stderr = &c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	c.cmd.Cancel = c.kill
	c.cmd.WaitDelay = lingering
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines = bufio.NewScanner(stdout)
	c.lines.Buffer(make([]byte, 0, 64<<10), job.MaxLine)
	c.lines.Split(wholeLines)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.clock = time.AfterFunc(c.patient, func() { cancel(errSilent) })
	return c, nil
}

// kill ends the child's whole process group. It may be called until the child
// has been waited for.
func (c *child) kill() error { return syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

// converse hands the job over and listens until the child is done, has failed
// or is gone; gone is done == false without an error.
func (c *child) converse(j job.Job, on func(*child, job.Message) error) (done bool, err error) {
	// A child that is gone already cannot read its job. Why it is gone is
	// found below.
	line, err := json.Marshal(j)
	if err != nil {
		return false, err
	}
	_, _ = c.stdin.Write(append(line, '\n'))

	for c.lines.Scan() {
		c.clock.Stop()
		m, err := job.Parse(c.lines.Bytes())
		if err != nil {
			return false, fmt.Errorf("%w: %w", errGarbage, err)
		}
		if c.greeted == (m.Runtime != nil) && m.Failure == nil {
			return false, fmt.Errorf("%w: the libraries are named first, and once", errGarbage)
		}
		switch {
		case m.Done != nil:
			c.clock.Reset(c.patient) // for its end
			return true, nil
		case m.Failure != nil:
			return false, m.Failure
		}
		c.greeted = true
		if err := on(c, m); err != nil {
			return false, err
		}
		c.clock.Reset(c.patient)
	}
	if errors.Is(c.lines.Err(), bufio.ErrTooLong) {
		return false, fmt.Errorf("%w: a line of more than %d bytes", errGarbage, job.MaxLine)
	}
	return false, nil
}

// proceed lets a paced child go on. A child that is gone will be noticed when
// it is listened to.
func (c *child) proceed() { _, _ = io.WriteString(c.stdin, "\n") }

// unexpected is the error of a message that does not belong to a job.
func unexpected() error { return fmt.Errorf("%w: a message of another job", errGarbage) }

// wholeLines is a bufio.SplitFunc. A last line without an end is dropped: the
// child died while it wrote it.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF {
		return len(data), nil, nil
	}
	return 0, nil, nil
}

// unstarted is the failure of a runner that could not be started.
func (r *Runner) unstarted(ctx context.Context, err error) error {
	if f := interruption(ctx); f != nil {
		return f
	}
	return &study.Failure{Reason: study.ReasonIO, Detail: fmt.Sprintf("cannot start the runner: %v", err)}
}
