package tuner

import (
	"context"
	"fmt"

	"github.com/fettle-edge/fettle/search"
)

// A study with budget.min_gain ends a lane early, when the search expects
// little more of it. The decision follows from the history, and is kept: trials
// that are measured again afterwards do not change it.

const (
	// enoughFrom is the number of trials before which a lane is not ended, and
	// enoughEvery how often it is judged from then on.
	enoughFrom  = 20
	enoughEvery = 10
)

// due reports whether the rule is to be asked before trial n is proposed.
func due(minGain float64, n int) bool {
	return minGain > 0 && n >= enoughFrom && n%enoughEvery == 0
}

// judge asks whether the next trials are worth it.
func (l *laneRun) judge(ctx context.Context, n int) error {
	l.phase("judges what is left to gain")
	var left search.Remaining
	var unknown error
	err := l.cfg.Aside(ctx, func() error {
		left, unknown = search.Forecast(l.sampler)
		return nil
	})
	if err != nil {
		return err
	}
	l.judged = n
	if unknown != nil {
		l.cfg.Log.Info("the lane goes on", "study", l.study.ID, "target", l.target, "reason", unknown)
		return nil
	}
	if left.Share >= l.spec.Budget.MinGain {
		return nil
	}
	l.enough = fmt.Sprintf("expected gain of the next %d trials is %s of the hypervolume, below %s",
		left.Trials, percent(left.Share), percent(l.spec.Budget.MinGain))
	l.cfg.Log.Info("the lane ends early", "study", l.study.ID, "target", l.target, "trials", n, "reason", l.enough)
	return l.cfg.Store.SaveFact(ctx, l.spec.Model.Digest, l.factEnough(l.target), l.enough)
}

func percent(share float64) string { return fmt.Sprintf("%.2g %%", 100*share) }

func (b *bench) factEnough(target string) string { return "enough/" + b.study.ID + "/" + target }

// whyEnough returns why a lane was ended early; "" if it was not.
func (b *bench) whyEnough(ctx context.Context, target string) (why string, err error) {
	if b.spec.Budget.MinGain > 0 {
		_, err = b.cfg.Store.Fact(ctx, b.spec.Model.Digest, b.factEnough(target), &why)
	}
	return why, err
}
