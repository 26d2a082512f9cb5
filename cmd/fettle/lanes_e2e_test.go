package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

// manyTrials writes a study file whose trials are quick: what counts is how
// many there are.
func manyTrials(t *testing.T, name, targets, sampler, budget string) string {
	t.Helper()
	file := studyFile(t, name, targets, 0, "")
	text := strings.NewReplacer(
		"budget: {trials: 0}", "budget: "+budget,
		"sampler: random", "sampler: "+sampler,
		"chunks: 4", "chunks: 2",
		"repeats: [2, 3], max_time: 200ms", "warm_up: 0, repeats: [1, 1], max_time: 100ms",
		"  prune.ffn: {int: [0, 1]}\n", "  quant.attention: {choice: [inherit, Q8_0, Q4_0]}\n",
		"  runtime.threads: {int: [1, 2]}\n", "  quant.ffn_down: {choice: [inherit, Q8_0, Q4_0]}\n",
		"  - {metric: latency.decode, direction: min}\n", "",
	).Replace(read(t, file))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLaneEndsEarly: a study that wants much of its trials ends before they are
// used up, and says why.
func TestLaneEndsEarly(t *testing.T) {
	const trials = 30
	s := newSite(t)
	c := s.serve()
	file := manyTrials(t, "enough", "local", "gp", "{trials: 30, min_gain: 50%, confirm: 0}")
	id := decode[client.StudyView](t, s.must("study", "run", file, "-o", "json")).ID
	got := finished(t, c, id)
	if len(got) < 20 || len(got) >= trials || len(got)%10 != 0 {
		t.Errorf("%d of %d trials", len(got), trials)
	}
	for _, tr := range got {
		if tr.State != study.Complete && tr.State != study.Stopped {
			t.Errorf("trial %d is %s: %s", tr.Number, tr.State, tr.Detail)
		}
	}
	why := regexp.MustCompile(`expected gain of the next 10 trials is [0-9.e-]+ % of the hypervolume, below 50 %`)
	view, err := c.Study(t.Context(), id)
	if err != nil || !why.MatchString(view.Note) {
		t.Errorf("the study ended with %q, %v", view.Note, err)
	}
	t.Logf("%d trials: %s", len(got), view.Note)
	shown := s.must("study", "show", id)
	if !why.MatchString(shown) || !strings.Contains(shown, "less than 50 % to the hypervolume (min_gain)") || !strings.Contains(shown, "complete") {
		t.Errorf("study show says:\n%s", shown)
	}
	if explained := s.must("study", "explain", id); !strings.Contains(explained, "The lane ended early: "+why.FindString(view.Note)) {
		t.Errorf("study explain says:\n%s", explained)
	}
}

// TestLateBoard: a board that joins when this computer's lane is far tries the
// front of that first, and goes on with it after a crash.
func TestLateBoard(t *testing.T) {
	s := newSite(t)
	serve := func() (*client.Client, string) {
		c := s.serve("--insecure-agent-listen", "127.0.0.1:0")
		return c, agentURL(t, s)
	}
	c, url := serve()
	file := manyTrials(t, "late", "local}, {name: board", "motpe", "{trials: 18, confirm: 0}")
	id := decode[client.StudyView](t, s.must("study", "run", file, "-o", "json")).ID
	lane := func(target string) (trials []study.Trial) {
		all, err := c.Trials(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range all.Trials {
			if tr.Target == target {
				trials = append(trials, tr)
			}
		}
		return trials
	}
	until := func(what, target string, n int) {
		wait(t, what, 2*time.Minute, func() (string, bool) {
			got := lane(target)
			return fmt.Sprint(len(got)), len(got) > n || len(got) == n && got[n-1].State.Terminal()
		})
	}
	until("this computer has ended", "local", 18)
	if got := lane("board"); len(got) != 2 {
		t.Errorf("the absent board has %d trials", len(got))
	}
	join := func() {
		s.start("fettle-agent", "--insecure-daemon", url, "--target", "board", "--state-dir", filepath.Join(s.dir, "agent"),
			"--libraries", libraries, "--runner", filepath.Join(binaries, "fettle-runner"))
	}
	join()
	until("the board has begun", "board", 3)
	s.daemon.kill()
	c, url = serve()
	join()
	until("the board has tried some", "board", 6)
	s.must("study", "stop", id)
	var front []string
	v, err := c.Trials(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range v.Trials {
		if slices.Contains(v.Fronts["local"], tr.Number) {
			front = append(front, tr.Recipe.Key())
		}
	}
	for _, tr := range lane("board")[2:6] {
		if tr.Origin != search.OriginReplay || !slices.Contains(front, tr.Recipe.Key()) {
			t.Errorf("the board's trial %d is %s (%s)", tr.Index, tr.Recipe.Text, tr.Origin)
		}
		if out := s.must("trial", "show", id, itoa(tr.Number)); !strings.Contains(out, "replay: it was on the front of another target") {
			t.Errorf("trial show says:\n%s", out)
		}
	}
}
