package api

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
)

func TestFrontOf(t *testing.T) {
	at := func(n int, state study.State, values ...float64) point {
		p := point{number: n, state: state, feasible: state == study.Complete, values: map[string]study.Summary{}}
		for i, name := range []string{"latency.decode.p95", "quality.top1"}[:len(values)] {
			p.values[name] = study.Exact(values[i])
		}
		return p
	}
	objectives := []study.Objective{{Metric: "latency.decode.p95", Direction: study.Min}, {Metric: "quality.top1.p50", Direction: study.Max}}
	points := []point{
		at(0, study.Complete, 5, 0.9),
		at(1, study.Complete, 3, 0.7),
		at(2, study.Complete, 4, 0.7),   // beaten by 1
		at(3, study.Complete, 3, 0.7),   // equal to 1: stays
		at(4, study.Infeasible, 1, 1),   // better than all, but infeasible
		at(5, study.Complete, 1),        // one value is missing
		at(6, study.Evaluating, 1, 1),   // not there yet
		at(7, study.Complete, 6, 0.95),  // slowest and best
		at(8, study.Complete, 7, 0.949), // beaten by 7
		at(9, study.Complete, math.NaN(), 1),
	}
	want := []int{1, 3, 0, 7}
	if got := frontOf(points, objectives); !slices.Equal(got, want) {
		t.Errorf("front %v, want %v", got, want)
	}
	if got := frontOf(nil, objectives); got == nil || len(got) != 0 {
		t.Errorf("the front of nothing is %v, want an empty list (JSON [])", got)
	}
}

func TestETA(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	after := func(seconds ...float64) []time.Time {
		var out []time.Time
		at := start
		for _, s := range seconds {
			at = at.Add(time.Duration(s * float64(time.Second)))
			out = append(out, at)
		}
		return out
	}
	got := eta(start, after(10, 20, 30, 40, 50), 10)
	if got.Low != 200 || got.High != 400 {
		t.Errorf("eta %+v, want 10 times the quartiles 20 and 40", got)
	}
	if got := eta(start, after(10, 10, 10), 0); got.Low != 0 || got.High != 0 {
		t.Errorf("nothing is left, but eta is %+v", got)
	}
	slowThenFast := make([]float64, 50)
	for i := range slowThenFast {
		slowThenFast[i] = 100
		if i >= 25 {
			slowThenFast[i] = 1
		}
	}
	if got := eta(start, after(slowThenFast...), 5); got.Low != 5 || got.High != 5 {
		t.Errorf("eta %+v does not follow the recent trials", got)
	}
}
