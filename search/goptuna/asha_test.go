package goptuna_test

import (
	"math/rand/v2"
	"testing"

	"github.com/c-bata/goptuna"
	"github.com/c-bata/goptuna/successivehalving"

	"github.com/fettle-edge/fettle/search/fidelity"
)

// TestASHAIsGoptunas: package fidelity's ASHA stops the trials that goptuna's
// pruner stops, at the same chunks, where a trial has one value throughout.
//
// With values that change the two differ by a fault of goptuna v0.9.0: it takes
// the highest rung that a trial has passed for the one it stands before
// (successivehalving/pruner.go, getCurrentRung), so at every step it judges
// that rung again and replaces what the trial had there. And it counts the
// trial that is judged twice: as itself and, because its in-memory storage
// hands out the maps that it keeps, as one of the others.
func TestASHAIsGoptunas(t *testing.T) {
	const chunks, trials = 24, 200
	for _, a := range []fidelity.ASHA{{Min: 1, Factor: 3}, {Min: 2, Factor: 2}, {Min: 1, Factor: 4}} {
		pruner, err := successivehalving.NewPruner(
			successivehalving.OptionMinResource(a.Min), successivehalving.OptionReductionFactor(a.Factor))
		if err != nil {
			t.Fatal(err)
		}
		s, err := goptuna.CreateStudy("asha", goptuna.StudyOptionPruner(pruner), goptuna.StudyOptionLogger(nil))
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(9, uint64(a.Factor)))
		rungs, stopped := map[int][]float64{}, 0
		for n := range trials {
			value := rng.Float64()
			want, err := pruned(s, value, chunks)
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for _, c := range a.Rungs(chunks) {
				rungs[c] = append(rungs[c], value)
				if !a.Promotes(rungs[c], value) { // counted twice
					got = c
					stopped++
					break
				}
			}
			if got != want {
				t.Fatalf("%+v, trial %d: stopped after %d chunks, goptuna after %d (0: never)", a, n, got, want)
			}
		}
		if stopped < trials/3 || stopped == trials {
			t.Errorf("%+v: %d of %d trials are stopped", a, stopped, trials)
		}
	}
}

// pruned reports a trial's value to goptuna chunk by chunk and returns after how
// many its pruner ends it, 0 if it does not. The last chunk is not reported: it
// ends anyway.
func pruned(s *goptuna.Study, value float64, chunks int) (int, error) {
	id, err := s.Storage.CreateNewTrial(s.ID)
	if err != nil {
		return 0, err
	}
	trial := goptuna.Trial{Study: s, ID: id}
	for c := 1; c < chunks; c++ {
		switch err := trial.ShouldPrune(c, value); err {
		case nil:
		case goptuna.ErrTrialPruned:
			return c, s.Storage.SetTrialState(id, goptuna.TrialStatePruned)
		default:
			return 0, err
		}
	}
	return 0, s.Storage.SetTrialState(id, goptuna.TrialStateComplete)
}
