// Package agent is the board's side of the contract with the daemon: it leases
// attempts, fetches pieces, runs the profiler, watches the board meanwhile and
// reports. The same code serves the target "local" inside the daemon and
// every other board in fettle-agent.
package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/wire"
)

// Measurer makes one attempt on this board: it returns measurements and
// conditions, or a failure, never both. It must have killed whatever it
// started before it returns.
type Measurer interface {
	Measure(ctx context.Context, w wire.Work, files []string) study.Result
}

// Agent serves one target. All fields but Kind are required.
type Agent struct {
	Peer     wire.Peer
	Measurer Measurer
	Target   string
	Kind     string
	Session  string // unique for each start of the agent
	BootID   string
	Facts    func(context.Context) targets.Facts
	Log      *slog.Logger
}

// errLeaseLost is the cause of an attempt's context whose lease is gone.
var errLeaseLost = errors.New("lease lost")

// Run serves until ctx ends, which it returns as its cause, or until the
// daemon refuses this agent for good.
func (a *Agent) Run(ctx context.Context) error {
	ttl, err := a.hello(ctx)
	if err != nil {
		return err
	}
	var wait backoff
	for {
		w, err := a.Peer.Poll(ctx, wire.Poll{Target: a.Target, Session: a.Session})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case fault.KindOf(err) == fault.Conflict:
			return err
		case err != nil:
			a.Log.Warn("cannot ask for work", "error", err)
			if err := wait.sleep(ctx); err != nil {
				return err
			}
			if ttl, err = a.hello(ctx); err != nil { // the daemon may have been restarted
				return err
			}
		case w != nil:
			wait.reset()
			a.attempt(ctx, *w, ttl)
		default:
			wait.reset()
		}
	}
}

// hello introduces the agent, trying until the daemon answers.
func (a *Agent) hello(ctx context.Context) (ttl time.Duration, err error) {
	var wait backoff
	for {
		welcome, err := a.Peer.Hello(ctx, wire.Hello{
			Version: wire.Version, Target: a.Target, Kind: a.Kind, BootID: a.BootID, Session: a.Session, Facts: a.Facts(ctx),
		})
		switch {
		case err == nil:
			return welcome.TTL, nil
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case fault.KindOf(err) == fault.Invalid || fault.KindOf(err) == fault.Forbidden:
			return 0, err
		}
		a.Log.Warn("cannot reach the daemon", "error", err)
		if err := wait.sleep(ctx); err != nil {
			return 0, err
		}
	}
}

// attempt makes one attempt and reports it. The lease is renewed until the
// report has arrived.
func (a *Agent) attempt(ctx context.Context, w wire.Work, ttl time.Duration) {
	log := a.Log.With("study", w.Lease.Study, "trial", w.Lease.Trial, "attempt", w.Lease.Attempt)
	held, lose := context.WithCancelCause(context.WithoutCancel(ctx)) // ends with the lease
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		a.renew(held, lose, w.Lease, ttl)
	}()
	defer func() {
		lose(nil)
		<-renewing
	}()

	working, stop := context.WithCancelCause(ctx) // ends with the lease or the agent
	defer stop(nil)
	defer context.AfterFunc(held, func() { stop(context.Cause(held)) })()

	result := a.measure(working, w)
	if errors.Is(context.Cause(held), errLeaseLost) {
		log.Warn("attempt dropped: its lease is lost")
		return
	}
	deliver := held
	if ctx.Err() != nil { // the last report outlives the agent's context, but not for long
		var cancel context.CancelFunc
		deliver, cancel = context.WithTimeout(held, 5*time.Second)
		defer cancel()
	}
	if err := a.report(deliver, wire.Report{Lease: w.Lease, Result: result}); err != nil {
		log.Warn("cannot deliver a report", "error", err)
	}
}

// measure fetches the pieces and runs the measurer.
func (a *Agent) measure(ctx context.Context, w wire.Work) study.Result {
	files := make([]string, len(w.Pieces))
	for i, p := range w.Pieces {
		var err error
		if files[i], err = a.Peer.Piece(ctx, w.Lease, p); err != nil {
			return study.Result{Failure: interruptedOr(ctx, &study.Failure{
				Reason: study.ReasonIO, Detail: "cannot fetch a piece of the variant: " + err.Error()})}
		}
	}
	r := a.Measurer.Measure(ctx, w, files)
	if r.Failure != nil {
		r.Failure = interruptedOr(ctx, r.Failure)
	}
	return r
}

// interruptedOr blames the end of the context for whatever failed under it.
func interruptedOr(ctx context.Context, f *study.Failure) *study.Failure {
	if ctx.Err() == nil {
		return f
	}
	return &study.Failure{Reason: study.ReasonInterrupted, Detail: "the agent was stopped"}
}

// renew extends the lease every third of its length until held ends. It ends
// held when the daemon says that the lease is lost, or when it could not be
// reached for the whole length of the lease.
func (a *Agent) renew(held context.Context, lose context.CancelCauseFunc, l study.Lease, ttl time.Duration) {
	tick := time.NewTicker(ttl / 3)
	defer tick.Stop()
	expiry := time.NewTimer(ttl)
	defer expiry.Stop()
	for {
		select {
		case <-held.Done():
			return
		case <-expiry.C:
			lose(errLeaseLost)
			return
		case <-tick.C:
		}
		_, err := a.Peer.Renew(held, l)
		switch {
		case err == nil:
			expiry.Reset(ttl)
		case fault.KindOf(err) == fault.Conflict:
			lose(errLeaseLost)
			return
		case held.Err() == nil:
			a.Log.Warn("cannot renew a lease", "attempt", l.Attempt, "error", err)
		}
	}
}

// report delivers a result, trying until it is taken or refused.
func (a *Agent) report(ctx context.Context, r wire.Report) error {
	var wait backoff
	for {
		err := a.Peer.Report(ctx, r)
		kind := fault.KindOf(err)
		if err == nil || kind == fault.Conflict || kind == fault.Invalid || kind == fault.NotFound || kind == fault.TooLarge {
			return err
		}
		if err := wait.sleep(ctx); err != nil {
			return err
		}
	}
}
