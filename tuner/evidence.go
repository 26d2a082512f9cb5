package tuner

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// Quality is measured once for all targets: what one lane learns of a variant,
// the others learn too.

// evidence are the numbers of the trials of other lanes that a sampler knows.
type evidence map[int]bool

// observe gives a sampler what other lanes had learned by a time: when the
// trial was proposed that it is asked for. After a restart the same times give
// the same evidence at the same places.
func (b *bench) observe(ctx context.Context, s search.Sampler, target string, seen evidence, until time.Time) error {
	var news []study.Trial
	for _, ref := range b.spec.Targets {
		if ref.Name == target {
			continue
		}
		trials, err := b.cfg.Store.LaneTrials(ctx, b.study.ID, ref.Name)
		if err != nil {
			return err
		}
		for _, t := range trials {
			if !seen[t.Number] && t.State.Terminal() && !t.Ended.After(until) {
				news = append(news, t)
			}
		}
	}
	slices.SortFunc(news, func(a, b study.Trial) int { return cmp.Or(a.Ended.Compare(b.Ended), a.Number-b.Number) })
	for _, t := range news {
		seen[t.Number] = true
		if o, ok := shared(b.spec, outcome(b.spec, t)); ok {
			if err := s.Observe(t.Assignment, o); err != nil {
				return err
			}
		}
	}
	return nil
}
