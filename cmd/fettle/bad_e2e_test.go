package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

func itoa(n int) string { return strconv.Itoa(n) }

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// evaluateJob scores n chunks of the demo's text, without an original.
func evaluateJob(file string, run study.RunOptions, dir string, n int) job.Evaluate {
	text, _ := filepath.Abs("../../configs/demo/eval.txt")
	return job.Evaluate{Model: []string{file}, Run: run, Text: text, Chunks: n, Base: filepath.Join(dir, "base"), Save: true}
}

// TestHostileModels adds files that are not what they say; the daemon lives.
func TestHostileModels(t *testing.T) {
	s := newSite(t)
	c := s.serve("--no-local")
	good := read(t, "../../configs/demo/fettle-demo-f16.gguf")
	lie := []byte(good)
	copy(lie[8:16], "\xff\xff\xff\xff\xff\xff\xff\x7f") // the number of tensors
	for name, content := range map[string]string{
		"empty.gguf":     "",
		"text.gguf":      "this is not a model\n",
		"truncated.gguf": good[:len(good)/2],
		"header.gguf":    good[:100],
		"lying.gguf":     string(lie),
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, code := s.fettle("model", "add", path)
		if code != 2 || !strings.Contains(errs, "byte") {
			t.Errorf("%s: exit %d, %s; want 2 and the byte that is wrong", name, code, errs)
		}
		if _, err := c.Info(t.Context()); err != nil {
			t.Fatalf("after %s the daemon does not answer: %v", name, err)
		}
	}
	if _, _, code := s.fettle("model", "add", "no-such-file"); code != 3 {
		t.Errorf("a file that is not there gives exit %d", code)
	}
}

func TestBadStudyFiles(t *testing.T) {
	s := newSite(t)
	good := read(t, studyFile(t, "good", "local", 3, ""))
	dir := filepath.Dir(studyFile(t, "dir", "local", 3, ""))
	for _, test := range []struct{ name, from, to, want string }{
		{"unknown knob", "quant.default:", "quant.defualt:", "quant.default"},
		{"unknown metric", "latency.decode,", "latency.decoding,", "latency.decode"},
		{"unknown key", "seed: 7", "sead: 7", "seed"},
		{"unknown unit", "max_time: 200ms", "max_time: 200 parsecs", "parsecs"},
		{"unknown type", "Q5_K,", "Q5_Q,", "Q5_Q"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(dir, "study.yaml")
			bad := strings.Replace(good, test.from, test.to, 1)
			if bad == good {
				t.Fatal("the mistake was not made")
			}
			if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			line := strings.Count(bad[:strings.Index(bad, test.to)], "\n") + 1
			_, errs, code := s.fettle("study", "validate", path)
			if code != 2 || !strings.Contains(errs, test.want) || !strings.Contains(errs, ":"+itoa(line)+":") && !strings.Contains(errs, "line "+itoa(line)) {
				t.Errorf("exit %d, want 2, line %d and %q:\n%s", code, line, test.want, errs)
			}
		})
	}
}

// script writes a program that stands in for fettle-runner: it does job kinds
// other than profile with the real one, and for those runs a shell command.
func script(t *testing.T, profile string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runner")
	real := filepath.Join(binaries, "fettle-runner")
	text := "#!/bin/sh\nread -r job\ncase \"$job\" in\n*'\"profile\":{'*)\n" + profile + "\n;;\n*) { printf '%s\\n' \"$job\"; cat; } | exec " + real + " ;;\nesac\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// hello is the first message of a runner, as a shell command.
const hello = `echo '{"runtime":{"name":"llama.cpp","version":"x","digest":"","backend":"x","backends":[]}}'; `

// TestWhoseFaultEndToEnd breaks the runner in several ways and looks at what
// becomes of the trials.
func TestWhoseFaultEndToEnd(t *testing.T) {
	for _, test := range []struct {
		name, profile string
		state         study.State
		reason        string
		stderr        string
		attempts      int
	}{
		{"assertion", hello + `echo '/src/ggml.c:17: GGML_ASSERT(a == b) failed' >&2; echo second line >&2; kill -ABRT $$`, study.Infeasible, study.ReasonAssertion, "GGML_ASSERT", 1},
		{"killed twice", `echo last words >&2; kill -9 $$`, study.Infeasible, study.ReasonRepeated, "last words", 2},
		{"hangs twice", hello + `echo still here >&2; exec sleep 600`, study.Infeasible, study.ReasonRepeated, "still here", 2},
		{"garbage", `echo this is not JSON; sleep 1`, study.Failed, study.ReasonUnknown, "", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			s.env = append(s.env, "FETTLE_RUNNER="+script(t, test.profile))
			c := s.serve("--job-timeout", "2s")
			id := decode[client.StudyView](t, s.must("study", "run", studyFile(t, "broken", "local", 2, ""), "-o", "json")).ID
			trials := finished(t, c, id)
			for _, tr := range trials {
				v, err := c.Trial(t.Context(), id, tr.Number)
				if err != nil {
					t.Fatal(err)
				}
				if tr.State != test.state || tr.Reason != test.reason || len(v.Attempts) != test.attempts || !strings.Contains(strings.Join(tr.Stderr, "\n"), test.stderr) {
					t.Errorf("trial %d: %s %s %q, %d attempts, stderr %q; want %s %s, %d attempts, stderr %q",
						tr.Number, tr.State, tr.Reason, tr.Detail, len(v.Attempts), tr.Stderr, test.state, test.reason, test.attempts, test.stderr)
				}
			}
			if _, _, code := s.fettle("study", "watch", id); code != 6 {
				t.Errorf("a study without a feasible trial gives exit %d, want 6", code)
			}
		})
	}
}
