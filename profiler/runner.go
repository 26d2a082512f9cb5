package profiler

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Config says how runners are started.
type Config struct {
	Path      string   // of fettle-runner
	Prefix    []string // command put before it: an emulator, a loader, taskset
	Libraries string   // folder of the llama.cpp libraries
	Backend   string   // file name of the CPU backend; "" picks the best at each start

	Lock        string        // path of the host lock; "" is the machine-wide one
	Threads     int           // that quantise; 0 is one for each CPU: it is soon done, and nobody measures meanwhile
	MemoryLimit int64         // see job.Limits; 0 is no limit
	Timeout     time.Duration // longest silence of a child before it is killed; 0 is ten minutes
}

// defaultTimeout is longer than what any job needs between two messages on the
// slowest of boards: a repetition, or one large tensor.
const defaultTimeout = 10 * time.Minute

// Runner starts runners, one process for each job. It is safe for concurrent
// use; the host lock decides what runs at the same time.
type Runner struct {
	config    Config
	libraries string // absolute
	lock      *HostLock
}

// New returns a Runner. It starts nothing.
func New(c Config) (*Runner, error) {
	if c.Path == "" || c.Libraries == "" {
		return nil, fault.New(fault.Invalid, "cannot start runners without the path of fettle-runner and the folder of the llama.cpp libraries")
	}
	first := c.Path
	if len(c.Prefix) > 0 {
		first = c.Prefix[0]
	}
	if _, err := exec.LookPath(first); err != nil {
		return nil, fault.New(fault.Invalid, "cannot find the program %s", first).Because(err)
	}
	dir, err := filepath.Abs(c.Libraries)
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot find the folder %s", c.Libraries).Because(err)
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Threads <= 0 {
		c.Threads = runtime.NumCPU()
	}
	return &Runner{config: c, libraries: dir, lock: NewHostLock(c.Lock)}, nil
}

// Lock is the host lock that this Runner takes.
func (r *Runner) Lock() *HostLock { return r.lock }

// Busy reports whether some process of this computer is measuring at this
// moment.
func (r *Runner) Busy() bool { return r.lock.Busy() }

// waitKey is the key of a context's wait counter.
type waitKey struct{}

// CountWait returns a context whose jobs report each time that they have waited
// for the host. A job waits before it starts; an evaluation also when it gives
// way to a measurement.
func CountWait(ctx context.Context, add func(time.Duration)) context.Context {
	return context.WithValue(ctx, waitKey{}, add)
}

func count(ctx context.Context, d time.Duration) {
	if add, ok := ctx.Value(waitKey{}).(func(time.Duration)); ok && d > 0 {
		add(d)
	}
}

// shared takes the host lock for work that may run beside other work.
func (r *Runner) shared(ctx context.Context) (*Hold, error) {
	h, waited, err := r.lock.Shared(ctx)
	count(ctx, waited)
	return h, unlocked(ctx, err)
}

// unlocked makes the failure of a lock that was not got.
func unlocked(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if f := interruption(ctx); f != nil {
		return f
	}
	return &study.Failure{Reason: study.ReasonIO, Detail: fmt.Sprintf("cannot take the host lock: %v", err)}
}

// Limits of open files beside the files of the model.
const openFiles = 512

// Inspect returns what the libraries are and which CPU backends this computer
// runs. It does not wait for the host.
func (r *Runner) Inspect(ctx context.Context) (job.Runtime, error) {
	var got job.Runtime
	j := job.Job{Inspect: &job.Inspect{}, Limits: job.Limits{Files: openFiles}}
	err := r.do(ctx, j, func(_ *child, m job.Message) error {
		if m.Runtime == nil {
			return unexpected()
		}
		got = *m.Runtime
		return nil
	})
	return got, err
}

// CanOpen checks that llama.cpp can load the model of these files, in the order
// of a split model.
func (r *Runner) CanOpen(ctx context.Context, files []string) error {
	hold, err := r.shared(ctx)
	if err != nil {
		return err
	}
	defer hold.Release()
	j := job.Job{Inspect: &job.Inspect{Model: files}, Limits: job.Limits{Files: openFiles + len(files)}}
	return r.do(ctx, j, func(_ *child, m job.Message) error {
		if m.Runtime == nil {
			return unexpected()
		}
		return nil
	})
}

// Quantise converts tensors; on is called for each as it is done, in order. It
// shares the host. An error leaves the files of the tensors done before.
func (r *Runner) Quantise(ctx context.Context, tensors []job.Tensor, on func(job.Quantised)) error {
	hold, err := r.shared(ctx)
	if err != nil {
		return err
	}
	defer hold.Release()
	next := 0
	j := job.Job{
		Quantise: &job.Quantise{Threads: r.config.Threads, Tensors: tensors},
		Limits:   job.Limits{Files: openFiles, Write: true},
	}
	err = r.do(ctx, j, func(_ *child, m job.Message) error {
		switch {
		case m.Runtime != nil:
			return nil
		case m.Quantised == nil || m.Quantised.Index != next || next >= len(tensors):
			return unexpected()
		}
		next++
		on(*m.Quantised)
		return nil
	})
	return complete(err, next == len(tensors))
}

// Evaluate scores chunks of a text; on is called for each as it is done, in
// order, and ends the job early with ErrEnough. (Then nothing is saved.) It
// shares the host, and gives way to a measurement between two chunks.
//
// The caller sets the threads: all but one CPU is right for a host that does
// other things, and their number changes no bit of the scores.
func (r *Runner) Evaluate(ctx context.Context, e job.Evaluate, on func(study.ChunkScore) error) error {
	hold, err := r.shared(ctx)
	if err != nil {
		return err
	}
	defer hold.Release()
	next, end := e.First, e.First+e.Chunks
	enough := false
	j := job.Job{
		Evaluate: &e,
		Paced:    true,
		Limits:   job.Limits{Files: openFiles + len(e.Model), Write: e.Save},
	}
	err = r.do(ctx, j, func(c *child, m job.Message) error {
		switch {
		case m.Runtime != nil:
			return nil
		case m.Chunk == nil || m.Chunk.Chunk != next || next >= end:
			return unexpected()
		}
		next++
		if err := on(*m.Chunk); err != nil {
			enough = errors.Is(err, ErrEnough)
			return err
		}
		if next == end {
			return nil
		}
		waited, err := hold.Yield(ctx)
		count(ctx, waited)
		if err != nil {
			return unlocked(ctx, err)
		}
		c.proceed()
		return nil
	})
	return complete(err, enough || next == end)
}

// complete checks that a job without an error has brought its results.
func complete(err error, whole bool) error {
	if err == nil && !whole {
		return &study.Failure{Reason: study.ReasonUnknown, Detail: "the runner ended without all of its results"}
	}
	return err
}
