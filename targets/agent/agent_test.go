package agent

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/wire"
)

const ttl = 60 * time.Second

// daemon is a wire.Peer under the control of a test. It must be used inside a
// synctest bubble.
type daemon struct {
	mu      sync.Mutex
	work    []*wire.Work
	calls   []string
	reports []wire.Report

	hello, renew, report, piece func(n int) error // by number of the call, from 1
	counts                      map[string]int
}

func (d *daemon) call(name string, do func(int) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = map[string]int{}
	}
	d.counts[name]++
	d.calls = append(d.calls, name)
	if do == nil {
		return nil
	}
	return do(d.counts[name])
}

func (d *daemon) Hello(context.Context, wire.Hello) (wire.Welcome, error) {
	return wire.Welcome{Version: wire.Version, TTL: ttl}, d.call("hello", d.hello)
}

func (d *daemon) Poll(ctx context.Context, _ wire.Poll) (*wire.Work, error) {
	_ = d.call("poll", nil)
	d.mu.Lock()
	if len(d.work) > 0 {
		w := d.work[0]
		d.work = d.work[1:]
		d.mu.Unlock()
		return w, nil
	}
	d.mu.Unlock()
	timer := time.NewTimer(25 * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (d *daemon) Renew(_ context.Context, l study.Lease) (study.Lease, error) {
	return l, d.call("renew", d.renew)
}

func (d *daemon) Piece(_ context.Context, _ study.Lease, p study.PieceRef) (string, error) {
	return "piece-" + string(p.Digest), d.call("piece", d.piece)
}

func (d *daemon) Report(_ context.Context, r wire.Report) error {
	err := d.call("report", d.report)
	if err == nil {
		d.mu.Lock()
		d.reports = append(d.reports, r)
		d.mu.Unlock()
	}
	return err
}

// measurer takes a time and returns samples, or what its context says.
type measurer struct {
	takes time.Duration
	files []string
	ended chan error // what cut it short, nil if nothing did
}

func (m *measurer) Measure(ctx context.Context, _ wire.Work, files []string) study.Result {
	m.files = files
	timer := time.NewTimer(m.takes)
	defer timer.Stop()
	select {
	case <-timer.C:
		m.ended <- nil
		return study.Result{Measurements: []study.Measurement{{Metric: "latency.decode", Samples: []float64{1}}}}
	case <-ctx.Done():
		m.ended <- context.Cause(ctx)
		return study.Result{Failure: &study.Failure{Reason: study.ReasonKilled, Detail: "killed"}}
	}
}

// serve runs an agent against d until the test has waited for d.
func serve(t *testing.T, d *daemon, m *measurer, wait time.Duration) error {
	t.Helper()
	m.ended = make(chan error, 10)
	a := &Agent{
		Peer: d, Measurer: m, Target: "pi5", Session: "s1", BootID: "b1",
		Facts: func(context.Context) targets.Facts { return targets.Facts{} },
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	time.Sleep(wait) // synthetic time
	cancel(errors.New("test over"))
	return <-done
}

func someWork() []*wire.Work {
	return []*wire.Work{{
		Lease:  study.Lease{Study: "s", Trial: 3, Attempt: "a1", Fence: 7, TTL: ttl},
		Pieces: []study.PieceRef{{Digest: "1", Bytes: 1}, {Digest: "2", Bytes: 1}},
	}}
}

func TestAttemptIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{work: someWork()}, &measurer{takes: 3 * time.Minute}
		_ = serve(t, d, m, 5*time.Minute)
		if len(d.reports) != 1 || d.reports[0].Lease.Fence != 7 || len(d.reports[0].Result.Measurements) != 1 {
			t.Fatalf("reports %+v", d.reports)
		}
		if !reflect.DeepEqual(m.files, []string{"piece-1", "piece-2"}) {
			t.Errorf("measured files %v", m.files)
		}
		// 180 s with a lease of 60 s: a renewal every 20 s, before the last.
		if n := d.counts["renew"]; n < 8 || n > 9 {
			t.Errorf("%d renewals in 180 s, want one every 20 s", n)
		}
	})
}

func TestLostLeaseKillsTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{work: someWork()}, &measurer{takes: time.Hour}
		d.renew = func(n int) error {
			if n == 3 {
				return fault.New(fault.Conflict, "cannot renew: stale fence")
			}
			return nil
		}
		_ = serve(t, d, m, 2*time.Minute)
		if cause := <-m.ended; !errors.Is(cause, errLeaseLost) {
			t.Errorf("the attempt ended by %v", cause)
		}
		if len(d.reports) != 0 {
			t.Errorf("a result without a lease was reported: %+v", d.reports)
		}
		if last := d.calls[len(d.calls)-1]; last != "poll" {
			t.Errorf("after a lost lease the agent did %q, want poll", last)
		}
	})
}

func TestUnreachableDaemonEndsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{work: someWork()}, &measurer{takes: time.Hour}
		d.renew = func(int) error { return fault.New(fault.Unreachable, "cannot reach") }
		start := time.Now()
		_ = serve(t, d, m, 2*time.Minute)
		if cause := <-m.ended; !errors.Is(cause, errLeaseLost) {
			t.Errorf("the attempt ended by %v", cause)
		}
		if took := time.Since(start); took > 3*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestReportSurvivesTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{work: someWork()}, &measurer{takes: time.Second}
		d.report = func(n int) error {
			if n < 4 {
				return fault.New(fault.Unreachable, "cannot reach")
			}
			return nil
		}
		_ = serve(t, d, m, time.Minute)
		if len(d.reports) != 1 {
			t.Fatalf("%d reports arrived", len(d.reports))
		}
	})
}

func TestShutdownReportsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{work: someWork()}, &measurer{takes: time.Hour}
		err := serve(t, d, m, 30*time.Second)
		if err == nil || err.Error() != "test over" {
			t.Errorf("Run returned %v, want the cause of its context", err)
		}
		if len(d.reports) != 1 || d.reports[0].Result.Failure == nil || d.reports[0].Result.Failure.Reason != study.ReasonInterrupted {
			t.Fatalf("reports %+v, want one that says interrupted", d.reports)
		}
	})
}

func TestHelloIsTriedUntilTheDaemonAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{}, &measurer{}
		d.hello = func(n int) error {
			if n < 3 {
				return fault.New(fault.Unreachable, "cannot reach")
			}
			return nil
		}
		_ = serve(t, d, m, time.Minute)
		if d.counts["hello"] != 3 || d.counts["poll"] == 0 {
			t.Errorf("calls %v", d.counts)
		}
	})
}

func TestWrongVersionEndsTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{}, &measurer{}
		d.hello = func(int) error { return fault.New(fault.Invalid, "cannot work with version 9") }
		if err := serve(t, d, m, time.Minute); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestPieceThatCannotBeFetchedIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m := &daemon{work: someWork()}, &measurer{}
		d.piece = func(int) error { return errors.New("disk full") }
		_ = serve(t, d, m, time.Minute)
		f := d.reports[0].Result.Failure
		if f == nil || f.Infeasible || f.Reason != study.ReasonIO {
			t.Errorf("failure %+v", f)
		}
	})
}
