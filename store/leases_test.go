package store_test

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

const ttl = time.Minute

// digest identifies a result as the store does.
func digest(r study.Result) study.Digest {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // the tests' own results
	}
	return study.DigestOf(b)
}

func granted(t testing.TB, s *store.Store, now time.Time, target, id string) *study.Attempt {
	t.Helper()
	a, trial, err := s.Grant(ctx, now, target, id, ttl)
	must(t, err)
	if a == nil || trial == nil || a.State != study.AttemptRunning || trial.State != study.Leased || a.Trial != trial.Number {
		t.Fatalf("granted %+v, %+v", a, trial)
	}
	return a
}

func wantNothing(t testing.TB, s *store.Store, now time.Time, target, id string) {
	t.Helper()
	if a, trial, err := s.Grant(ctx, now, target, id, ttl); a != nil || trial != nil || err != nil {
		t.Fatalf("granted %+v, %+v, %v; want nothing", a, trial, err)
	}
}

// A second store on the same file, as a second process would have, changes
// nothing about it.
func TestGrantGivesOneLeasePerTarget(t *testing.T) {
	s, path := open(t)
	stores := []*store.Store{s, reopen(t, path)}
	running(t, s, "s")
	for range 5 {
		ready(t, s, "s", "x")
	}
	var grants atomic.Int32
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			a, _, err := stores[i%2].Grant(ctx, noon, "x", fmt.Sprint("a", i), ttl)
			if err != nil {
				t.Error(err)
			}
			if a != nil {
				grants.Add(1)
			}
		})
	}
	wg.Wait()
	if n := grants.Load(); n != 1 {
		t.Errorf("%d leases were granted, want 1", n)
	}
	audit(t, s, path)
}

func TestGrantTakesTheOldestOfARunningStudy(t *testing.T) {
	s, path := open(t)
	running(t, s, "stopped")
	ready(t, s, "stopped", "x")
	must(t, s.SetStudyState(ctx, noon, "stopped", study.StudyStopped, ""))
	running(t, s, "s")
	first := ready(t, s, "s", "x")
	ready(t, s, "s", "x")
	ready(t, s, "s", "y")

	wantNothing(t, s, noon, "z", "none")
	a := granted(t, s, noon, "x", "a")
	if a.Study != "s" || a.Trial != first.Number {
		t.Errorf("granted %+v", a)
	}
	again, trial, err := s.Grant(ctx, noon.Add(time.Second), "x", "a", ttl)
	must(t, err)
	wantEqual(t, again, a)
	wantEqual(t, trial.Number, a.Trial)
	_, _, err = s.Grant(ctx, noon, "y", "a", ttl)
	wantKind(t, err, fault.Conflict)
	_, _, err = s.Grant(ctx, noon, "y", "", ttl)
	wantKind(t, err, fault.Invalid)
	audit(t, s, path)
}

func TestALostLeaseIsFencedOff(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	ready(t, s, "s", "x")
	ready(t, s, "s", "x")
	old := granted(t, s, noon, "x", "old")
	wantNothing(t, s, noon.Add(ttl-1), "x", "new")

	// Grant itself may find that the lease has run out.
	fresh := granted(t, s, noon.Add(ttl), "x", "new")
	if fresh.Fence <= old.Fence || fresh.Trial == old.Trial {
		t.Errorf("granted %+v after %+v", fresh, old)
	}
	later := noon.Add(ttl + time.Second)
	_, err := s.Renew(ctx, later, "old", old.Fence, ttl)
	wantKind(t, err, fault.Conflict)
	wantKind(t, s.Report(ctx, later, "old", old.Fence, result()), fault.Conflict)
	wantKind(t, s.Report(ctx, later, "old", fresh.Fence, result()), fault.Conflict)
	wantKind(t, s.Report(ctx, later, "new", old.Fence, result()), fault.Conflict)
	wantKind(t, s.Report(ctx, later, "unknown", fresh.Fence, result()), fault.Conflict)
	_, err = s.Renew(ctx, later, "new", fresh.Fence+1, ttl)
	wantKind(t, err, fault.Conflict)

	attempts, err := s.Attempts(ctx, "s", old.Trial)
	must(t, err)
	if len(attempts) != 1 || attempts[0].State != study.AttemptLost || attempts[0].Result.Failure.Reason != study.ReasonLeaseLost {
		t.Errorf("the attempts are %+v", attempts)
	}
	audit(t, s, path)
}

func TestRenewKeepsALease(t *testing.T) {
	s, _ := open(t)
	running(t, s, "s")
	ready(t, s, "s", "x")
	a := granted(t, s, noon, "x", "a")
	before, err := s.Revision(ctx)
	must(t, err)
	l, err := s.Renew(ctx, noon.Add(ttl/3), "a", a.Fence, ttl)
	must(t, err)
	wantEqual(t, l, study.Lease{Study: "s", Trial: a.Trial, Attempt: "a", Fence: a.Fence, TTL: ttl, Expires: noon.Add(ttl/3 + ttl)})
	if lost, err := s.ExpireLeases(ctx, noon.Add(ttl)); err != nil || len(lost) != 0 {
		t.Errorf("lost %v, %v", lost, err)
	}
	// Late, but nobody has said that it is lost.
	_, err = s.Renew(ctx, noon.Add(time.Hour), "a", a.Fence, ttl)
	must(t, err)
	after, err := s.Revision(ctx)
	must(t, err)
	wantEqual(t, after, before)
	lost, err := s.ExpireLeases(ctx, noon.Add(time.Hour+ttl))
	must(t, err)
	if len(lost) != 1 || lost[0].ID != "a" || lost[0].State != study.AttemptLost {
		t.Errorf("lost %+v", lost)
	}
	if lost, err := s.ExpireLeases(ctx, noon.Add(2*time.Hour)); err != nil || len(lost) != 0 {
		t.Errorf("lost again %v, %v", lost, err)
	}
}

func TestReportTwice(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	ready(t, s, "s", "x")
	a := granted(t, s, noon, "x", "a")
	must(t, s.Report(ctx, noon, "a", a.Fence, result()))
	rev, err := s.Revision(ctx)
	must(t, err)
	must(t, s.Report(ctx, noon.Add(time.Hour), "a", a.Fence, result()))
	after, err := s.Revision(ctx)
	must(t, err)
	wantEqual(t, after, rev)
	other := result()
	other.Measurements[0].Samples[1] = 2e-300
	wantKind(t, s.Report(ctx, noon, "a", a.Fence, other), fault.Conflict)
	_, err = s.Renew(ctx, noon, "a", a.Fence, ttl)
	wantKind(t, err, fault.Conflict)

	// The trial's own move still works, and the report is untouched by it.
	_, err = s.Move(ctx, noon, "s", a.Trial, study.Finish, nil)
	must(t, err)
	must(t, s.Report(ctx, noon, "a", a.Fence, result()))
	attempts, err := s.Attempts(ctx, "s", a.Trial)
	must(t, err)
	wantEqual(t, *attempts[0].Result, result())
	audit(t, s, path)
}

func TestReportOfAFailure(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	ready(t, s, "s", "x")
	a := granted(t, s, noon, "x", "a")
	bad := study.Result{Measurements: []study.Measurement{{Metric: "latency.decode", Unit: "s/token", Samples: []float64{math.Inf(1)}}}}
	wantKind(t, s.Report(ctx, noon, "a", a.Fence, bad), fault.Invalid)
	r := study.Result{Failure: &study.Failure{Infeasible: true, Reason: study.ReasonAssertion, Detail: nasty, Stderr: []string{nasty}}}
	must(t, s.Report(ctx, noon, "a", a.Fence, r))
	attempts, err := s.Attempts(ctx, "s", a.Trial)
	must(t, err)
	wantEqual(t, *attempts[0].Result, r)
	audit(t, s, path)
}

func TestMovingALeasedTrialEndsItsAttempt(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	ready(t, s, "s", "x")
	ready(t, s, "s", "x")
	a := granted(t, s, noon, "x", "a")
	_, err := s.Move(ctx, noon, "s", a.Trial, study.Queue, nil) // illegal: nothing may happen
	wantKind(t, err, fault.Conflict)
	if still, err := s.RunningAttempt(ctx, "x"); err != nil || still == nil || still.ID != "a" {
		t.Fatalf("running is %+v, %v", still, err)
	}
	_, err = s.Move(ctx, noon, "s", a.Trial, study.Cancel, nil)
	must(t, err)
	_, err = s.Renew(ctx, noon, "a", a.Fence, ttl)
	wantKind(t, err, fault.Conflict)
	granted(t, s, noon, "x", "b")
	audit(t, s, path)
}

func TestLoseAttempts(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	x, y := ready(t, s, "s", "x"), ready(t, s, "s", "y")
	granted(t, s, noon, "x", "ax")
	ay := granted(t, s, noon, "y", "ay")
	lost, err := s.LoseAttempts(ctx, noon, "x", study.ReasonInterrupted)
	must(t, err)
	if len(lost) != 1 || lost[0].ID != "ax" || lost[0].Trial != x.Number {
		t.Errorf("lost %+v", lost)
	}
	if a, err := s.RunningAttempt(ctx, "x"); a != nil || err != nil {
		t.Errorf("running on x: %+v, %v", a, err)
	}
	a, err := s.RunningAttempt(ctx, "y")
	must(t, err)
	wantEqual(t, a, ay)
	wantEqual(t, a.Trial, y.Number)

	// The trial goes back into the queue and gets a new fence.
	_, err = s.Move(ctx, noon, "s", x.Number, study.Requeue, nil)
	must(t, err)
	again := granted(t, s, noon, "x", "ax2")
	if again.Trial != x.Number || again.Fence <= ay.Fence {
		t.Errorf("granted %+v", again)
	}
	audit(t, s, path)
}

func TestRawSamplesCanBeQueried(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	ready(t, s, "s", "x")
	a := granted(t, s, noon, "x", "a")
	must(t, s.Report(ctx, noon, "a", a.Fence, result()))
	var n int
	var sum float64
	must(t, raw(t, path).QueryRow(`SELECT count(*), total(value) FROM samples WHERE study = 's' AND metric = 'energy.decode'`).Scan(&n, &sum))
	if n != 1 || sum != 1.0/3 {
		t.Errorf("found %d samples of sum %v", n, sum)
	}
}
