package tuner

import (
	"math"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// listener hears evidence, by the size that comes with it.
type listener struct {
	search.Sampler
	sizes []float64
}

func (l *listener) Observe(_ study.Assignment, o search.Outcome) error {
	l.sizes = append(l.sizes, o.Values[1])
	return nil
}

// TestEvidenceKeepsItsOrder: a lane hears of the trials of others when they
// ended first, also if they are measured again later.
func TestEvidenceKeepsItsOrder(t *testing.T) {
	b, store := twoLanes(t, search.Random, 24)
	fast := b.begin(t, "fast")
	var heard []int64
	var want [][]float64
	for range 3 {
		one, two := fast.proposeNext(t), fast.proposeNext(t)
		fast.finish(t, two) // the later one ends first
		fast.finish(t, one)
		heard = append(heard, int64(len(store.events)))
		want = append(want, []float64{float64(two.Prediction.WeightBytes), float64(one.Prediction.WeightBytes)})
	}
	check := func(when string) {
		t.Helper()
		seen, all := evidence{}, &listener{}
		for i, until := range heard {
			all.sizes = nil
			if err := b.observe(t.Context(), all, "late", seen, until); err != nil || !slices.Equal(all.sizes, want[i]) {
				t.Errorf("%s, up to event %d: %v (%v), want %v", when, until, all.sizes, err, want[i])
			}
		}
		own := &listener{}
		if err := b.observe(t.Context(), own, "fast", evidence{}, math.MaxInt64); err != nil || own.sizes != nil {
			t.Errorf("a lane hears of its own trials: %v, %v", own.sizes, err)
		}
	}
	check("live")
	for n := range store.trials {
		store.trials[n].State = study.Leased // is being confirmed
		store.event(n, study.Confirm.Name)
	}
	check("while they are confirmed")
	for n := range store.trials {
		store.trials[n].State = study.Complete
		store.event(n, study.Finish.Name)
	}
	check("confirmed")
}
