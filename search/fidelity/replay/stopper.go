package replay

import (
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/study"
)

// Never evaluates every chunk of every trial.
type Never struct{}

// Stop implements Stopper.
func (Never) Stop(s *State, _ fidelity.Trial, _ int) (int, bool) { return s.Bench.terms.Chunks, false }

// Rule is package fidelity's.
type Rule struct{ fidelity.Options }

// Stop implements Stopper.
func (r Rule) Stop(s *State, trial fidelity.Trial, row int) (int, bool) {
	d, chunks := fidelity.New(s.Bench.terms, s.Past, trial, r.Options).First(s.Bench.scores[row])
	return chunks, d.Stop
}

// Halving is ASHA by the divergence alone.
type Halving struct {
	fidelity.ASHA
	rungs map[int][]float64
}

// NewHalving makes a rule for one study.
func NewHalving(a fidelity.ASHA) *Halving { return &Halving{a, map[int][]float64{}} }

// Stop implements Stopper.
func (h *Halving) Stop(s *State, _ fidelity.Trial, row int) (int, bool) {
	for _, c := range h.Rungs(s.Bench.terms.Chunks) {
		own := divergence(s.Bench.scores[row][:c])
		others := h.rungs[c]
		h.rungs[c] = append(others, own)
		if !h.Promotes(others, own) {
			return c, true
		}
	}
	return s.Bench.terms.Chunks, false
}

// MultiHalving is MO-ASHA by what is known at a rung: divergence, size and, if
// it is an objective, the latency that is expected of the trials before.
type MultiHalving struct {
	fidelity.MOASHA
	rungs map[int][][]float64
}

// NewMultiHalving makes a rule for one study.
func NewMultiHalving(a fidelity.MOASHA) *MultiHalving {
	return &MultiHalving{a, map[int][][]float64{}}
}

// Stop implements Stopper.
func (h *MultiHalving) Stop(s *State, trial fidelity.Trial, row int) (int, bool) {
	for _, c := range h.Rungs(s.Bench.terms.Chunks) {
		own := []float64{divergence(s.Bench.scores[row][:c]), trial.Exact["size.weights"]}
		if len(s.Bench.terms.Objectives) > 2 {
			own = append(own, s.expected(trial))
		}
		others := h.rungs[c]
		h.rungs[c] = append(others, own)
		if !h.Promotes(others, own) {
			return c, true
		}
	}
	return s.Bench.terms.Chunks, false
}

func divergence(scores []study.ChunkScore) float64 {
	return study.QualityValues(scores)["quality.kld"].Value
}

// expected is the latency that is forecast for a trial, 0 while nothing can
// be: then all are alike.
func (s *State) expected(trial fidelity.Trial) float64 {
	var features [][]float64
	var costs []float64
	for _, p := range s.Past {
		features, costs = append(features, p.Features), append(costs, p.Values["latency.decode"])
	}
	f := fidelity.NewForecast(features, costs)
	if f == nil {
		return 0
	}
	_, value, _ := f.Interval(trial.Features, 0.5)
	return value
}
