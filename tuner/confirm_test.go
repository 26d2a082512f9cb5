package tuner

import (
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

func measured(state study.State, times int, x, y float64) study.Trial {
	return study.Trial{State: state, Measured: times, Values: map[string]study.Summary{
		"size.weights": study.Exact(x), "latency.decode": study.Exact(y)}}
}

func TestDoubtful(t *testing.T) {
	spec := &study.Spec{Budget: study.Budget{Trials: 9, Confirm: 1}, Objectives: []study.Objective{
		{Metric: "size.weights", Direction: study.Min}, {Metric: "latency.decode", Direction: study.Min}}}
	tests := []struct {
		name   string
		trials []study.Trial
		want   int
	}{
		{"an empty lane", nil, -1},
		{"only members of the front", []study.Trial{measured(study.Complete, 1, 2, 2), measured(study.Complete, 2, 1, 1)}, -1},
		{"the least measured first", []study.Trial{measured(study.Complete, 2, 1, 2), measured(study.Complete, 1, 2, 1)}, 1},
		{"the earliest first", []study.Trial{measured(study.Complete, 1, 1, 2), measured(study.Complete, 1, 2, 1)}, 0},
		{"not one under way", []study.Trial{measured(study.Leased, 1, 1, 2), measured(study.Complete, 1, 2, 1)}, 1},
		{"one under way keeps its place", []study.Trial{measured(study.Leased, 1, 1, 1), measured(study.Complete, 1, 2, 2)}, -1},
		{"not what broke a constraint", []study.Trial{measured(study.Infeasible, 1, 1, 1), measured(study.Complete, 1, 2, 2)}, 1},
	}
	for _, test := range tests {
		if got := doubtful(spec, test.trials); got != test.want {
			t.Errorf("%s: trial %d, want %d", test.name, got, test.want)
		}
	}
	spec.Budget.Confirm = 0
	if got := doubtful(spec, tests[3].trials); got != -1 {
		t.Errorf("nothing is to be confirmed, but trial %d is", got)
	}
}

func TestAttemptsAreTakenTogether(t *testing.T) {
	result := func(x float64, warnings ...string) study.Attempt {
		return study.Attempt{State: study.AttemptReported, Result: &study.Result{Measurements: []study.Measurement{
			{Metric: "latency.decode", Samples: []float64{x, x + 1}, Group: 2, Warnings: warnings}}}}
	}
	lost := study.Attempt{State: study.AttemptLost}
	first, second := result(1, "hot"), result(5, "hot", "disturbed")
	all := []study.Attempt{lost, first, lost, second, lost}
	measured, since := good(all)
	if len(measured) != 2 || len(since) != 1 {
		t.Fatalf("%d attempts measured, %d since", len(measured), len(since))
	}
	got := together(measured)
	if len(got) != 1 || !slices.Equal(got[0].Samples, []float64{1, 2, 5, 6}) || !slices.Equal(got[0].Warnings, []string{"hot", "disturbed"}) {
		t.Errorf("together %+v", got)
	}
	if s := first.Result.Measurements[0].Samples; len(s) != 2 {
		t.Errorf("the first attempt's samples became %v", s)
	}
	if measured, since = good([]study.Attempt{lost}); len(measured) != 0 || len(since) != 1 {
		t.Errorf("%d attempts measured, %d since", len(measured), len(since))
	}
}
