package tuner

import (
	"slices"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// Members of a front are chosen for having been measured well, so their values
// are better than they would be another time. Each is measured again, later,
// and all its samples are taken together; what falls off the front makes room
// for others, which are then measured again too.

// doubtful returns the index of the trial of a lane to be measured again next:
// of the front's members that were not confirmed Budget.Confirm times, the one
// that was measured the least, the earliest of these. It returns -1 if there is
// none.
func doubtful(spec *study.Spec, trials []study.Trial) int {
	on, points := feasible(spec, trials)
	best := -1
	for _, k := range pareto.Front(points) {
		t := trials[on[k]]
		if t.State == study.Complete && t.Measured <= spec.Budget.Confirm && (best < 0 || t.Measured < trials[best].Measured) {
			best = on[k]
		}
	}
	return best
}

// feasible returns the indices of the feasible trials and their objectives,
// less being better.
func feasible(spec *study.Spec, trials []study.Trial) (on []int, points [][]float64) {
	for i, t := range trials {
		if !t.Feasible() {
			continue
		}
		p := make([]float64, len(spec.Objectives))
		for k, o := range spec.Objectives {
			p[k] = t.Values[study.ValueKey(o.Metric)].Value
		}
		on, points = append(on, i), append(points, pareto.Orient(p, directions(spec)))
	}
	return on, points
}

func directions(spec *study.Spec) []study.Direction {
	all := make([]study.Direction, len(spec.Objectives))
	for i, o := range spec.Objectives {
		all[i] = o.Direction
	}
	return all
}

// good returns the attempts that brought measurements, and those after the last
// of them.
func good(attempts []study.Attempt) (measured, since []study.Attempt) {
	for i, a := range attempts {
		if a.State == study.AttemptReported && a.Result != nil && a.Result.Failure == nil {
			measured, since = append(measured, a), attempts[i+1:]
		}
	}
	if len(measured) == 0 {
		since = attempts
	}
	return measured, since
}

// together joins what several attempts measured, metric by metric, in the
// order of the attempts.
func together(attempts []study.Attempt) []study.Measurement {
	var all []study.Measurement
	for _, a := range attempts {
		for _, m := range a.Result.Measurements {
			i := slices.IndexFunc(all, func(x study.Measurement) bool { return x.Metric == m.Metric })
			if i < 0 {
				m.Samples, m.Warnings = slices.Clone(m.Samples), slices.Clone(m.Warnings)
				all = append(all, m)
				continue
			}
			all[i].Samples = append(all[i].Samples, m.Samples...)
			for _, w := range m.Warnings {
				if !slices.Contains(all[i].Warnings, w) {
					all[i].Warnings = append(all[i].Warnings, w)
				}
			}
		}
	}
	return all
}
