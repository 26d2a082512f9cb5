package tuner

import (
	"context"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// What is good on one board is mostly good on another. All lanes of a study
// begin together, but the lane of a board that was not there, or is slow, falls
// behind: it then tries points of the front of a sister lane before its own
// search goes on. That happens once in a lane, and what was chosen is kept:
// the sister's front may change later.

const (
	// maxReplay is how many points of a sister's front a lane tries at most.
	maxReplay = 8
	// minAhead is the fewest trials that have ended in a sister that is learned
	// from, and at least twice as many as the lane has in all. A front of fewer
	// is mostly of start designs, which the lane would ask itself.
	minAhead = 16
)

// replayed is what a lane took over from a sister lane.
type replayed struct {
	Target      string             `json:"target"`
	Trials      []int              `json:"trials"` // numbers
	Assignments []study.Assignment `json:"assignments"`
}

func (b *bench) factReplay(target string) string { return "replay/" + b.study.ID + "/" + target }

// takenOver returns what a lane took over; ok is false if it has not yet.
func (b *bench) takenOver(ctx context.Context, target string) (r replayed, ok bool, err error) {
	if len(b.spec.Targets) > 1 {
		ok, err = b.cfg.Store.Fact(ctx, b.spec.Model.Digest, b.factReplay(target), &r)
	}
	return r, ok, err
}

// takeOver lets a lane that fell behind try points of a sister's front next.
// The sampler is made anew, as after a restart.
func (l *laneRun) takeOver(ctx context.Context) error {
	if !l.learns() {
		return nil
	}
	if _, done, err := l.takenOver(ctx, l.target); done || err != nil {
		return err
	}
	own, err := l.cfg.Store.LaneTrials(ctx, l.study.ID, l.target)
	if err != nil {
		return err
	}
	var sister []study.Trial
	var r replayed
	for _, ref := range l.spec.Targets {
		trials, err := l.cfg.Store.LaneTrials(ctx, l.study.ID, ref.Name)
		if err != nil {
			return err
		}
		if ref.Name != l.target && ahead(len(own), trials) && told(trials) > told(sister) {
			sister, r.Target = trials, ref.Name
		}
	}
	for _, t := range worthReplay(l.spec, sister, own, min(maxReplay, l.spec.Budget.Trials-len(own))) {
		r.Trials, r.Assignments = append(r.Trials, t.Number), append(r.Assignments, t.Assignment)
	}
	if len(r.Trials) == 0 {
		return nil
	}
	l.cfg.Log.Info("the lane tries points of a sister's front", "study", l.study.ID, "target", l.target, "sister", r.Target, "trials", r.Trials)
	if err := l.cfg.Store.SaveFact(ctx, l.spec.Model.Digest, l.factReplay(l.target), r); err != nil {
		return err
	}
	l.sampler, l.seen, err = l.rebuild(ctx, l.target)
	return err
}

// learns reports whether the study has lanes that may learn from each other: a
// sampler that draws blindly is to stay blind.
func (b *bench) learns() bool {
	name, _ := search.Describe(search.Config{Knobs: b.spec.Knobs, Sampler: b.spec.Search.Sampler, Budget: b.spec.Budget.Trials})
	return len(b.spec.Targets) > 1 && name != search.Random && name != search.Sobol
}

// ahead reports whether a sister lane is so far ahead of a lane of n trials
// that its front is worth trying.
func ahead(n int, sister []study.Trial) bool { return told(sister) >= max(minAhead, 2*n) }

// told is how many trials a search has learned the end of.
func told(trials []study.Trial) (n int) {
	for _, t := range trials {
		if t.Feasible() || t.State == study.Infeasible || t.State == study.Stopped {
			n++
		}
	}
	return n
}

// worthReplay returns k trials (fewer, if there are not so many) of a sister's
// front whose recipes a lane does not have: those that together dominate most
// hypervolume, the first of them alone, the first two, and so on.
func worthReplay(spec *study.Spec, sister, own []study.Trial, k int) []study.Trial {
	have := map[string]bool{}
	for _, t := range own {
		have[t.Recipe.Key()] = true
	}
	on, points := feasible(spec, sister)
	var trials []study.Trial
	var front [][]float64
	for _, i := range pareto.Front(points) {
		if t := sister[on[i]]; !have[t.Recipe.Key()] {
			trials, front = append(trials, t), append(front, points[i])
		}
	}
	if len(front) == 0 {
		return nil
	}
	points, reference := scaled(spec, front)
	var chosen []study.Trial
	for _, i := range pareto.Subset(points, k, reference) {
		chosen = append(chosen, trials[i])
	}
	return chosen
}

// scaled maps a front to units in which its best is 0 and the reference 1 in
// every objective: the user's bound where there is one, else a little beyond
// the worst of the front.
func scaled(spec *study.Spec, front [][]float64) (points [][]float64, reference []float64) {
	const margin = 0.1
	low, high := pareto.Bounds(front)
	bounds := pareto.Orient(limits(spec), directions(spec))
	reference = slices.Repeat([]float64{1}, len(low))
	for _, p := range front {
		q := make([]float64, len(p))
		for m, x := range p {
			width := (high[m] - low[m]) * (1 + margin)
			if b := bounds[m]; !math.IsNaN(b) {
				width = b - low[m]
			}
			if width > 0 {
				q[m] = (x - low[m]) / width
			}
		}
		points = append(points, q)
	}
	return points, reference
}
