package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
)

// noon is the time of tests that do not care.
var noon = time.Date(2026, 11, 3, 12, 0, 0, 123456789, time.UTC)

// nasty holds what breaks careless SQL, HTML, JSON and terminals.
var nasty = `'; DROP TABLE trials; -- "quoted" <b onload=alert(1)>&amp; \ %s ☃ ` + "\x00\n\u2028" + strings.Repeat("x", 10_000)

// open makes a store in a new folder.
func open(t testing.TB) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fettle.db")
	return reopen(t, path), path
}

func reopen(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// raw opens the file beside the store, as a person with sqlite3 would.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantKind fails unless err is a fault of that kind with a sentence.
func wantKind(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Kind != kind || !strings.HasPrefix(e.Sentence, "cannot ") {
		t.Fatalf("got error %v, want a fault of kind %s", err, kind)
	}
}

func wantEqual[T any](t testing.TB, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// running makes a study that runs.
func running(t testing.TB, s *store.Store, id string) study.Study {
	t.Helper()
	st := study.Study{ID: id, Spec: spec(id)}
	must(t, s.CreateStudy(t.Context(), noon, st))
	must(t, s.SetStudyState(t.Context(), noon, id, study.StudyRunning, ""))
	return st
}

func spec(name string) study.Spec {
	bound := 1.0
	return study.Spec{
		Version: 1, Name: name, Description: nasty,
		Model:    study.Content{Digest: study.DigestOf([]byte("model")), Name: "m.gguf"},
		Targets:  []study.TargetRef{{Name: "local"}},
		Workload: study.Workload{PromptTokens: 128, GenerateTokens: 32, Context: 256, MaxTime: 2 * time.Second},
		Quality:  study.Quality{Text: study.Content{Digest: study.DigestOf(nil), Name: "eval.txt"}, Chunks: 16},
		Knobs: []study.Knob{
			{Name: "quant.default", Choice: []study.Value{study.Text("Q8_0"), study.Text("F16")}},
			{Name: "runtime.flash", Choice: []study.Value{study.Bool(false), study.Bool(true)}},
			{Name: "runtime.kv", Choice: []study.Value{study.Text("f16")}, When: map[string][]study.Value{"runtime.flash": {study.Bool(true)}}},
			{Name: "truncate.depth", Int: &[2]int{4, 6}},
		},
		Objectives:  []study.Objective{{Metric: "quality.kld", Direction: study.Min}},
		Constraints: []study.Constraint{{Metric: "quality.kld", Max: &bound}},
		Search:      study.SearchSpec{Sampler: "auto", Seed: 42},
		Budget:      study.Budget{Trials: 40},
	}
}

// proposal is a trial as the tuner hands it in. The model part has characters
// that encoding/json would escape or squeeze.
func proposal(studyID, target string) study.Trial {
	return study.Trial{
		Study: studyID, Target: target,
		Assignment: study.Assignment{"quant.default": study.Text("Q8_0"), "runtime.flash": study.Bool(true), "truncate.depth": study.Number(5)},
		Recipe: study.Recipe{Format: "gguf/1", Model: json.RawMessage(`{ "types": "<&>", "drop": [1, 2] }`),
			Run: study.RunOptions{Threads: 2, Flash: true, KV: "f16", Context: 256}, Text: "Q8_0, depth 5"},
		Prediction: study.Prediction{FileBytes: 1 << 40, WeightBytes: 7},
		Duplicates: 3,
		Origin:     "start",
		Heard:      1 << 40,
		Warnings:   []string{"neighbour"},
	}
}

// ready brings a new trial to the state ready.
func ready(t testing.TB, s *store.Store, studyID, target string) study.Trial {
	t.Helper()
	trial, err := s.Propose(t.Context(), noon, proposal(studyID, target))
	must(t, err)
	for _, tr := range []study.Transition{study.Build, study.Evaluate, study.Queue} {
		trial, err = s.Move(t.Context(), noon, studyID, trial.Number, tr, nil)
		must(t, err)
	}
	return trial
}

// result is a report with samples that need all digits of a float64.
func result() study.Result {
	return study.Result{
		Measurements: []study.Measurement{
			{Metric: "latency.decode", Unit: "s/token", Samples: []float64{0.30000000000000004, 1e-300, 1.7976931348623157e308}, Group: 3, Warnings: []string{"disturbed"}},
			{Metric: "energy.decode", Unit: "J/token", Samples: []float64{1.0 / 3}, Boundary: "soc", Energy: &study.Energy{Source: "rapl:package-0", WindowS: 2, GrossJ: 9, NetJ: 1.0 / 3, IdleW: [2]float64{4, 4.5}, Tokens: 1}},
			{Metric: "memory.peak", Unit: "B"},
		},
		Conditions: &study.Conditions{Started: noon, Governor: "performance", OtherCPU: []float64{0.01}, Missing: map[string]string{"energy": nasty}},
		Wait:       time.Second, Measure: 2 * time.Second,
	}
}

func TestOpenMakesAPrivateFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c=d%20#e'f")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "fettle.db")
	must(t, os.WriteFile(path, nil, 0o666))
	must(t, os.Chmod(path, 0o666))
	s := reopen(t, path)
	running(t, s, "s1")
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 3 { // the file, its log and the index of its log
		t.Errorf("the folder holds %v", entries)
	}
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", e.Name(), info.Mode())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, says string
		kind       fault.Kind
		make       func(t *testing.T, path string)
	}{
		{"garbage", "damaged", fault.Internal, func(t *testing.T, path string) {
			must(t, os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600))
		}},
		{"foreign", "another program", fault.Invalid, func(t *testing.T, path string) {
			_, err := raw(t, path).Exec(`CREATE TABLE songs (name TEXT)`)
			must(t, err)
		}},
		{"marked", "another program", fault.Invalid, func(t *testing.T, path string) {
			_, err := raw(t, path).Exec(`PRAGMA application_id = 1; PRAGMA user_version = 1`)
			must(t, err)
		}},
		{"newer", "newer version", fault.Conflict, func(t *testing.T, path string) {
			s, err := store.Open(t.Context(), path)
			must(t, err)
			must(t, s.Close())
			_, err = raw(t, path).Exec(`PRAGMA user_version = 1000`)
			must(t, err)
		}},
		{"missing/folder", "cannot open", fault.Internal, func(*testing.T, string) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			c.make(t, path)
			before, _ := os.ReadFile(path)
			_, err := store.Open(t.Context(), path)
			wantKind(t, err, c.kind)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %q and does not say %q", err, c.says)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("a refused file was changed")
			}
		})
	}
}

// A build without cgo compiles, so it has to say what is wrong with it.
func TestOpenWithoutCgo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fettle.db")
	cmd := exec.Command("go", "run", "./testdata/open", path)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "built without cgo") || !strings.Contains(string(out), "CGO_ENABLED=1") {
		t.Errorf("a build without cgo ended with %v and said %q", err, out)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it left a file behind")
	}
}

func TestEverythingSurvivesReopening(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "fettle.db")
	s, err := store.Open(ctx, path)
	must(t, err)

	st := study.Study{ID: nasty, Spec: spec(nasty), Note: nasty}
	must(t, s.CreateStudy(ctx, noon, st))
	must(t, s.SetStudyState(ctx, noon.Add(time.Hour), nasty, study.StudyRunning, nasty))
	st.State, st.Created = study.StudyRunning, noon
	trial := ready(t, s, nasty, nasty)
	attempt, _, err := s.Grant(ctx, noon, nasty, nasty, time.Minute)
	must(t, err)
	must(t, s.Report(ctx, noon, nasty, attempt.Fence, result()))
	trial, err = s.Move(ctx, noon.Add(time.Minute), nasty, trial.Number, study.Finish, func(t *study.Trial) {
		t.Pieces = []study.PieceRef{{Digest: study.DigestOf(nil), Bytes: 1 << 50}}
		t.Values = map[string]study.Summary{"latency.decode": {Value: 0.30000000000000004, Low: 1e-300, High: 1, N: 5}}
		t.Reason, t.Detail, t.Stderr, t.Warnings = "r", nasty, []string{nasty, ""}, []string{nasty}
		t.Spent = study.Spent{Build: 1, Evaluate: 2, Wait: 3, Measure: 4}
		t.Prediction.KVBytes = 9
	})
	must(t, err)
	target := targets.Target{Name: nasty, Kind: targets.KindLocal, Facts: targets.Facts{Hostname: nasty, MemoryBytes: 1 << 40}, BootID: "b", Session: nasty}
	must(t, s.SaveTarget(ctx, noon, target))
	target.Created, target.LastSeen = noon, noon
	must(t, s.Close())

	s = reopen(t, path)
	gotStudy, err := s.Study(ctx, nasty)
	must(t, err)
	wantEqual(t, gotStudy, st)
	gotTrial, err := s.Trial(ctx, nasty, 0)
	must(t, err)
	wantEqual(t, gotTrial, trial)
	wantEqual(t, gotTrial.Recipe, proposal("", "").Recipe)
	attempts, err := s.Attempts(ctx, nasty, 0)
	must(t, err)
	want := result()
	wantEqual(t, attempts, []study.Attempt{{ID: nasty, Study: nasty, Trial: 0, Target: nasty, Fence: 1, State: study.AttemptReported,
		Started: noon, Expires: noon.Add(time.Minute), Ended: noon, Result: &want}})
	gotTarget, err := s.Target(ctx, nasty)
	must(t, err)
	wantEqual(t, gotTarget, target)
	audit(t, s, path)
}

func TestTimesComeBackInUTC(t *testing.T) {
	s, _ := open(t)
	zone := time.FixedZone("far", 5*3600)
	running(t, s, "s")
	now := time.Now().In(zone)
	trial, err := s.Propose(t.Context(), now, proposal("s", "local"))
	must(t, err)
	got, err := s.Trial(t.Context(), "s", trial.Number)
	must(t, err)
	wantEqual(t, got, trial) // also what Propose returned
	if !got.Created.Equal(now) || got.Created.Location() != time.UTC {
		t.Errorf("created is %v, want %v in UTC", got.Created, now)
	}
}

func TestFullDiskIsSaid(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	store.LimitPages(t, s, 50)
	var err error
	for i := 0; i < 2000 && err == nil; i++ {
		_, err = s.Propose(t.Context(), noon, proposal("s", "local"))
	}
	wantKind(t, err, fault.Internal)
	if !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("the error is %q", err)
	}
	audit(t, s, path)
}

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "fettle")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(ctx, filepath.Join(dir, "fettle.db"))
	if err != nil {
		panic(err)
	}
	defer s.Close()
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC) // the store reads no clock
	fmt.Println(s.CreateStudy(ctx, now, study.Study{ID: "night-run"}))
	fmt.Println(s.SetStudyState(ctx, now, "night-run", study.StudyComplete, ""))
	// Output:
	// <nil>
	// cannot make study "night-run" complete: it is preparing
}
