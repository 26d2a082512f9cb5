package study

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

var allStates = []State{Proposed, Building, Evaluating, Ready, Leased, Complete, Infeasible, Stopped, Failed, Cancelled}

// The whole state machine, written out: state → transition → next state.
// Everything that is not here is illegal.
var moves = map[State]map[string]State{
	Proposed:   {"build": Building, "reject": Infeasible, "give_up": Failed, "cancel": Cancelled},
	Building:   {"evaluate": Evaluating, "reject": Infeasible, "give_up": Failed, "cancel": Cancelled},
	Evaluating: {"queue": Ready, "reject": Infeasible, "stop_early": Stopped, "give_up": Failed, "cancel": Cancelled},
	Ready:      {"grant": Leased, "cancel": Cancelled},
	Leased:     {"requeue": Ready, "finish": Complete, "reject": Infeasible, "stop_early": Stopped, "give_up": Failed, "cancel": Cancelled},
	Complete:   {"confirm": Ready}, Infeasible: {}, Stopped: {}, Failed: {}, Cancelled: {},
}

func TestTransitions(t *testing.T) {
	names := map[string]bool{}
	for _, tr := range Transitions() {
		if names[tr.Name] {
			t.Errorf("%s is there twice", tr.Name)
		}
		names[tr.Name] = true
		for _, s := range append(allStates, "", "unknown") {
			want, legal := moves[s][tr.Name]
			err := tr.Check(s)
			if legal != (err == nil) || legal && tr.To != want {
				t.Errorf("%s from %s: got %s, %v; want %s, legal %v", tr.Name, s, tr.To, err, want, legal)
			}
			var illegal *IllegalMove
			if err != nil && (!errors.As(err, &illegal) || illegal.From != s || illegal.Transition != tr.Name) {
				t.Errorf("%s from %s: error %#v", tr.Name, s, err)
			}
		}
	}
	for s, m := range moves {
		for name := range m {
			if !names[name] {
				t.Errorf("%s from %s: there is no such transition", name, s)
			}
		}
	}
	if got := Grant.Check(Complete).Error(); got != "cannot grant a trial that is complete" {
		t.Errorf("the error says %q", got)
	}
}

func TestTerminalStatesAreThoseWithoutAWayOut(t *testing.T) {
	for _, s := range allStates {
		if s.Terminal() != (len(moves[s]) == 0 || s == Complete) { // which may be confirmed
			t.Errorf("%s: terminal is %v with moves %v", s, s.Terminal(), moves[s])
		}
		if (&Trial{State: s}).Feasible() != (s == Complete) {
			t.Errorf("%s: feasible", s)
		}
		if (&Trial{State: s, Measured: 1}).Feasible() != (s == Complete || !s.Terminal()) {
			t.Errorf("%s: feasible while it is confirmed", s)
		}
	}
	// From the beginning every state can be reached, and from every state an end.
	reached := map[State]bool{}
	var visit func(State)
	visit = func(s State) {
		if !reached[s] {
			reached[s] = true
			for _, next := range moves[s] {
				visit(next)
			}
		}
	}
	visit(Proposed)
	if len(reached) != len(allStates) {
		t.Errorf("only %v can be reached", reached)
	}
}

func TestStudyStates(t *testing.T) {
	for s, active := range map[StudyState]bool{StudyPreparing: true, StudyRunning: true, StudyStopped: false, StudyComplete: false, StudyFailed: false} {
		if s.Active() != active {
			t.Errorf("%s: active is %v", s, s.Active())
		}
	}
}

// Storage and wire hold trials as JSON: nothing may be lost.
func TestTrialJSONRoundTrip(t *testing.T) {
	in := Trial{
		Study: "s", Number: 3, Target: "local", Index: 2, Rev: 9, State: Complete,
		Assignment: Assignment{"quant.default": Text("Q8_0"), "runtime.flash": Bool(true), "runtime.threads": Number(2)},
		Recipe:     Recipe{Format: "gguf/1", Model: json.RawMessage(`{"b":[1]}`), Run: RunOptions{2, true, "f16", 256}, Text: "t"},
		Prediction: Prediction{1, 2, 3, 4, 5, 0.5},
		Pieces:     []PieceRef{{DigestOf(nil), 7}},
		Values:     map[string]Summary{"latency.decode": {0.1, 0.09, 0.2, 5}},
		Reason:     ReasonConstraint, Detail: "d", Stderr: []string{"e"}, Warnings: []string{"w"}, Duplicates: 1,
		Origin: "replay", Heard: 7,
		Spent:   Spent{1, 2, 3, 4},
		Created: time.Date(2026, 11, 22, 1, 2, 3, 4, time.UTC), Ended: time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC),
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Trial
	if err := json.Unmarshal(data, &out); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("got %+v (%v)\nwant %+v", out, err, in)
	}
	data, err = json.Marshal(Trial{Created: in.Created})
	if err != nil || strings.Contains(string(data), `"ended"`) || strings.Contains(string(data), "0001-01-01") {
		t.Errorf("a trial that has not ended is written as %s (%v)", data, err)
	}
}

func TestConstraintViolated(t *testing.T) {
	p := func(x float64) *float64 { return &x }
	nan := func() float64 { z := 0.0; return z / z }()
	for _, c := range []struct {
		k        Constraint
		x        float64
		violated bool
	}{
		{Constraint{Max: p(1)}, 1, false}, {Constraint{Max: p(1)}, 1.0001, true}, {Constraint{Min: p(1)}, 1, false}, {Constraint{Min: p(1)}, 0.9999, true},
		{Constraint{Min: p(1), Max: p(2)}, 1.5, false}, {Constraint{Min: p(1), Max: p(2)}, 3, true}, {Constraint{Min: p(1), Max: p(2)}, 0, true},
		{Constraint{Max: p(1)}, nan, true}, {Constraint{Min: p(1)}, nan, true}, {Constraint{}, 5, false},
	} {
		if got := c.k.Violated(c.x); got != c.violated {
			t.Errorf("%+v with %v: %v", c.k, c.x, got)
		}
	}
}

func TestSpecLookups(t *testing.T) {
	s := Spec{
		Knobs:       []Knob{{Name: "a"}, {Name: "b"}},
		Objectives:  []Objective{{Metric: "x"}, {Metric: "y"}},
		Constraints: []Constraint{{Metric: "y"}, {Metric: "z"}},
	}
	if got := s.MetricNames(); !reflect.DeepEqual(got, []string{"x", "y", "z"}) {
		t.Errorf("metrics %v", got)
	}
	if s.Knob("b") != &s.Knobs[1] || s.Knob("c") != nil {
		t.Error("the wrong knob")
	}
}
