package tuner

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// journal is a store of the trials, events and facts of one study.
type journal struct {
	Store
	trials []study.Trial
	events []study.Event
	facts  map[string]string // JSON
}

func (j *journal) Propose(_ context.Context, now time.Time, t study.Trial) (study.Trial, error) {
	t.Number, t.State, t.Created = len(j.trials), study.Proposed, now
	for _, other := range j.trials {
		if other.Target == t.Target {
			t.Index++
		}
	}
	j.trials = append(j.trials, t)
	j.event(t.Number, study.TextPropose)
	return t, nil
}

func (j *journal) event(number int, text string) {
	j.events = append(j.events, study.Event{Seq: int64(len(j.events) + 1), Trial: &number, Text: text})
}

func (j *journal) Move(_ context.Context, now time.Time, _ string, number int, tr study.Transition, change func(*study.Trial)) (study.Trial, error) {
	t := &j.trials[number]
	if err := tr.Check(t.State); err != nil {
		return *t, err
	}
	if change != nil {
		change(t)
	}
	t.State, t.Ended = tr.To, now
	j.event(number, tr.Name)
	return *t, nil
}

func (j *journal) LaneTrials(_ context.Context, _, target string) ([]study.Trial, error) {
	var lane []study.Trial
	for _, t := range j.trials {
		if t.Target == target {
			lane = append(lane, t)
		}
	}
	return lane, nil
}

func (j *journal) History(_ context.Context, _, target string) ([]study.Event, error) {
	var lane []study.Event
	for _, e := range j.events {
		if j.trials[*e.Trial].Target == target {
			lane = append(lane, e)
		}
	}
	return lane, nil
}

func (j *journal) Revision(context.Context) (int64, error) { return int64(len(j.events)), nil }

func (j *journal) SaveFact(_ context.Context, _ study.Digest, name string, value any) error {
	b, err := json.Marshal(value)
	j.facts[name] = string(b)
	return err
}

func (j *journal) Fact(_ context.Context, _ study.Digest, name string, into any) (bool, error) {
	text, ok := j.facts[name]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal([]byte(text), into)
}

// twoLanes is a study of the demo model on two boards, and its store.
func twoLanes(t *testing.T, sampler string, trials int) (*bench, *journal) {
	t.Helper()
	m, err := compress.Open("../configs/demo/fettle-demo-f16.gguf", "", "demo")
	if err != nil {
		t.Fatal(err)
	}
	types := []study.Value{study.Text("F16"), study.Text("Q8_0"), study.Text("Q6_K"), study.Text("Q5_K"), study.Text("Q4_K"), study.Text("Q4_0")}
	spec := &study.Spec{
		Workload:   study.Workload{Context: 128},
		Targets:    []study.TargetRef{{Name: "fast"}, {Name: "late"}},
		Knobs:      []study.Knob{{Name: "quant.default", Choice: types}, {Name: "quant.attention", Choice: types}, {Name: "quant.ffn_down", Choice: types}},
		Objectives: []study.Objective{{Metric: "quality.kld", Direction: study.Min}, {Metric: "size.weights", Direction: study.Min}, {Metric: "latency.decode", Direction: study.Min}},
		Search:     study.SearchSpec{Sampler: sampler, Seed: 3},
		Budget:     study.Budget{Trials: trials},
	}
	store := &journal{facts: map[string]string{}}
	tn := New(Config{Store: store, Now: func() time.Time { return time.Unix(int64(len(store.events)), 0) }, Log: slog.New(slog.DiscardHandler),
		Aside: aside})
	return &bench{Tuner: tn, study: study.Study{ID: "s1"}, spec: spec, model: m}, store
}

func aside(_ context.Context, work func() error) error { return work() }

// begin is a lane as it is after a (re)start.
func (b *bench) begin(t *testing.T, target string) *laneRun {
	t.Helper()
	sampler, seen, err := b.rebuild(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return &laneRun{bench: b, target: target, sampler: sampler, seen: seen}
}

func (l *laneRun) proposeNext(t *testing.T) study.Trial {
	t.Helper()
	own, _ := l.cfg.Store.LaneTrials(t.Context(), "", l.target)
	got, err := l.plan(t.Context(), len(own))
	if err != nil {
		t.Fatal(err)
	}
	if got, err = l.cfg.Store.Propose(t.Context(), l.cfg.Now(), got); err != nil {
		t.Fatal(err)
	}
	return got
}

// finish measures a trial. On either board a smaller model is faster, and the
// late one is half as fast.
func (l *laneRun) finish(t *testing.T, tr study.Trial) {
	t.Helper()
	for _, move := range []study.Transition{study.Build, study.Evaluate, study.Queue, study.Grant} {
		if _, err := l.cfg.Store.Move(t.Context(), l.cfg.Now(), "", tr.Number, move, nil); err != nil {
			t.Fatal(err)
		}
	}
	size := float64(tr.Prediction.WeightBytes)
	seconds := size * map[string]float64{"fast": 1e-9, "late": 2e-9}[l.target]
	if err := l.close(t.Context(), tr, verdict{move: study.Finish}, func(tr *study.Trial) {
		tr.Measured++
		tr.Values = map[string]study.Summary{"size.weights": study.Exact(size), "quality.kld": study.Exact(1e12 / size / size), "latency.decode": study.Exact(seconds)}
	}); err != nil {
		t.Fatal(err)
	}
}

// TestLateLane: a board that comes when another is far tries that one's front
// first, and what it is asked is the same after a restart, whatever became of
// the sister's trials meanwhile.
func TestLateLane(t *testing.T) {
	b, store := twoLanes(t, search.GP, 24)
	fast, late := b.begin(t, "fast"), b.begin(t, "late")
	waiting := []study.Trial{late.proposeNext(t), late.proposeNext(t)} // the board is not there yet
	for range 20 {
		fast.finish(t, fast.proposeNext(t))
	}
	sister, _ := store.LaneTrials(t.Context(), "", "fast")
	want := worthReplay(b.spec, sister, waiting, maxReplay)
	if len(want) != maxReplay {
		t.Fatalf("%d points to try", len(want))
	}
	for i := range 14 {
		late.finish(t, waiting[0])
		switch i {
		case 3:
			fast.finish(t, fast.proposeNext(t))
		case 5: // the sister's front is measured again, with another result
			for n, tr := range store.trials {
				if tr.Target == "fast" {
					store.trials[n].Values["latency.decode"] = study.Exact(float64(n))
					store.event(n, study.Confirm.Name)
					store.event(n, study.Finish.Name)
				}
			}
		case 10: // a sister's trial ends while this lane works out its next
			b.cfg.Aside = func(_ context.Context, work func() error) error {
				b.cfg.Aside = aside
				fast.finish(t, fast.proposeNext(t))
				return work()
			}
		}
		tr := late.proposeNext(t)
		if i < len(want) && (tr.Origin != search.OriginReplay || tr.Recipe.Key() != want[i].Recipe.Key()) {
			t.Errorf("trial %d is %v (%s), want %v", tr.Index, tr.Assignment, tr.Origin, want[i].Assignment)
		}
		if i >= len(want) && tr.Origin != search.OriginModel {
			t.Errorf("trial %d comes from %s", tr.Index, tr.Origin)
		}
		if i != 10 {
			checkRestart(t, b, store, tr)
		}
		waiting = append(waiting[1:], tr)
	}
}

// checkRestart asks for a trial again, as if the daemon had ended just before
// it was kept.
func checkRestart(t *testing.T, b *bench, store *journal, tr study.Trial) {
	t.Helper()
	saved := *store
	defer func() { *store = saved }()
	store.trials, store.events = slices.Clone(store.trials[:tr.Number]), slices.Clone(store.events[:len(store.events)-1])
	if same := b.begin(t, tr.Target).proposeNext(t); same.Assignment.Key() != tr.Assignment.Key() || same.Origin != tr.Origin || same.Heard != tr.Heard {
		t.Errorf("trial %d is %v (%s), after a restart %v (%s)", tr.Index, tr.Assignment, tr.Origin, same.Assignment, same.Origin)
	}
}

// TestLanesThatGoTogether take nothing over from each other, nor do samplers
// that draw blindly.
func TestLanesThatGoTogether(t *testing.T) {
	b, store := twoLanes(t, search.Auto, 24)
	lanes := []*laneRun{b.begin(t, "fast"), b.begin(t, "late")}
	for range 20 {
		for _, l := range lanes {
			l.finish(t, l.proposeNext(t))
		}
	}
	blind, other := twoLanes(t, search.Sobol, 24)
	fast, late := blind.begin(t, "fast"), blind.begin(t, "late")
	for range 20 {
		fast.finish(t, fast.proposeNext(t))
	}
	for range 3 {
		late.finish(t, late.proposeNext(t))
	}
	for _, tr := range append(store.trials, other.trials...) {
		if tr.Origin == search.OriginReplay || tr.Origin == "" || (tr.Origin == originBaseline) != (tr.Index == 0) {
			t.Errorf("trial %d of %s comes from %q", tr.Index, tr.Target, tr.Origin)
		}
	}
}

func TestWorthReplay(t *testing.T) {
	spec := &study.Spec{Objectives: []study.Objective{
		{Metric: "size.weights", Direction: study.Min}, {Metric: "quality.top1", Direction: study.Max}}}
	trial := func(n int, state study.State, size, top1 float64) study.Trial {
		return study.Trial{Number: n, State: state, Recipe: study.Recipe{Model: fmt.Appendf(nil, "%d", n)}, Values: map[string]study.Summary{
			"size.weights": study.Exact(size), "quality.top1": study.Exact(top1)}}
	}
	sister := []study.Trial{
		trial(0, study.Complete, 1, 0.1), trial(1, study.Complete, 2, 0.5), trial(2, study.Complete, 2.1, 0.51), // 1 and 2 are close
		trial(3, study.Complete, 5, 0.9), trial(4, study.Complete, 6, 0.8), // 4 is dominated
		trial(5, study.Infeasible, 0, 1), trial(6, study.Stopped, 0, 1), trial(7, study.Failed, 0, 1),
	}
	for _, test := range []struct {
		name  string
		limit float64 // of the size; 0 is none
		own   []study.Trial
		k     int
		want  []int
	}{
		{"all, most volume first", 0, nil, 8, []int{1, 3, 0, 2}},
		{"few are spread", 0, nil, 3, []int{1, 3, 0}},
		{"none of the lane's own", 0, []study.Trial{sister[1], sister[4]}, 8, []int{2, 3, 0}},
		{"what is beyond the limit comes last", 2.3, nil, 8, []int{1, 0, 2, 3}},
		{"no budget left", 0, nil, 0, nil},
	} {
		spec.Constraints = nil
		if test.limit > 0 {
			spec.Constraints = []study.Constraint{limit("size.weights", test.limit)}
		}
		var got []int
		for _, tr := range worthReplay(spec, sister, test.own, test.k) {
			got = append(got, tr.Number)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if got := worthReplay(spec, sister[5:], nil, 8); got != nil {
		t.Errorf("a sister without results gives %v", got)
	}
	alike := []study.Trial{trial(8, study.Complete, 3, 0.5), trial(9, study.Complete, 3, 0.5)}
	if got := worthReplay(spec, alike, nil, 8); len(got) != 2 || got[0].Number != 8 {
		t.Errorf("equal points give %v", got)
	}
}

func TestAhead(t *testing.T) {
	lane := func(n int) []study.Trial { // n have ended
		return append(slices.Repeat([]study.Trial{{State: study.Complete}}, n-3), study.Trial{State: study.Infeasible}, study.Trial{State: study.Stopped},
			study.Trial{State: study.Ready, Measured: 1}, study.Trial{State: study.Ready}, study.Trial{State: study.Failed})
	}
	for _, test := range []struct {
		own, sister int
		want        bool
	}{{2, 15, false}, {2, 16, true}, {8, 16, true}, {9, 17, false}, {9, 18, true}, {30, 60, true}, {40, 60, false}} {
		if got := ahead(test.own, lane(test.sister)); got != test.want {
			t.Errorf("%d trials here, %d ended there: %t", test.own, test.sister, got)
		}
	}
}
