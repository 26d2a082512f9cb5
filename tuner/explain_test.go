package tuner

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// facts is a store of facts alone.
type facts struct {
	Store
	kept map[string]string
}

func (f *facts) SaveFact(_ context.Context, _ study.Digest, name string, value any) error {
	f.kept[name] = value.(string)
	return nil
}

func (f *facts) Fact(_ context.Context, _ study.Digest, name string, into any) (bool, error) {
	v, ok := f.kept[name]
	*into.(*string) = v
	return ok, nil
}

// twoKnobs is a study of two objectives over 16 levels each.
func twoKnobs(minGain float64) *study.Spec {
	return &study.Spec{
		Knobs:      []study.Knob{{Name: "x", Int: &[2]int{0, 15}}, {Name: "y", Int: &[2]int{0, 15}}},
		Objectives: []study.Objective{{Metric: "quality.kld", Direction: study.Min}, {Metric: "quality.top1", Direction: study.Max}},
		Targets:    []study.TargetRef{{Name: "local"}},
		Budget:     study.Budget{Trials: 100, MinGain: minGain},
	}
}

// laneOn is a lane whose sampler was told n trials.
func laneOn(t *testing.T, spec *study.Spec, store *facts, log *bytes.Buffer, n int) *laneRun {
	t.Helper()
	s, err := search.New(search.Config{Knobs: spec.Knobs, Directions: []study.Direction{study.Min, study.Max}, Sampler: search.GP, Seed: 1, Budget: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		g, err := s.Ask(i)
		if err != nil {
			t.Fatal(err)
		}
		x, y := g.Assignment["x"].Float()/15, g.Assignment["y"].Float()/15
		if err := s.Tell(i, search.Outcome{Values: []float64{x + y*y, 1 - (x-1)*(x-1) - y}}); err != nil {
			t.Fatal(err)
		}
	}
	tn := New(Config{Store: store, Log: slog.New(slog.NewTextHandler(log, nil)), Aside: func(_ context.Context, work func() error) error { return work() }})
	return &laneRun{bench: &bench{Tuner: tn, study: study.Study{ID: "s1"}, spec: spec}, target: "local", sampler: s}
}

func TestLaneEndsWhenLittleIsLeft(t *testing.T) {
	store, log := &facts{kept: map[string]string{}}, &bytes.Buffer{}
	l := laneOn(t, twoKnobs(0.5), store, log, 30)
	if err := l.weigh(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(l.enough, "expected gain of the next 10 trials is ") || !strings.HasSuffix(l.enough, " % of the hypervolume, below 50 %") {
		t.Fatalf("reason %q", l.enough)
	}
	if !strings.Contains(log.String(), l.enough) {
		t.Errorf("the log does not hold the reason:\n%s", log)
	}
	l.done()
	if got := l.Phase("s1", "local"); got != "ended early: "+l.enough {
		t.Errorf("while other lanes go on it says %q", got)
	}
	again := laneOn(t, twoKnobs(0.5), store, log, 30)
	if why, err := again.whyEnough(t.Context(), "local"); err != nil || why != l.enough {
		t.Errorf("after a restart: %q, %v", why, err)
	}
	if why, _ := again.whyEnough(t.Context(), "other"); why != "" {
		t.Errorf("another lane ended too: %q", why)
	}
	store.kept = map[string]string{} // as if the daemon had ended before the decision was kept
	if err := again.weigh(t.Context(), 30); err != nil || again.enough != l.enough {
		t.Errorf("judged again: %q, %v; want %q", again.enough, err, l.enough)
	}
}

func TestLaneGoesOn(t *testing.T) {
	for name, l := range map[string]*laneRun{
		"enough is left": laneOn(t, twoKnobs(1e-5), &facts{kept: map[string]string{}}, &bytes.Buffer{}, 20),
		"nothing known":  laneOn(t, twoKnobs(0.5), &facts{kept: map[string]string{}}, &bytes.Buffer{}, 2),
	} {
		if err := l.weigh(t.Context(), 20); err != nil || l.enough != "" || l.judged != 20 {
			t.Errorf("%s: %q, %v, judged at %d", name, l.enough, err, l.judged)
		}
	}
}

func TestDue(t *testing.T) {
	var got []int
	for n := range 50 {
		if due(0.01, n) {
			got = append(got, n)
		}
		if due(0, n) {
			t.Errorf("due at %d without a least gain", n)
		}
	}
	if len(got) != 3 || got[0] != 20 || got[2] != 40 {
		t.Errorf("due at %v", got)
	}
}

func TestNote(t *testing.T) {
	one := &bench{spec: twoKnobs(0.1)}
	two := &bench{spec: twoKnobs(0.1)}
	two.spec.Targets = append(two.spec.Targets, study.TargetRef{Name: "pi5"})
	for _, test := range []struct {
		b    *bench
		ends []ending
		want string
	}{
		{one, []ending{{}}, "budget of trials used up"},
		{one, []ending{{enough: "little"}}, "little"},
		{two, []ending{{}, {enough: "little"}}, "pi5: little"},
		{two, []ending{{enough: "a"}, {enough: "b"}}, "local: a; pi5: b"},
		{two, []ending{{enough: "a"}, {late: true}}, "wall-time budget used up"},
	} {
		if got := test.b.note(test.ends); got != test.want {
			t.Errorf("%+v: %q, want %q", test.ends, got, test.want)
		}
	}
}

func TestExplanationInWords(t *testing.T) {
	l := laneOn(t, twoKnobs(0), &facts{}, &bytes.Buffer{}, 25)
	x, err := search.Explain(l.sampler)
	if err != nil {
		t.Fatal(err)
	}
	var trials []study.Trial
	for i := range 26 {
		trials = append(trials, study.Trial{Number: 2*i + 1, Index: i, State: study.Complete, Measured: 1})
	}
	trials[25] = study.Trial{Number: 51, Index: 25, State: study.Leased, Assignment: study.Assignment{"x": study.Number(3), "y": study.Number(4)}}
	got := l.inWords(x, trials)
	if len(got.Hypervolume) != 25 || got.Hypervolume[24].Trial != 49 || got.Told != 25 {
		t.Errorf("hypervolume %+v", got.Hypervolume)
	}
	if len(got.Open) != 1 || got.Open[0].Trial != 51 || got.Open[0].Feasible < 0.99 {
		t.Errorf("under way: %+v", got.Open)
	}
	for _, e := range got.Front {
		for _, metric := range []string{"quality.kld", "quality.top1"} {
			if v, i := e.Values[metric], e.Intervals[metric]; e.Trial%2 != 1 || !(i[0] <= v && v <= i[1]) {
				t.Errorf("front %+v", e)
			}
		}
	}
	if len(got.Importance) != 2 || got.Importance[0].Metric != "quality.kld" || got.Importance[0].Knobs[0].Total < got.Importance[0].Knobs[1].Total {
		t.Errorf("importance %+v", got.Importance)
	}
	if got.Remaining == nil || got.Reference["quality.top1"].Limit {
		t.Errorf("remaining %+v, reference %+v", got.Remaining, got.Reference)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
	empty := l.inWords(&search.Explanation{NoReference: "none"}, nil)
	if b, err := json.Marshal(empty); err != nil || strings.Contains(string(b), "null") {
		t.Errorf("empty: %s, %v", b, err)
	}
}

func TestLaneOf(t *testing.T) {
	st := study.Study{ID: "s1", Spec: study.Spec{Targets: []study.TargetRef{{Name: "a"}}}}
	if got, err := laneOf(st, ""); got != "a" || err != nil {
		t.Errorf("the only target: %q, %v", got, err)
	}
	if _, err := laneOf(st, "b"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown target: %v", err)
	}
	st.Spec.Targets = append(st.Spec.Targets, study.TargetRef{Name: "b"})
	if _, err := laneOf(st, ""); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "2 targets") {
		t.Errorf("several targets: %v", err)
	}
	if got, err := laneOf(st, "b"); got != "b" || err != nil {
		t.Errorf("one of several: %q, %v", got, err)
	}
}
