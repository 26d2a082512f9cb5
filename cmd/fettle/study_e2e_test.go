package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

func TestDemoOnce(t *testing.T) {
	s := newSite(t)
	out := s.must("demo", "--once", "--trials", "3", "--listen", "127.0.0.1:0", "-o", "json")
	f := decode[client.Front](t, out)
	if f.Study == "" || len(f.Front) == 0 || f.Units["latency.decode"] != "s/token" {
		t.Fatalf("front %+v", f)
	}
	for _, p := range f.Front {
		if p.Target != "local" || p.Values["latency.decode"] <= 0 || p.Values["size.weights"] <= 0 {
			t.Errorf("point %+v", p)
		}
	}
}

// TestStudyFromTheCommandLine walks through what a user does: check a file,
// run it, look at everything, export; the originals are gone meanwhile.
func TestStudyFromTheCommandLine(t *testing.T) {
	s := newSite(t)
	file := studyFile(t, "walk", "local", 4, "")
	s.must("study", "validate", file)
	c := s.serve()
	created := decode[client.StudyView](t, s.must("study", "run", file, "-o", "json"))
	for _, original := range []string{"fettle-demo-f16.gguf", "eval.txt", "study.yaml"} {
		if err := os.Remove(filepath.Join(filepath.Dir(file), original)); err != nil {
			t.Fatal(err)
		}
	}
	checkTrials(t, c, finished(t, c, created.ID), 4)

	if got := decode[client.Studies](t, s.must("study", "list", "-o", "json")); len(got.Studies) != 1 || got.Studies[0].ID != created.ID {
		t.Errorf("study list: %+v", got)
	}
	for _, args := range [][]string{
		{"study", "show", "walk"}, {"study", "explain", "walk"}, {"study", "explain", "walk", "--target", "local"}, {"trial", "list", "walk", "--sort", "latency.decode"}, {"front", "walk"},
		{"trial", "show", "walk", "0"}, {"target", "list"}, {"model", "list"}, {"model", "inspect", "fettle-demo-f16.gguf"}, {"doctor"},
	} {
		if out := s.must(args...); !strings.Contains(out, "\n") || strings.Contains(out, "%!") {
			t.Errorf("fettle %s prints %q", strings.Join(args, " "), out)
		}
		decode[map[string]any](t, s.must(append(args, "-o", "json")...))
	}
	_, errs, code := s.fettle("study", "watch", "walk")
	if code != 0 || !strings.Contains(errs, "study complete") {
		t.Errorf("watch: exit %d, %s", code, errs)
	}
	checkExport(t, s, c, created.ID)
	if _, _, code := s.fettle("trial", "show", "walk", "99"); code != 3 {
		t.Errorf("an unknown trial gives exit %d, want 3", code)
	}
	for _, args := range [][]string{{"study", "explain", "walk", "--target", "nobody"}, {"study", "explain", "nobody"}} {
		if _, errs, code := s.fettle(args...); code != 3 || !strings.Contains(errs, "nobody") {
			t.Errorf("fettle %s: exit %d, %s", strings.Join(args, " "), code, errs)
		}
	}
	if code := s.daemon.stop(t); code != 0 {
		t.Errorf("serve ended by a signal with exit %d", code)
	}
	if _, errs, code := s.fettle("study", "list"); code != 4 || !strings.Contains(errs, "try:") {
		t.Errorf("without a daemon: exit %d, %s", code, errs)
	}
}

// checkExport exports every complete trial and checks file and manifest.
func checkExport(t *testing.T, s *site, c *client.Client, id string) {
	t.Helper()
	trials, err := c.Trials(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range trials.Trials {
		if tr.State != study.Complete {
			continue
		}
		dir := t.TempDir()
		s.must("export", id, itoa(tr.Number), "-o", dir)
		b, err := os.ReadFile(filepath.Join(dir, exportModel))
		if err != nil {
			t.Fatal(err)
		}
		m := decode[manifest](t, read(t, filepath.Join(dir, exportManifest)))
		if m.File.Digest != study.DigestOf(b) || m.File.Bytes != int64(len(b)) || m.File.Bytes != tr.Prediction.FileBytes {
			t.Errorf("trial %d: manifest %+v, file of %d bytes, predicted %d", tr.Number, m.File, len(b), tr.Prediction.FileBytes)
		}
		if m.Metrics["latency.decode"].Value <= 0 || m.Target.Facts.CPU == "" || m.Conditions == nil || m.Model.Digest == "" {
			t.Errorf("trial %d: the manifest lacks facts: %+v", tr.Number, m)
		}
		if _, err := compress.Open(filepath.Join(dir, exportModel), "", "x"); err != nil {
			t.Errorf("trial %d: %v", tr.Number, err)
		}
		checkScores(t, filepath.Join(dir, exportModel), tr)
	}
}

// checkScores evaluates an exported file, as one file instead of pieces, and
// compares its perplexity with the trial's.
func checkScores(t *testing.T, file string, tr study.Trial) {
	t.Helper()
	t.Setenv("FETTLE_LIBRARIES", libraries)
	t.Setenv("FETTLE_RUNNER", filepath.Join(binaries, "fettle-runner"))
	found, err := newRunner(profiler.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := found.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRunner(profiler.Config{Backend: rt.Backend})
	if err != nil {
		t.Fatal(err)
	}
	run := tr.Recipe.Run
	run.Threads = 1
	var scores []study.ChunkScore
	err = r.Evaluate(t.Context(), evaluateJob(file, run, t.TempDir(), 4), func(c study.ChunkScore) error {
		scores = append(scores, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, want := study.QualityValues(scores)["quality.ppl"].Value, tr.Values["quality.ppl"].Value
	if math.Abs(got-want) > 1e-9*want {
		t.Errorf("trial %d: the exported file has perplexity %v, the trial %v", tr.Number, got, want)
	}
}

// TestKilledDaemonLosesNothing kills the daemon without warning again and
// again while a study runs: at any moment, and while an attempt is measured.
func TestKilledDaemonLosesNothing(t *testing.T) {
	s := newSite(t)
	c := s.serve()
	file := studyFile(t, "killed", "local", 6, "")
	slow := strings.Replace(read(t, file), "repeats: [2, 3]", "repeats: [8, 8]", 1) // time enough to be hit
	if err := os.WriteFile(file, []byte(slow), 0o600); err != nil {
		t.Fatal(err)
	}
	id := decode[client.StudyView](t, s.must("study", "run", file, "-o", "json")).ID
	kills := 0
	for _, after := range []time.Duration{300, 0, 900, 0, 1700, 0, 600} { // milliseconds; 0 is while measuring
		if after > 0 {
			<-time.After(after * time.Millisecond)
		} else {
			wait(t, "an attempt runs", time.Minute, func() (string, bool) {
				v, err := c.Study(t.Context(), id)
				return fmt.Sprint(v.Counts, err), err == nil && (v.Counts[study.Leased] > 0 || !v.State.Active())
			})
		}
		before, err := c.Trials(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.daemon.kill()
		c = s.serve()
		kills++
		after, err := c.Trials(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, tr := range before.Trials {
			if i >= len(after.Trials) || after.Trials[i].Recipe.Key() != tr.Recipe.Key() {
				t.Fatalf("trial %d was lost by a kill", i)
			}
			if tr.State.Terminal() && after.Trials[i].State != tr.State && !after.Trials[i].Feasible() {
				t.Errorf("trial %d was %s and is %s after a kill", i, tr.State, after.Trials[i].State)
			}
		}
	}
	trials := finished(t, c, id)
	checkTrials(t, c, trials, 6)
	repeated := 0
	for _, tr := range trials {
		v, err := c.Trial(t.Context(), id, tr.Number)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range v.Attempts { // one that measured may be followed by one that confirms
			if a.Result == nil || a.Result.Failure != nil {
				repeated++
			}
		}
		if tr.State == study.Failed {
			t.Errorf("trial %d failed: %s", tr.Number, tr.Detail)
		}
	}
	// Three kills waited for an attempt; a quick one may have ended before it
	// was hit.
	if repeated > kills || repeated == 0 {
		t.Errorf("%d attempts were repeated by %d kills", repeated, kills)
	}
	t.Logf("%d kills, %d attempts repeated", kills, repeated)
}

func TestSecondDaemonIsRefused(t *testing.T) {
	s := newSite(t)
	s.dir = filepath.Join(s.dir, strings.Repeat("a-long-way-down/", 12)) // longer than the name of a socket may be
	s.serve("--no-local")
	_, errs, code := s.fettle("serve", "--listen", "127.0.0.1:0")
	if code == 0 || !strings.Contains(errs, "another daemon") || !strings.Contains(errs, "try:") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

func TestStopAndResume(t *testing.T) {
	s := newSite(t)
	c := s.serve()
	id := decode[client.StudyView](t, s.must("study", "run", studyFile(t, "paused", "local", 4, ""), "-o", "json")).ID
	wait(t, "a trial has ended", 2*time.Minute, func() (string, bool) {
		v, err := c.Study(t.Context(), id)
		return "", err == nil && v.Counts[study.Complete] > 0
	})
	s.must("study", "stop", id)
	stopped, err := c.Trials(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	later, err := c.Trials(t.Context(), id, 0)
	if err != nil || len(later.Trials) > len(stopped.Trials) {
		t.Errorf("a stopped study goes on: %d trials, then %d (%v)", len(stopped.Trials), len(later.Trials), err)
	}
	if _, _, code := s.fettle("study", "stop", id); code == 0 {
		t.Error("a stopped study can be stopped again")
	}
	s.must("study", "resume", id)
	checkTrials(t, c, finished(t, c, id), 4)
}

// TestAgentElsewhere runs a study on fettle-agent as a process of its own over
// HTTP, kills it in the middle, and restarts it.
func TestAgentElsewhere(t *testing.T) {
	s := newSite(t)
	c := s.serve("--no-local", "--insecure-agent-listen", "127.0.0.1:0")
	url := agentURL(t, s)
	out, errs, code := s.fettle("study", "run", studyFile(t, "remote", "board", 3, ""), "-o", "json")
	if code != 0 || !strings.Contains(errs, `target "board" has never been seen`) {
		t.Fatalf("exit %d, %s; want a warning of the target", code, errs)
	}
	id := decode[client.StudyView](t, out).ID
	serve := func() *process {
		return s.start("fettle-agent", "--insecure-daemon", url, "--target", "board", "--state-dir", filepath.Join(s.dir, "agent"),
			"--libraries", libraries, "--runner", filepath.Join(binaries, "fettle-runner"))
	}
	agent := serve()
	wait(t, "an attempt runs", 2*time.Minute, func() (string, bool) {
		v, err := c.Study(t.Context(), id)
		return "", err == nil && v.Counts[study.Leased] > 0
	})
	agent.kill()
	agent = serve()
	checkTrials(t, c, finished(t, c, id), 3)
	list, err := c.Targets(t.Context())
	if err != nil || !slices.ContainsFunc(list.Targets, func(v client.TargetView) bool { return v.Name == "board" && v.Facts.Cores > 0 }) {
		t.Errorf("targets %+v %v", list, err)
	}
	if code := agent.stop(t); code != 0 {
		t.Errorf("the agent ended by a signal with exit %d", code)
	}
}

func agentURL(t *testing.T, s *site) string {
	t.Helper()
	var url string
	wait(t, "the daemon names its agent port", 10*time.Second, func() (string, bool) {
		for line := range strings.Lines(s.daemon.stderr.String()) {
			if rest, ok := strings.CutPrefix(line, "agents "); ok {
				url, _, _ = strings.Cut(strings.TrimSpace(rest), " ")
			}
		}
		return s.daemon.stderr.String(), url != ""
	})
	return url
}
