package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

func TestBudgetForPeople(t *testing.T) {
	for want, b := range map[string]study.Budget{
		"60 trials on each target":                {Trials: 60},
		"60 trials on each target, at most 1h30m": {Trials: 60, Wall: 90 * time.Minute},
		"9 trials on each target; fewer once the next ones are expected to add less than 0.5 % to the hypervolume (min_gain)": {Trials: 9, MinGain: 0.005},
	} {
		if got := budget(b); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	const why = "ended early: expected gain of the next 10 trials is 0.3 % of the hypervolume, below 0.5 %"
	s := client.StudyView{Study: study.Study{ID: "s", State: study.StudyRunning}, Lanes: []client.Lane{{Target: "pi5", Phase: why}}}
	var out bytes.Buffer
	if err := describe(s).text(&out); err != nil || !strings.Contains(out.String(), why) {
		t.Errorf("%v\n%s", err, out.String())
	}
}
