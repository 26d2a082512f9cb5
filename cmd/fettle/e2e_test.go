package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

// The tests of this package run the real binaries, built here with the race
// detector, the real llama.cpp libraries and the demo model.
var (
	binaries  string // folder of fettle, fettle-agent and fettle-runner
	libraries string
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "fettle-bin-*")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binaries = dir
		if libraries, err = findLibraries(); err == nil {
			err = buildBinaries(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func findLibraries() (string, error) {
	if dir := os.Getenv("FETTLE_LIBRARIES"); dir != "" {
		return dir, nil
	}
	dir, err := filepath.Abs("../../build/llama")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		return "", errors.New("the llama.cpp libraries are not there: run make libraries")
	}
	return dir, nil
}

func buildBinaries(dir string) error {
	for _, b := range []struct {
		name string
		cgo  string
		args []string
	}{
		{"fettle", "1", []string{"-race"}},
		{"fettle-agent", "0", nil},
		{"fettle-runner", "0", nil},
	} {
		args := append([]string{"build", "-o", filepath.Join(dir, b.name)}, b.args...)
		cmd := exec.Command("go", append(args, "../"+b.name)...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+b.cgo)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %v\n%s", b.name, err, out)
		}
	}
	return nil
}

// buffer is a bytes.Buffer that a process writes while a test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// site is a state folder with the daemon that a test runs on it.
type site struct {
	t      *testing.T
	dir    string
	env    []string
	daemon *process
}

func newSite(t *testing.T, env ...string) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "fettle-e2e-*") // short: the path of a unix socket is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &site{t: t, dir: dir, env: append([]string{
		"FETTLE_LIBRARIES=" + libraries, "FETTLE_RUNNER=" + filepath.Join(binaries, "fettle-runner"),
		"GORACE=halt_on_error=1 exitcode=66",
	}, env...)}
}

// process is a program that runs.
type process struct {
	cmd    *exec.Cmd
	stderr *buffer
	done   chan struct{}
}

func (s *site) start(program string, args ...string) *process {
	s.t.Helper()
	p := &process{cmd: exec.Command(filepath.Join(binaries, program), args...), stderr: &buffer{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), s.env...)
	p.cmd.Stdout, p.cmd.Stderr = p.stderr, p.stderr
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		p.kill()
		if s.t.Failed() {
			s.t.Logf("%s %s said:\n%s", program, strings.Join(args, " "), p.stderr)
		}
		if strings.Contains(p.stderr.String(), "DATA RACE") {
			s.t.Error("the race detector found a race")
		}
	})
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop ends the process as a service manager would and returns its exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		t.Fatalf("the process does not end:\n%s", p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// serve starts the daemon and waits until it answers.
func (s *site) serve(args ...string) *client.Client {
	s.t.Helper()
	s.daemon = s.start("fettle", append([]string{"serve", "--state-dir", s.dir, "--listen", "127.0.0.1:0"}, args...)...)
	c := client.New(filepath.Join(s.dir, "fettle.sock"))
	wait(s.t, "the daemon answers", 60*time.Second, func() (string, bool) {
		select {
		case <-s.daemon.done:
			s.t.Fatalf("the daemon ended:\n%s", s.daemon.stderr)
		default:
		}
		_, err := c.Info(s.t.Context())
		return fmt.Sprint(err), err == nil
	})
	return c
}

// fettle runs a command of the command line.
func (s *site) fettle(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "fettle"), append(args, "--state-dir", s.dir)...)
	cmd.Env = append(os.Environ(), s.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if strings.Contains(errs.String(), "DATA RACE") {
		s.t.Fatalf("fettle %s: %s", strings.Join(args, " "), errs.String())
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is fettle for a command that has to succeed.
func (s *site) must(args ...string) string {
	s.t.Helper()
	out, errs, code := s.fettle(args...)
	if code != 0 {
		s.t.Fatalf("fettle %s: exit %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

// wait polls until a condition holds; what was seen last is in the failure.
func wait(t *testing.T, what string, limit time.Duration, ok func() (seen string, ok bool)) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		seen, done := ok()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v it does not hold that %s: %s", limit, what, seen)
		}
	}
}

// studyFile writes a small study of the demo model, with its own copies of
// model and text, and returns its path.
func studyFile(t *testing.T, name, targets string, trials int, more string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"fettle-demo-f16.gguf", "eval.txt"} {
		b, err := os.ReadFile(filepath.Join("../../configs/demo", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "study.yaml")
	text := fmt.Sprintf(`version: 1
name: %s
model: fettle-demo-f16.gguf
targets: [{name: %s}]
workload: {prompt_tokens: 32, generate_tokens: 8, context: 128, repeats: [2, 3], max_time: 200ms}
quality: {text: eval.txt, chunks: 4}
knobs:
  quant.default: {choice: [F16, Q8_0, Q6_K, Q5_K, Q4_K, Q4_0]}
  prune.ffn: {int: [0, 1]}
  runtime.threads: {int: [1, 2]}
objectives:
  - {metric: quality.kld, direction: min}
  - {metric: size.weights, direction: min}
  - {metric: latency.decode, direction: min}
search: {sampler: random, seed: 7}
budget: {trials: %d}
%s`, name, targets, trials, more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("cannot decode %q: %v", text, err)
	}
	return v
}

// finished waits for a study to end and returns its trials.
func finished(t *testing.T, c *client.Client, id string) []study.Trial {
	t.Helper()
	var s client.StudyView
	wait(t, "the study ends", 4*time.Minute, func() (string, bool) {
		var err error
		if s, err = c.Study(t.Context(), id); err != nil {
			return err.Error(), false
		}
		return fmt.Sprintf("%s %s %v %+v", s.State, s.Note, s.Counts, s.Lanes), !s.State.Active()
	})
	if s.State != study.StudyComplete {
		t.Fatalf("the study is %s: %s", s.State, s.Note)
	}
	got, err := c.Trials(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	return got.Trials
}

// checkTrials holds what must be true of the trials of every finished study,
// whatever happened on the way.
func checkTrials(t *testing.T, c *client.Client, trials []study.Trial, want int) {
	t.Helper()
	if len(trials) != want {
		t.Errorf("%d trials, want %d", len(trials), want)
	}
	recipes := map[string]int{}
	for i, tr := range trials {
		if tr.Number != i || tr.Index != i {
			t.Errorf("trial %d has number %d and index %d", i, tr.Number, tr.Index)
		}
		if !tr.State.Terminal() {
			t.Errorf("trial %d is %s", i, tr.State)
		}
		if before, dup := recipes[tr.Recipe.Key()]; dup {
			t.Errorf("trials %d and %d have the same recipe", before, i)
		}
		recipes[tr.Recipe.Key()] = i
		if tr.State != study.Complete {
			continue
		}
		for _, m := range []string{"quality.kld", "size.weights", "latency.decode", "memory.peak"} {
			if _, ok := tr.Values[m]; !ok {
				t.Errorf("trial %d has no %s", i, m)
			}
		}
		v, err := c.Trial(t.Context(), tr.Study, tr.Number)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Chunks) != 4 {
			t.Errorf("trial %d has %d chunk scores", i, len(v.Chunks))
		}
		last := v.Attempts[len(v.Attempts)-1]
		if last.Result == nil || last.Result.Conditions == nil || len(last.Result.Measurements) == 0 {
			t.Errorf("trial %d is complete without samples or conditions", i)
		}
	}
}
