package profiler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// HostLock keeps work apart on one computer: a measurement excludes everything
// else, other work shares. It holds between goroutines, between processes and
// between users.
//
// It is two files with flock. The first is the lock. The second is a turnstile
// through which everybody goes before taking the lock: whoever waits for the
// lock holds the turnstile, so that newcomers cannot overtake and a waiting
// measurement is not starved by an endless sequence of shared holders.
type HostLock struct {
	path string
}

// NewHostLock returns the lock at a path; "" is the machine-wide one in the
// folder for temporary files. Nothing is opened yet.
func NewHostLock(path string) *HostLock {
	if path == "" {
		path = filepath.Join(os.TempDir(), "fettle-host.lock")
	}
	return &HostLock{path: path}
}

func (l *HostLock) turnstile() string { return l.path + ".queue" }

// Hold is a lock that is held. Its methods are called from one goroutine.
type Hold struct {
	lock *HostLock
	how  int // LOCK_SH or LOCK_EX
	fd   int
}

// Shared waits until no measurement runs or waits, and returns how long that
// took. The wait ends early with the cause of ctx.
func (l *HostLock) Shared(ctx context.Context) (*Hold, time.Duration, error) {
	return l.acquire(ctx, syscall.LOCK_SH)
}

// Exclusive waits until nobody holds the lock, and returns how long that took.
// The wait ends early with the cause of ctx.
func (l *HostLock) Exclusive(ctx context.Context) (*Hold, time.Duration, error) {
	return l.acquire(ctx, syscall.LOCK_EX)
}

// Busy reports whether a measurement holds the lock at this moment.
func (l *HostLock) Busy() bool {
	fd, err := open(l.path)
	if err != nil {
		return false
	}
	defer unlock(fd)
	return errors.Is(flock(fd, syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// Release gives the lock up. Releasing twice is harmless.
func (h *Hold) Release() {
	if h.fd >= 0 {
		unlock(h.fd)
		h.fd = -1
	}
}

// Yield gives way if somebody waits, and returns how long it took to get the
// lock back. After an error the lock is not held.
func (h *Hold) Yield(ctx context.Context) (time.Duration, error) {
	if !h.lock.wanted() {
		return 0, nil
	}
	h.Release()
	again, waited, err := h.lock.acquire(ctx, h.how)
	if err != nil {
		return waited, err
	}
	h.fd = again.fd
	return waited, nil
}

// wanted reports whether somebody stands in the turnstile.
func (l *HostLock) wanted() bool {
	fd, err := open(l.turnstile())
	if err != nil {
		return false
	}
	defer unlock(fd)
	return errors.Is(flock(fd, syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func (l *HostLock) acquire(ctx context.Context, how int) (*Hold, time.Duration, error) {
	start := time.Now()
	gate, err := wait(ctx, l.turnstile(), syscall.LOCK_EX)
	if err != nil {
		return nil, time.Since(start), err
	}
	defer unlock(gate)
	fd, err := wait(ctx, l.path, how)
	if err != nil {
		return nil, time.Since(start), err
	}
	return &Hold{lock: l, how: how, fd: fd}, time.Since(start), nil
}

// wait locks a file and returns its descriptor.
//
// Nothing interrupts a thread that waits in flock, so the waiting is done by a
// goroutine of its own. If ctx ends first, that goroutine stays until the lock
// comes to it, and then gives it up at once: it delays others by no more than
// the time that is needed to wake it.
func wait(ctx context.Context, path string, how int) (int, error) {
	if err := context.Cause(ctx); err != nil {
		return -1, err
	}
	fd, err := open(path)
	if err != nil {
		return -1, err
	}
	if err := flock(fd, how|syscall.LOCK_NB); err == nil {
		return fd, nil
	}
	got := make(chan error)
	go func() {
		err := flock(fd, how)
		select {
		case got <- err:
		case <-ctx.Done():
			unlock(fd)
		}
	}()
	select {
	case err := <-got:
		if err != nil {
			unlock(fd)
			return -1, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		return fd, nil
	case <-ctx.Done():
		return -1, context.Cause(ctx)
	}
}

func flock(fd, how int) error {
	for {
		if err := syscall.Flock(fd, how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// unlock gives a lock up and closes its file. Closing alone would do it too,
// but only once a process that was being started at that moment has dropped
// its copy.
func unlock(fd int) {
	flock(fd, syscall.LOCK_UN)
	syscall.Close(fd)
}

// open opens a lock file, which any user of the computer may have made. It is
// opened for reading only: that is enough for flock, needs no permission that
// another user's umask may have taken away, and can do no harm.
func open(path string) (int, error) {
	const flags = syscall.O_RDONLY | syscall.O_CLOEXEC | syscall.O_NOFOLLOW
	for {
		fd, err := syscall.Open(path, flags, 0)
		if !errors.Is(err, syscall.ENOENT) {
			return fd, pathError(path, err)
		}
		// O_CREAT on another user's file is refused in sticky folders, so
		// creating is apart.
		fd, err = syscall.Open(path, flags|syscall.O_CREAT|syscall.O_EXCL, 0o666)
		if errors.Is(err, syscall.EEXIST) {
			continue
		}
		if err == nil {
			err = syscall.Fchmod(fd, 0o666) // whatever the umask
		}
		return fd, pathError(path, err)
	}
}

func pathError(path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}
