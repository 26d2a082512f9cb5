package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

const earlyTrials = 12

// earlyStudy runs a study of quality and size and returns its trials. meanwhile
// is called while it runs.
func earlyStudy(t *testing.T, s *site, name string, stop bool, meanwhile func(id string)) []study.Trial {
	t.Helper()
	file := studyFile(t, name, "local", earlyTrials, "")
	text := strings.NewReplacer(
		"chunks: 4", "chunks: 8",
		"prune.ffn: {int: [0, 1]}", "prune.ffn: {int: [0, 2]}",
		"  - {metric: latency.decode, direction: min}\n", "",
		"seed: 7", fmt.Sprintf("seed: 7, stop_trials: %t", stop),
	).Replace(read(t, file))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	id := decode[client.StudyView](t, s.must("study", "run", file, "-o", "json")).ID
	meanwhile(id)
	return finished(t, client.New(s.dir+"/fettle.sock"), id)
}

// TestStoppedTrials: trials that cannot reach the front are stopped, the same
// ones after a crash and when their scores are there already; and none of them
// would have been on the front.
func TestStoppedTrials(t *testing.T) {
	s := newSite(t)
	c := s.serve()
	first := earlyStudy(t, s, "first", true, func(id string) {
		wait(t, "half of the trials exist", 2*time.Minute, func() (string, bool) {
			got, err := c.Trials(t.Context(), id, 0)
			return fmt.Sprint(err), err == nil && len(got.Trials) >= earlyTrials/2
		})
		s.daemon.kill()
		c = s.serve()
	})
	nothing := func(string) {}
	again := earlyStudy(t, s, "again", true, nothing)
	whole := earlyStudy(t, s, "whole", false, nothing)
	if len(first) != earlyTrials || len(again) != earlyTrials || len(whole) != earlyTrials {
		t.Fatalf("%d, %d and %d trials", len(first), len(again), len(whole))
	}
	stopped := 0
	for n, tr := range first {
		if a := again[n]; a.State != tr.State || a.Detail != tr.Detail || a.Recipe.Key() != tr.Recipe.Key() || a.Values["quality.kld"] != tr.Values["quality.kld"] {
			t.Errorf("trial %d was %s (%s), again it is %s (%s)", n, tr.State, tr.Detail, a.State, a.Detail)
		}
		if whole[n].State != study.Complete {
			t.Errorf("without stopping, trial %d is %s: %s", n, whole[n].State, whole[n].Detail)
		}
		if tr.State == study.Stopped {
			stopped++
			checkStopped(t, s, c, first[:n], tr, whole[n])
		}
	}
	if stopped == 0 {
		t.Error("no trial was stopped")
	}
	t.Logf("%d of %d trials were stopped", stopped, earlyTrials)
}

// checkStopped holds a stopped trial against what it is when it is evaluated
// to the end.
func checkStopped(t *testing.T, s *site, c *client.Client, before []study.Trial, tr, whole study.Trial) {
	t.Helper()
	better := false
	for _, b := range before {
		better = better || b.State == study.Complete &&
			b.Values["quality.kld"].Value <= whole.Values["quality.kld"].Value && b.Values["size.weights"].Value <= whole.Values["size.weights"].Value
	}
	if !better {
		t.Errorf("trial %d was stopped, and no trial before is better than %v", tr.Number, whole.Values)
	}
	if _, measured := tr.Values["latency.decode"]; measured || tr.Reason != study.ReasonDominated || tr.Spent.Measure != 0 {
		t.Errorf("stopped trial %+v", tr)
	}
	if out := s.must("trial", "show", tr.Study, itoa(tr.Number)); !strings.Contains(out, "of 8 chunks quality.kld") || !strings.Contains(out, "on the front at this size.weights or better is trial") {
		t.Errorf("trial show says nothing of why:\n%s", out)
	}
	v, err := c.Trial(t.Context(), tr.Study, tr.Number)
	if err != nil {
		t.Fatal(err)
	}
	// The last study has scored all chunks under the same key.
	if len(v.Chunks) != 8 {
		t.Errorf("trial %d has %d chunks after a study that wants all", tr.Number, len(v.Chunks))
	}
}
