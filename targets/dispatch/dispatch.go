// Package dispatch is the daemon's side of the contract with agents: it hands
// out leases on trials that wait, keeps them fenced, and takes results. The
// Dispatcher is a wire.Peer for the agent in the daemon's own process; Handler
// puts the same Peer behind HTTP for agents elsewhere.
package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/wire"
)

// Store keeps targets, leases and results. Every method is one transaction.
type Store interface {
	SaveTarget(ctx context.Context, now time.Time, t targets.Target) error
	Target(ctx context.Context, name string) (targets.Target, error)
	TouchTarget(ctx context.Context, now time.Time, name string) error
	Study(ctx context.Context, id string) (study.Study, error)
	Grant(ctx context.Context, now time.Time, target, attemptID string, ttl time.Duration) (*study.Attempt, *study.Trial, error)
	Renew(ctx context.Context, now time.Time, attemptID string, fence int64, ttl time.Duration) (study.Lease, error)
	Report(ctx context.Context, now time.Time, attemptID string, fence int64, r study.Result) error
	ExpireLeases(ctx context.Context, now time.Time) ([]study.Attempt, error)
	LoseAttempts(ctx context.Context, now time.Time, target, reason string) ([]study.Attempt, error)
	Watch() (changed <-chan struct{}, stop func())
}

// Config is what a Dispatcher works with. All fields are required.
type Config struct {
	Store  Store
	Path   func(study.Digest) (string, error) // of a piece on this computer
	Now    func() time.Time
	NewID  func() string // of attempts
	TTL    time.Duration // of leases
	Linger time.Duration // how long a Poll waits for work
	Log    *slog.Logger
}

// Dispatcher implements wire.Peer on the daemon's store.
type Dispatcher struct{ cfg Config }

var _ wire.Peer = (*Dispatcher)(nil)

// New makes a Dispatcher.
func New(cfg Config) *Dispatcher { return &Dispatcher{cfg} }

// Run ends leases that are not renewed, until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) error {
	tick := time.NewTicker(d.cfg.TTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			lost, err := d.cfg.Store.ExpireLeases(ctx, d.cfg.Now())
			if err != nil && ctx.Err() == nil {
				d.cfg.Log.Error("cannot expire leases", "error", err)
			}
			for _, a := range lost {
				d.cfg.Log.Warn("lease lost", "study", a.Study, "trial", a.Trial, "attempt", a.ID, "target", a.Target)
			}
		}
	}
}

// Hello implements wire.Peer. A new session of an agent means that whatever
// its last one ran is gone.
func (d *Dispatcher) Hello(ctx context.Context, h wire.Hello) (wire.Welcome, error) {
	if h.Version != wire.Version {
		return wire.Welcome{}, fault.New(fault.Invalid, "cannot work with an agent of protocol version %d", h.Version).
			Trying("install the fettle-agent of this daemon's release (protocol version %d)", wire.Version)
	}
	if h.Target == "" || h.Session == "" {
		return wire.Welcome{}, fault.New(fault.Invalid, "cannot register an agent without a target name and a session")
	}
	now := d.cfg.Now()
	t := targets.Target{Name: h.Target, Kind: targets.KindOther, Created: now}
	before, err := d.cfg.Store.Target(ctx, h.Target)
	if err == nil {
		t = before
	} else if fault.KindOf(err) != fault.NotFound {
		return wire.Welcome{}, err
	}
	if h.Kind != "" {
		t.Kind = h.Kind
	}
	if t.Session != h.Session {
		lost, err := d.cfg.Store.LoseAttempts(ctx, now, h.Target, study.ReasonInterrupted)
		if err != nil {
			return wire.Welcome{}, err
		}
		for _, a := range lost {
			d.cfg.Log.Info("attempt interrupted: its agent was restarted", "study", a.Study, "trial", a.Trial, "target", a.Target)
		}
	}
	t.Facts, t.BootID, t.Session, t.LastSeen = h.Facts, h.BootID, h.Session, now
	return wire.Welcome{Version: wire.Version, TTL: d.cfg.TTL}, d.cfg.Store.SaveTarget(ctx, now, t)
}

// Poll implements wire.Peer.
func (d *Dispatcher) Poll(ctx context.Context, p wire.Poll) (*wire.Work, error) {
	changed, stop := d.cfg.Store.Watch()
	defer stop()
	timer := time.NewTimer(d.cfg.Linger)
	defer timer.Stop()
	id := d.cfg.NewID()
	if err := d.checkSession(ctx, p); err != nil {
		return nil, err
	}
	for {
		attempt, trial, err := d.cfg.Store.Grant(ctx, d.cfg.Now(), p.Target, id, d.cfg.TTL)
		if err != nil {
			return nil, err
		}
		if attempt != nil {
			return d.work(ctx, attempt, trial)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-timer.C:
			return nil, nil
		case <-changed:
		}
	}
}

// checkSession refuses a poll of a session that a later Hello replaced: two
// agents must not measure on one board.
func (d *Dispatcher) checkSession(ctx context.Context, p wire.Poll) error {
	t, err := d.cfg.Store.Target(ctx, p.Target)
	if err != nil {
		return err
	}
	if t.Session != p.Session {
		return fault.New(fault.Conflict, "cannot give work to this agent: another agent serves target %q", p.Target).
			Trying("stop one of the two, or give them different names")
	}
	return d.cfg.Store.TouchTarget(ctx, d.cfg.Now(), p.Target)
}

func (d *Dispatcher) work(ctx context.Context, a *study.Attempt, t *study.Trial) (*wire.Work, error) {
	st, err := d.cfg.Store.Study(ctx, t.Study)
	if err != nil {
		return nil, err
	}
	return &wire.Work{
		Lease: study.Lease{
			Study: t.Study, Trial: t.Number, Attempt: a.ID, Fence: a.Fence,
			TTL: d.cfg.TTL, Expires: a.Expires,
		},
		Pieces:   t.Pieces,
		Run:      t.Recipe.Run,
		Workload: st.Spec.Workload,
		Seed:     st.Spec.Search.Seed,
	}, nil
}

// Renew implements wire.Peer.
func (d *Dispatcher) Renew(ctx context.Context, l study.Lease) (study.Lease, error) {
	return d.cfg.Store.Renew(ctx, d.cfg.Now(), l.Attempt, l.Fence, d.cfg.TTL)
}

// Piece implements wire.Peer for an agent on this computer: it names the
// daemon's own file.
func (d *Dispatcher) Piece(_ context.Context, _ study.Lease, p study.PieceRef) (string, error) {
	return d.cfg.Path(p.Digest)
}

// Report implements wire.Peer.
func (d *Dispatcher) Report(ctx context.Context, r wire.Report) error {
	return d.cfg.Store.Report(ctx, d.cfg.Now(), r.Lease.Attempt, r.Lease.Fence, r.Result)
}
