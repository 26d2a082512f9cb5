package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

func TestExplanationForPeople(t *testing.T) {
	spec := study.Spec{Objectives: []study.Objective{{Metric: "quality.kld", Direction: study.Min}, {Metric: "latency.decode", Direction: study.Min}}}
	front := study.Estimate{Trial: 7, Values: map[string]float64{"quality.kld": 0.1, "latency.decode": 0.002},
		Intervals: map[string][2]float64{"quality.kld": {0.1, 0.1}, "latency.decode": {0.0019, 0.0021}}, Feasible: 0.98}
	x := client.Explanation{Study: "s1", Explanation: study.Explanation{
		Target: "local", Sampler: "gp", Why: "the study names it", Told: 22,
		Reference:   map[string]study.ReferenceValue{"quality.kld": {Value: 1, Limit: true}, "latency.decode": {Value: 0.004}},
		Hypervolume: []study.Volume{{Trial: 0, Value: 0.001}, {Trial: 1, Value: 0.002}},
		Importance: []study.Importance{
			{Metric: "quality.kld", Knobs: []study.KnobShare{{Knob: "quant.default", Main: 0.9, Total: 0.95}}, Interactions: 0.05},
			{Metric: "latency.decode", Absent: "the objective is the same everywhere, by the model"},
		},
		Front: []study.Estimate{front}, Open: []study.Estimate{front},
		Redundant: []study.Redundancy{{A: "quality.kld", B: "latency.decode", Correlation: -0.99}},
		Remaining: &study.Remaining{Trials: 10, Share: 0.003},
		Stopped:   "expected gain of the next 10 trials is 0.3 % of the hypervolume, below 0.5 %",
	}}
	show := func(x client.Explanation) string {
		var out bytes.Buffer
		a := &app{stdout: &out}
		if err := a.explanation(spec, x); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	text := show(x)
	for _, want := range []string{
		"Target local, 22 trials told. Sampler gp: the study names it.",
		"The next 10 trials are expected to add 0.3 % to the hypervolume.",
		"The lane ended early: expected gain",
		"quality.kld 1 (the study's limit), latency.decode 4 ms (worst measured, with a margin).",
		"say nearly the same (correlation -0.990)",
		"90 % / 95 %", "the same everywhere", "2 ms (1.9 ms to 2.1 ms)", "98 %", "Under way",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	x.NoImportance, x.Importance = "importance needs 20 told trials, there are 9", nil
	if text := show(x); !strings.Contains(text, "None yet: importance needs 20 told trials, there are 9.") {
		t.Errorf("few trials:\n%s", text)
	}
	empty := client.Explanation{Explanation: study.Explanation{Target: "local", NoReference: "no feasible trial", NoModel: "cannot model the objectives"}}
	text = show(empty)
	for _, want := range []string{"0 trials told", "There is no hypervolume yet: no feasible trial.", "What is left to gain is not known: there is no model yet.", "Nothing is predicted yet: cannot model"} {
		if !strings.Contains(text, want) {
			t.Errorf("empty: no %q in\n%s", want, text)
		}
	}
	var out bytes.Buffer
	if err := volumes(x).text(&out); err != nil || !strings.Contains(out.String(), "50.0 %") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
