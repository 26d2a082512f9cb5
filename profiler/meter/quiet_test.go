package meter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

func TestReadCPUTime(t *testing.T) {
	stat := func(text string) Root { return Over(fstest.MapFS{"proc/stat": {Data: []byte(text)}}) }
	got, err := ReadCPUTime(stat("cpu  100 2 30 1000 50 0 4 7 60 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	if want := (CPUTime{Busy: 136, Steal: 7, Total: 1193}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8", "cpu a b c d e f g h i"} {
		if got, err := ReadCPUTime(stat(text)); err == nil {
			t.Errorf("%q gave %+v", text, got)
		}
	}
}

func TestOtherLoad(t *testing.T) {
	before := CPUTime{Busy: 1000, Steal: 10, Total: 5000}
	tests := []struct {
		name  string
		after CPUTime
		own   time.Duration
		want  float64
		ok    bool
	}{
		{"idle", CPUTime{1000, 10, 5200}, 0, 0, true},
		{"one of two CPUs", CPUTime{1100, 10, 5200}, 0, 0.5, true},
		{"half of it ours", CPUTime{1100, 10, 5200}, 500 * time.Millisecond, 0.25, true},
		{"all of it ours", CPUTime{1100, 10, 5200}, time.Second, 0, true},
		{"ours by finer clock", CPUTime{1100, 10, 5200}, 1010 * time.Millisecond, 0, true},
		{"steal counts", CPUTime{1000, 30, 5200}, 0, 0.1, true},
		{"no time passed", before, 0, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := OtherLoad(before, test.after, test.own)
			if ok != test.ok || math.Abs(got-test.want) > 1e-12 {
				t.Errorf("got %v, %v, want %v, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

// busyUntil is a tree whose two CPUs are used by others, to a share, until
// some time has passed; then they are idle.
type busyUntil struct {
	fs.FS
	begin time.Time
	share float64
	until time.Duration
}

func (b busyUntil) ReadFile(string) ([]byte, error) {
	passed := time.Since(b.begin)
	total := int64(passed.Seconds() * 2 * ticks)
	busy := int64(min(passed, b.until).Seconds() * 2 * ticks * b.share)
	return fmt.Appendf(nil, "cpu  %d 0 0 %d 0 0 0 0 0 0\n", busy, total-busy), nil
}

func TestWaitQuiet(t *testing.T) {
	tests := []struct {
		name   string
		share  float64
		until  time.Duration
		quiet  bool
		waited time.Duration
	}{
		{"quiet at once", 0.04, time.Hour, true, 250 * time.Millisecond},
		{"busy for a while", 0.9, 2 * time.Second, true, 2250 * time.Millisecond},
		{"busy for ever", 0.9, time.Hour, false, 5 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				r := Over(busyUntil{begin: begin, share: test.share, until: test.until})
				share, quiet, err := WaitQuiet(t.Context(), r, Quiet{})
				if err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(begin); quiet != test.quiet || waited != test.waited {
					t.Errorf("quiet %v after %v, want %v after %v", quiet, waited, test.quiet, test.waited)
				}
				if !quiet && (share < 0.5 || share > 0.9) {
					t.Errorf("share %v", share)
				}
			})
		})
	}
}

func TestWaitQuietEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		r := Over(busyUntil{begin: time.Now(), share: 0.9, until: time.Hour})
		if _, quiet, err := WaitQuiet(ctx, r, Quiet{}); quiet || !errors.Is(err, stop) {
			t.Errorf("got %v, %v", quiet, err)
		}
	})
}

func TestWaitQuietWithoutStat(t *testing.T) {
	if _, _, err := WaitQuiet(t.Context(), At(t.TempDir()), Quiet{}); err == nil {
		t.Error("a load was made up")
	}
}

func TestOtherLoadOfThisComputer(t *testing.T) {
	share, _, err := WaitQuiet(t.Context(), At("/"), Quiet{Window: 50 * time.Millisecond, Patience: time.Millisecond})
	if err != nil || share < 0 || share > 1 {
		t.Errorf("share %v, %v", share, err)
	}
}

// onlyUs is a tree in which the CPU time of this process is all there is: as
// much again is idle.
type onlyUs struct{ fs.FS }

func (onlyUs) ReadFile(string) ([]byte, error) {
	own := int64(ownCPUTime().Seconds() * ticks)
	return fmt.Appendf(nil, "cpu  %d 0 0 %d 0 0 0 0 0 0\n", own, own), nil
}

func TestWaitQuietDoesNotCountThisProcess(t *testing.T) {
	var done atomic.Bool
	var wait sync.WaitGroup
	wait.Go(func() {
		for !done.Load() { // burn
		}
	})
	share, _, err := WaitQuiet(t.Context(), Over(onlyUs{}), Quiet{Window: 500 * time.Millisecond, Patience: time.Millisecond})
	done.Store(true)
	wait.Wait()
	if err != nil || share > 0.25 { // 0.5 if it were counted
		t.Errorf("share %v, %v, want 0 but for rounding to ticks", share, err)
	}
}
