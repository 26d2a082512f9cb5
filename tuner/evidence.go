package tuner

import (
	"cmp"
	"context"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// Quality is measured once for all targets: what one lane learns of a variant,
// the others learn too.

// evidence are the numbers of the trials of other lanes that a sampler knows.
type evidence map[int]bool

// observe gives a sampler what other lanes had learned by an event: the last
// one when the trial was proposed that it is asked for. After a restart the
// same events give the same evidence at the same places. What counts is when a
// trial ended first: one that is confirmed ends again, of the same quality.
func (b *bench) observe(ctx context.Context, s search.Sampler, target string, seen evidence, until int64) error {
	type end struct {
		event int64
		trial study.Trial
	}
	var news []end
	for _, ref := range b.spec.Targets {
		if ref.Name == target {
			continue
		}
		history, err := b.cfg.Store.History(ctx, b.study.ID, ref.Name)
		if err != nil {
			return err
		}
		trials, err := b.cfg.Store.LaneTrials(ctx, b.study.ID, ref.Name)
		if err != nil {
			return err
		}
		byNumber := numbered(trials)
		for _, e := range history {
			if e.Seq <= until && e.Trial != nil && !seen[*e.Trial] && ends(e.Text) {
				seen[*e.Trial] = true
				news = append(news, end{e.Seq, byNumber[*e.Trial]})
			}
		}
	}
	slices.SortFunc(news, func(a, b end) int { return cmp.Compare(a.event, b.event) })
	for _, n := range news {
		if o, ok := shared(b.spec, outcome(b.spec, n.trial)); ok {
			if err := s.Observe(n.trial.Assignment, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func numbered(trials []study.Trial) map[int]study.Trial {
	byNumber := map[int]study.Trial{}
	for _, t := range trials {
		byNumber[t.Number] = t
	}
	return byNumber
}
