package replay

import (
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/study"
)

// Never evaluates every chunk of every trial.
type Never struct{}

// Stop implements Stopper.
func (Never) Stop(s *State, _ int) (int, bool) { return s.Bench.terms.Chunks, false }

// Clairvoyant knows the values of a trial beforehand, and drops it before the
// first chunk if the front dominates it. No rule that keeps the front of the
// same trials does with less.
type Clairvoyant struct{}

// Stop implements Stopper.
func (Clairvoyant) Stop(s *State, row int) (int, bool) {
	if s.dominated(row) {
		return 0, true
	}
	return s.Bench.terms.Chunks, false
}

// Rule is package fidelity's with an error rate.
type Rule struct{ Error float64 }

// Stop implements Stopper.
func (r Rule) Stop(s *State, row int) (int, bool) {
	d, chunks := fidelity.New(s.Bench.terms, s.Past, s.Bench.Trial(row), r.Error).First(s.Bench.scores[row])
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
func (h *Halving) Stop(s *State, row int) (int, bool) {
	for _, c := range h.Rungs(s.Bench.terms.Chunks) {
		own := soFar(s.Bench.scores[row][:c])
		others := h.rungs[c]
		h.rungs[c] = append(others, own)
		if !h.Promotes(others, own) {
			return c, true
		}
	}
	return s.Bench.terms.Chunks, false
}

func soFar(scores []study.ChunkScore) float64 {
	return study.QualityValues(scores)[divergence].Value
}

// MultiHalving is MO-ASHA as published: every trial is paused at the first
// rung, and those that are among the best of a rung go on to the next, later
// ones first. It judges by the divergence so far, the size and, if that is an
// objective, the latency that is forecast.
type MultiHalving struct {
	fidelity.MOASHA
	rungs [][]runner
}

// runner is a trial at a rung.
type runner struct {
	row    int
	values []float64
	gone   bool // on to the next rung
}

// NewMultiHalving makes a rule for one study.
func NewMultiHalving(a fidelity.MOASHA) *MultiHalving { return &MultiHalving{MOASHA: a} }

// Stop implements Stopper.
func (h *MultiHalving) Stop(s *State, row int) (int, bool) {
	rungs := h.Rungs(s.Bench.terms.Chunks)
	if h.rungs == nil {
		h.rungs = make([][]runner, len(rungs))
	}
	h.enter(s, 0, row)
	return rungs[0], true
}

func (h *MultiHalving) enter(s *State, rung, row int) {
	c := h.Rungs(s.Bench.terms.Chunks)[rung]
	trial := s.Bench.Trial(row)
	values := []float64{soFar(s.Bench.scores[row][:c]), trial.Exact[size]}
	if len(s.Bench.terms.Objectives) > 2 {
		values = append(values, s.expected(trial))
	}
	h.rungs[rung] = append(h.rungs[rung], runner{row: row, values: values})
}

// Resume implements Resumer.
func (h *MultiHalving) Resume(s *State) (row, chunks int, complete, ok bool) {
	ends := append(h.Rungs(s.Bench.terms.Chunks), s.Bench.terms.Chunks)
	for rung := len(h.rungs) - 1; rung >= 0; rung-- {
		values := make([][]float64, len(h.rungs[rung]))
		for i, r := range h.rungs[rung] {
			values[i] = r.values
		}
		for _, i := range h.Best(values) {
			r := &h.rungs[rung][i]
			if r.gone {
				continue
			}
			r.gone = true
			if complete = rung == len(h.rungs)-1; !complete {
				h.enter(s, rung+1, r.row)
			}
			return r.row, ends[rung+1] - ends[rung], complete, true
		}
	}
	return 0, 0, false, false
}

// expected is the latency that is forecast for a trial, 0 while nothing can
// be: then all are alike.
func (s *State) expected(trial fidelity.Trial) float64 {
	var features [][]float64
	var costs []float64
	for _, p := range s.Past {
		features, costs = append(features, p.Features), append(costs, p.Values[latency])
	}
	f := fidelity.NewForecast(features, costs)
	if f == nil {
		return 0
	}
	_, value, _ := f.Interval(trial.Features, 0.5)
	return value
}
