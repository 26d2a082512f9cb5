package tuner

import (
	"context"
	"fmt"

	"github.com/fettle-edge/fettle/study"
)

// settle is step 7: an attempt has ended. Its samples become the trial's
// values, or its failure decides whether there is another try.
func (l *laneRun) settle(ctx context.Context, t study.Trial, attempts []study.Attempt) error {
	l.phase("settles trial %d", t.Index)
	last := attempts[len(attempts)-1]
	spend := func(t *study.Trial) {
		if last.Result != nil {
			t.Spent.Wait += last.Result.Wait
			t.Spent.Measure += last.Result.Measure
		}
	}
	measured, since := good(attempts)
	if len(since) > 0 {
		v := judgeAttempts(since)
		if t.Measured == 0 || v.move.Name == study.Requeue.Name {
			return l.close(ctx, t, v, spend)
		}
		return l.close(ctx, t, verdict{move: study.Finish}, func(t *study.Trial) {
			spend(t)
			t.Measured++
			t.Warnings = append(t.Warnings, "it could not be measured again: "+v.detail)
		})
	}
	all := together(measured)
	var scores []study.ChunkScore
	if l.text != "" {
		var err error
		if scores, err = l.cfg.Store.Scores(ctx, l.qualityKey(t)); err != nil {
			return err
		}
		scores = leading(scores, l.spec.Quality.Chunks)
	}
	got := values(l.spec, t.Prediction, scores, all)
	v := verdict{move: study.Finish}
	if bad := judgeValues(l.spec.Constraints, got, study.ReasonConstraint); bad != nil {
		v = *bad
	} else if name := missing(l.spec, got); name != "" {
		v = verdict{move: study.GiveUp, reason: study.ReasonUnknown,
			detail: fmt.Sprintf("target %s cannot measure %s, which is an objective", l.target, name)}
	}
	return l.close(ctx, t, v, func(t *study.Trial) {
		spend(t)
		t.Values = got
		t.Measured++
		t.Warnings = warnings(all)
	})
}

// warnings returns those of all measurements, each once.
func warnings(measured []study.Measurement) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range measured {
		for _, w := range m.Warnings {
			if !seen[w] {
				seen[w] = true
				out = append(out, w)
			}
		}
	}
	return out
}
