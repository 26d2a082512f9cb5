package api

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

// point is what the overview of a study needs of one trial.
type point struct {
	number   int
	target   string
	baseline bool
	state    study.State
	feasible bool
	values   map[string]study.Summary
	ended    time.Time
}

// tally is the overview of one study, kept up to date by reading only the
// trials that changed: the daemon shares its computer with measurements.
type tally struct {
	rev    int64
	points map[int]point
	fronts map[string][]int // by target; nil until asked for after a change
}

// lanes keeps a tally of every study that was looked at.
type lanes struct {
	mu  sync.Mutex
	all map[string]*tally
}

func newLanes() *lanes { return &lanes{all: map[string]*tally{}} }

// snapshot is a tally at one moment; nothing in it changes afterwards.
type snapshot struct {
	rev    int64 // no change up to it is missing
	points []point
	fronts map[string][]int
}

// of returns the study's overview as the store has it now.
func (l *lanes) of(ctx context.Context, s Store, st study.Study) (snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rev, err := s.Revision(ctx) // before the trials, so that a change in between is read again
	if err != nil {
		return snapshot{}, err
	}
	t := l.all[st.ID]
	if t == nil || rev < t.rev {
		t = &tally{points: map[int]point{}}
		l.all[st.ID] = t
	}
	if t.fronts == nil || rev != t.rev {
		changed, err := s.Trials(ctx, st.ID, t.rev)
		if err != nil {
			return snapshot{}, err
		}
		t.take(changed, st.Spec)
		t.rev = rev
	}
	numbers := slices.Sorted(maps.Keys(t.points))
	snap := snapshot{rev: t.rev, fronts: t.fronts, points: make([]point, 0, len(numbers))}
	for _, n := range numbers {
		snap.points = append(snap.points, t.points[n])
	}
	return snap, nil
}

// take merges changed trials and makes the fronts anew.
func (t *tally) take(changed []study.Trial, spec study.Spec) {
	for _, tr := range changed {
		t.points[tr.Number] = point{tr.Number, tr.Target, tr.Index == 0, tr.State, tr.Feasible(), tr.Values, tr.Ended}
	}
	if t.fronts != nil && len(changed) == 0 {
		return
	}
	t.fronts = map[string][]int{}
	for _, ref := range spec.Targets {
		var lane []point
		for _, p := range t.points {
			if p.target == ref.Name {
				lane = append(lane, p)
			}
		}
		t.fronts[ref.Name] = frontOf(lane, spec.Objectives)
	}
}

// units of every value that the points hold, and of the study's own metrics.
func (s snapshot) units(spec study.Spec) map[string]string {
	names := map[string]bool{}
	for _, n := range spec.MetricNames() {
		names[n] = true
	}
	for _, p := range s.points {
		for n := range p.values {
			names[n] = true
		}
	}
	return study.Units(slices.Collect(maps.Keys(names)))
}

// lane describes the part of a study that belongs to one target.
func (a *API) lane(st study.Study, target string, snap snapshot, online bool) client.Lane {
	l := client.Lane{
		Target: target,
		Online: online,
		Budget: st.Spec.Budget.Trials,
		Front:  snap.fronts[target],
		Phase:  a.Tuner.Phase(st.ID, target),
	}
	var ended []time.Time
	var points []point
	for _, p := range snap.points {
		if p.target != target {
			continue
		}
		points = append(points, p)
		l.Trials++
		if p.state.Terminal() || p.feasible {
			l.Finished++
		}
		if p.feasible {
			l.Complete++
			ended = append(ended, p.ended)
		}
	}
	l.Baseline, l.Best = compare(points, l.Front, st.Spec.Objectives)
	if st.State.Active() && l.Complete >= 3 {
		l.ETA = eta(st.Created, ended, l.Budget-l.Finished)
	}
	return l
}

// compare returns the baseline's values and, for each objective, the trial of
// the front that is best in it.
func compare(points []point, front []int, objectives []study.Objective) (map[string]study.Summary, map[string]client.Best) {
	var baseline map[string]study.Summary
	best := map[string]client.Best{}
	for _, p := range points {
		if p.baseline {
			baseline = map[string]study.Summary{}
		}
		for _, o := range objectives {
			v, ok := p.values[study.ValueKey(o.Metric)]
			if !ok {
				continue
			}
			if p.baseline {
				baseline[o.Metric] = v
			}
			b, seen := best[o.Metric]
			better := !seen || o.Direction == study.Max && v.Value > b.Value || o.Direction == study.Min && v.Value < b.Value
			if better && slices.Contains(front, p.number) {
				best[o.Metric] = client.Best{Trial: p.number, Summary: v}
			}
		}
	}
	return baseline, best
}

// recent is how many trials the ETA looks back.
const recent = 20

// eta is the time until the rest of the trials has ended, in seconds: rest
// times the quartiles of the time from one completed trial to the next, over
// the recent ones. The time between includes everything: builds, waiting,
// infeasible trials.
func eta(start time.Time, ended []time.Time, rest int) *client.Range {
	slices.SortFunc(ended, time.Time.Compare)
	if len(ended) > recent {
		start, ended = ended[len(ended)-recent-1], ended[len(ended)-recent:]
	}
	gaps := make([]float64, len(ended))
	for i, t := range ended {
		gaps[i] = t.Sub(start).Seconds()
		start = t
	}
	slices.Sort(gaps)
	n := float64(max(0, rest))
	return &client.Range{Low: n * quartile(gaps, 0.25), High: n * quartile(gaps, 0.75)}
}

// quartile interpolates linearly between order statistics; sorted is not empty.
func quartile(sorted []float64, q float64) float64 {
	h := q * float64(len(sorted)-1)
	i := min(int(h), len(sorted)-2)
	if i < 0 {
		return sorted[0]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}
