package profiler

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

func testLock(t *testing.T) *HostLock {
	t.Helper()
	return NewHostLock(filepath.Join(t.TempDir(), "lock"))
}

// hold takes a lock that is expected to be free.
func hold(t *testing.T, take func(context.Context) (*Hold, time.Duration, error)) *Hold {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	h, _, err := take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Release)
	return h
}

// taken reports whether a lock cannot be got at once.
func taken(t *testing.T, take func(context.Context) (*Hold, time.Duration, error)) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	h, _, err := take(ctx)
	if err == nil {
		h.Release()
		return false
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return true
}

func TestSharedHoldersShareAndExcludeMeasurements(t *testing.T) {
	l := testLock(t)
	first, second := hold(t, l.Shared), hold(t, l.Shared)
	if l.Busy() {
		t.Error("busy with shared holders")
	}
	if !taken(t, l.Exclusive) {
		t.Error("exclusive beside shared")
	}
	first.Release()
	first.Release() // twice is harmless
	second.Release()
	alone := hold(t, l.Exclusive)
	if !l.Busy() {
		t.Error("not busy with a measurement")
	}
	if !taken(t, l.Shared) || !taken(t, l.Exclusive) {
		t.Error("something beside exclusive")
	}
	alone.Release()
	if l.Busy() {
		t.Error("busy with nobody")
	}
	// Those who gave up waiting leave nothing behind.
	hold(t, l.Exclusive).Release()
	hold(t, l.Shared)
}

func TestGivingUpTellsTheCause(t *testing.T) {
	l := testLock(t)
	hold(t, l.Exclusive)
	mine := errors.New("mine")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(mine)
	if _, _, err := l.Shared(ctx); err != mine {
		t.Errorf("before waiting: %v", err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	result := make(chan error)
	go func() {
		_, _, err := l.Exclusive(ctx)
		result <- err
	}()
	eventually(t, "somebody waits", l.wanted)
	cancel(mine)
	if err := <-result; err != mine {
		t.Errorf("while waiting: %v", err)
	}
}

// A sequence of shared holders in which there is always one must not keep a
// measurement waiting.
func TestAWaitingMeasurementIsNotStarved(t *testing.T) {
	l := testLock(t)
	var inside, entered atomic.Int64
	done := make(chan struct{})
	quit := make(chan struct{})
	baton := make(chan struct{}, 3) // at most three at a time, and at least one
	overlapping := func() {
		defer func() { done <- struct{}{} }()
		for {
			select {
			case <-quit:
				return
			case baton <- struct{}{}:
			}
			h, _, err := l.Shared(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			inside.Add(1)
			entered.Add(1)
			<-time.After(2 * time.Millisecond)
			inside.Add(-1)
			h.Release()
			<-baton
		}
	}
	for range 3 {
		go overlapping()
	}
	eventually(t, "the shared holders run", func() bool { return entered.Load() > 10 })
	for range 5 {
		before := entered.Load()
		h := hold(t, l.Exclusive)
		if n := inside.Load(); n != 0 {
			t.Errorf("%d shared holders beside a measurement", n)
		}
		// Whoever came before may go first; nobody overtakes for ever.
		if n := entered.Load() - before; n > 30 {
			t.Errorf("%d shared holders overtook a measurement", n)
		}
		h.Release()
	}
	close(quit)
	for range 3 {
		<-done
	}
}

func TestYieldGivesWayOnlyToSomebody(t *testing.T) {
	l := testLock(t)
	h := hold(t, l.Shared)
	if waited, err := h.Yield(t.Context()); err != nil || waited != 0 {
		t.Fatalf("with nobody there: waited %v, %v", waited, err)
	}
	measured := make(chan error)
	var order []string
	go func() {
		e, _, err := l.Exclusive(t.Context())
		if err == nil {
			order = append(order, "measured")
			e.Release()
		}
		measured <- err
	}()
	eventually(t, "the measurement waits", l.wanted)
	waited, err := h.Yield(t.Context())
	if err != nil || waited <= 0 {
		t.Fatalf("with a measurement waiting: waited %v, %v", waited, err)
	}
	if err := <-measured; err != nil {
		t.Fatal(err)
	}
	if len(order) != 1 {
		t.Error("the measurement did not run while the holder gave way")
	}
	if !taken(t, l.Exclusive) {
		t.Error("the lock was not got back")
	}
}

// fakeLocker is another process that measures.
func fakeLocker() {
	l := NewHostLock(os.Getenv("FETTLE_FAKE_LOCK"))
	if _, _, err := l.Exclusive(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test lets go
}

func TestTwoProcessesAndADeathReleaseTheLock(t *testing.T) {
	l := testLock(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command(self)
	other.Env = []string{fakeVariable + "=locker", "FETTLE_FAKE_LOCK=" + l.path}
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	if !l.Busy() || !taken(t, l.Shared) {
		t.Error("the other process holds nothing")
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	hold(t, l.Exclusive)
}

func TestTheLockFileIsForEverybody(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	l := testLock(t)
	hold(t, l.Shared)
	for _, path := range []string{l.path, l.turnstile()} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o666 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(l.path, link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := NewHostLock(link).Shared(t.Context()); err == nil {
		t.Error("a symbolic link was followed")
	}
}

// An evaluation lets a measurement in between two chunks, and goes on after it.
func TestEvaluateGivesWayToProfile(t *testing.T) {
	r := fake(t, "chunks")
	var waits time.Duration
	ctx := CountWait(t.Context(), func(d time.Duration) { waits += d })
	// The lock orders the two writers, but the race detector cannot know.
	var mu sync.Mutex
	var order []string
	add := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, s)
	}
	measured := make(chan error, 1)
	err := r.Evaluate(ctx, job.Evaluate{Chunks: 4}, func(c study.ChunkScore) error {
		add(fmt.Sprint(c.Chunk))
		if c.Chunk == 1 {
			go func() {
				h, _, err := r.Lock().Exclusive(t.Context())
				if err == nil {
					add("measured")
					h.Release()
				}
				measured <- err
			}()
			eventually(t, "the measurement waits", r.Lock().wanted)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-measured; err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(order); got != "[0 1 measured 2 3]" {
		t.Errorf("order is %s", got)
	}
	if waits <= 0 {
		t.Error("the wait was not counted")
	}
}

// fakeChunks is a runner that scores, each chunk after a go-ahead.
func fakeChunks() {
	in := bufio.NewReader(os.Stdin)
	next := func() {
		if _, err := in.ReadString('\n'); err != nil {
			panic(err)
		}
	}
	next() // the job
	say(hello)
	for i := range 4 {
		if i > 0 {
			next()
		}
		say(fmt.Sprintf(`{"chunk":{"chunk":%d,"count":1,"nll":1,"nll2":1,"kld":0,"kld2":0,"same1":1,"bytes":1}}`, i))
	}
	say(bye)
}
