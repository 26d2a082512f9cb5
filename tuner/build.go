package tuner

import (
	"context"
	"errors"
	"time"

	"github.com/fettle-edge/fettle/study"
)

// build is step 5: make the pieces of the trial's variant that never existed.
// After a crash it begins again and finds what it had made.
func (l *laneRun) build(ctx context.Context, t study.Trial) error {
	l.phase("builds trial %d", t.Index)
	if t.State == study.Proposed {
		var err error
		if t, err = l.cfg.Store.Move(ctx, l.cfg.Now(), t.Study, t.Number, study.Build, nil); err != nil {
			return err
		}
	}
	start := l.cfg.Now()
	var pieces []study.PieceRef
	v, err := l.twice(ctx, func() error {
		var err error
		pieces, _, err = l.cfg.Builder.Build(ctx, l.model, t.Recipe)
		return err
	})
	if err != nil {
		return err
	}
	spent := l.since(start)
	if v != nil {
		return l.close(ctx, t, *v, func(t *study.Trial) { t.Spent.Build += spent })
	}
	_, err = l.cfg.Store.Move(ctx, l.cfg.Now(), t.Study, t.Number, study.Evaluate, func(t *study.Trial) {
		t.Pieces = pieces
		t.Spent.Build += spent
	})
	return err
}

// twice does a step whose child may fail: a failure that is not the variant's
// fault is tried once more. It returns a verdict where the trial ends by this
// step, and an error where the study cannot go on.
func (l *laneRun) twice(ctx context.Context, step func() error) (*verdict, error) {
	for try := 1; ; try++ {
		err := step()
		var f *study.Failure
		switch {
		case err == nil:
			return nil, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !errors.As(err, &f):
			return nil, err
		case f.Infeasible:
			return &verdict{study.Reject, f.Reason, f.Detail, f.Stderr}, nil
		case try == maxTries:
			return &verdict{study.GiveUp, f.Reason, f.Detail, f.Stderr}, nil
		}
		l.cfg.Log.Warn("step failed, trying again", "study", l.study.ID, "reason", f.Reason, "detail", f.Detail)
	}
}

// since is the time since start, never negative.
func (b *bench) since(start time.Time) time.Duration { return max(0, b.cfg.Now().Sub(start)) }
