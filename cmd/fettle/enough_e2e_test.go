package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

// TestLaneEndsEarly: a study that wants much of its trials ends before they are
// used up, and says why.
func TestLaneEndsEarly(t *testing.T) {
	const trials = 40
	s := newSite(t)
	c := s.serve()
	file := studyFile(t, "enough", "local", trials, "")
	text := strings.NewReplacer(
		"budget: {trials: 40}", "budget: {trials: 40, min_gain: 50%, confirm: 0}",
		"sampler: random", "sampler: gp",
		"chunks: 4", "chunks: 2",
		"  - {metric: latency.decode, direction: min}\n", "",
		"  runtime.threads: {int: [1, 2]}\n", "  quant.ffn_down: {choice: [inherit, Q8_0, Q6_K, Q4_K]}\n",
	).Replace(read(t, file))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	id := decode[client.StudyView](t, s.must("study", "run", file, "-o", "json")).ID
	got := finished(t, c, id)
	if len(got) < 20 || len(got) >= trials || len(got)%10 != 0 {
		t.Errorf("%d of %d trials", len(got), trials)
	}
	for _, tr := range got {
		if tr.State != study.Complete {
			t.Errorf("trial %d is %s: %s", tr.Number, tr.State, tr.Detail)
		}
	}
	why := regexp.MustCompile(`expected gain of the next 10 trials is [0-9.e-]+ % of the hypervolume, below 50 %`)
	view, err := c.Study(t.Context(), id)
	if err != nil || !why.MatchString(view.Note) {
		t.Errorf("the study ended with %q, %v", view.Note, err)
	}
	shown := s.must("study", "show", id)
	if !why.MatchString(shown) || !strings.Contains(shown, "less than 50 % to the hypervolume (min_gain)") || !strings.Contains(shown, "complete") {
		t.Errorf("study show says:\n%s", shown)
	}
	if explained := s.must("study", "explain", id); !strings.Contains(explained, "The lane ended early: "+why.FindString(view.Note)) {
		t.Errorf("study explain says:\n%s", explained)
	}
}
