package configs

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// minimal is the shortest study that is valid.
const minimal = `version: 1
name: small
model: model.gguf
targets: [{name: local}]
workload: {prompt_tokens: 8, generate_tokens: 4, context: 12}
knobs:
  quant.default: {choice: [Q8_0, Q4_K]}
objectives: [{metric: size.file, direction: min}]
budget: {trials: 2}
`

func mustParse(t *testing.T, name, text string) *File {
	t.Helper()
	f, err := Parse(name, []byte(text))
	if err != nil {
		t.Fatalf("%s\nin\n%s", explain(err), text)
	}
	return f
}

// explain writes an error with all of its problems.
func explain(err error) string {
	e, ok := fault.As(err)
	if !ok {
		return err.Error()
	}
	lines := []string{e.Error()}
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// Every file of testdata/bad must be refused, and the first problem must be
// the one that its first line asks for.
func TestBadFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) < 150 {
		t.Fatalf("found %d bad files, want at least 150 (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# want: ")
			if !ok {
				t.Fatalf("the first line is %q, want # want: LINE: PATH: MESSAGE", first)
			}
			f, err := Load(name)
			if err == nil {
				t.Fatalf("accepted: %+v", f.Spec)
			}
			e, ok := fault.As(err)
			if !ok || e.Kind != fault.Invalid || len(e.Problems) == 0 {
				t.Fatalf("got %v, want a fault of kind invalid with problems", err)
			}
			if got := e.Problems[0].String(); got != name+":"+want {
				t.Errorf("got  %s\nwant %s:%s", got, name, want)
			}
			for _, p := range e.Problems {
				if p.File != name || p.Line < 1 || p.Message == "" {
					t.Errorf("problem without file, line or message: %+v", p)
				}
			}
		})
	}
}

func TestSeveralMistakesAreReportedAtOnce(t *testing.T) {
	text := strings.NewReplacer("trials: 2", "trials: 0", "name: small", "name: Small", "min}", "least}").Replace(minimal)
	_, err := Parse("s.yaml", []byte(text))
	e, _ := fault.As(err)
	var got []string
	for _, p := range e.Problems {
		got = append(got, p.Path)
	}
	want := []string{"name", "objectives.0.direction", "budget.trials"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got problems at %v, want %v", got, want)
	}
	if e.Sentence != "cannot use the study file s.yaml: 3 mistakes" {
		t.Errorf("sentence %q", e.Sentence)
	}
}

func TestDemoStudy(t *testing.T) {
	f, err := Load("demo/study.yaml")
	if err != nil {
		t.Fatal(explain(err))
	}
	s := f.Spec
	if f.ModelPath != filepath.FromSlash("demo/fettle-demo-f16.gguf") || f.TextPath != filepath.FromSlash("demo/eval.txt") {
		t.Errorf("paths %q and %q", f.ModelPath, f.TextPath)
	}
	if s.Name != "demo" || s.Model.Name != "fettle-demo-f16.gguf" || s.Quality.Text.Name != "eval.txt" || s.Quality.Chunks != 16 {
		t.Errorf("head %+v %+v", s.Model, s.Quality)
	}
	if want := (study.Workload{PromptTokens: 128, GenerateTokens: 32, Context: 256, WarmUp: 1, MinRepeats: 5, MaxRepeats: 8, MaxTime: 2 * time.Second}); s.Workload != want {
		t.Errorf("workload %+v, want %+v", s.Workload, want)
	}
	names := make([]string, len(s.Knobs))
	for i, k := range s.Knobs {
		names[i] = k.Name
	}
	if want := "quant.default quant.attention quant.ffn_down quant.embedding prune.attention prune.ffn truncate.depth runtime.threads runtime.flash runtime.kv"; strings.Join(names, " ") != want {
		t.Errorf("knobs are not in the order of the file: %v", names)
	}
	if got := s.Knob("runtime.kv").When["runtime.flash"]; len(got) != 1 || got[0] != study.Bool(true) {
		t.Errorf("runtime.kv when %v", got)
	}
	if d := s.Knob("truncate.depth").Int; *d != [2]int{4, 6} {
		t.Errorf("truncate.depth %v", *d)
	}
	if len(s.Objectives) != 3 || s.Objectives[2] != (study.Objective{Metric: "latency.decode", Direction: study.Min}) {
		t.Errorf("objectives %v", s.Objectives)
	}
	if c := s.Constraints[0]; c.Metric != "quality.kld" || c.Min != nil || *c.Max != 1 {
		t.Errorf("constraint %+v", c)
	}
	if s.Search != (study.SearchSpec{Sampler: "auto", Seed: 42, StopTrials: true}) || s.Budget != (study.Budget{Trials: 40, Confirm: 2}) {
		t.Errorf("search %+v, budget %+v", s.Search, s.Budget)
	}
	if len(f.Warnings) != 0 {
		t.Errorf("warnings %v", f.Warnings)
	}
}

func TestExamplesLoadWithoutWarnings(t *testing.T) {
	names, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(names) < 2 {
		t.Fatalf("examples %v, %v", names, err)
	}
	for _, name := range names {
		f, err := Load(name)
		if err != nil {
			t.Error(explain(err))
			continue
		}
		if len(f.Warnings) > 0 {
			t.Errorf("%s: warnings %v", name, f.Warnings)
		}
		if want := strings.TrimSuffix(filepath.Base(name), ".yaml"); f.Spec.Name != want {
			t.Errorf("%s: the study is named %s", name, f.Spec.Name)
		}
	}
}

func TestDefaults(t *testing.T) {
	s := mustParse(t, "s.yaml", strings.NewReplacer("knobs:", "quality: {text: t.txt}\nknobs:", "context: 12", "context: 16").Replace(minimal)).Spec
	w := s.Workload
	if w.WarmUp != 1 || w.MinRepeats != 5 || w.MaxRepeats != 20 || w.MaxTime != 150*time.Second {
		t.Errorf("workload %+v", w)
	}
	if s.Quality.Chunks != 16 || s.Search != (study.SearchSpec{Sampler: "auto", StopTrials: true}) || s.Budget.Wall != 0 {
		t.Errorf("quality %+v, search %+v, budget %+v", s.Quality, s.Search, s.Budget)
	}
	explicit := mustParse(t, "s.yaml", strings.Replace(minimal, "context: 12", "context: 12, warm_up: 0", 1)).Spec
	if explicit.Workload.WarmUp != 0 {
		t.Errorf("warm_up: 0 became %d", explicit.Workload.WarmUp)
	}
	if explicit.Quality != (study.Quality{}) {
		t.Errorf("quality without a text: %+v", explicit.Quality)
	}
}

// The same study in block style, with comments, other spellings of numbers and
// Windows line ends.
func TestStylesAreEqual(t *testing.T) {
	block := `# a comment
---
version: 1.0
name: "small"
model: 'model.gguf' # one
targets:
  - name: local
workload:
  prompt_tokens: 0x8
  generate_tokens: 4.0
  context: 1_2
knobs:
  quant.default:
    choice:
      - Q8_0
      - "Q4_K"
objectives:
  - metric: size.file
    direction: min
budget:
  trials: 2.0
...
`
	want := mustParse(t, "s.yaml", minimal).Spec
	for _, text := range []string{block, strings.ReplaceAll(block, "\n", "\r\n"), strings.ReplaceAll(minimal, "\n", "\r\n"), "\ufeff" + minimal} {
		if got := mustParse(t, "s.yaml", text).Spec; !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	for _, c := range []struct{ file, model, want, name string }{
		{"s.yaml", "m.gguf", "m.gguf", "m.gguf"},
		{"a/b/s.yaml", "m.gguf", "a/b/m.gguf", "m.gguf"},
		{"a/b/s.yaml", "../models/m.gguf", "a/models/m.gguf", "m.gguf"},
		{"/a/s.yaml", "/x/../m.gguf", "/m.gguf", "m.gguf"},
		{"s.yaml", "my models/m 1.gguf", "my models/m 1.gguf", "m 1.gguf"},
	} {
		f := mustParse(t, c.file, strings.Replace(minimal, "model.gguf", c.model, 1))
		if f.ModelPath != c.want || f.Spec.Model.Name != c.name || f.TextPath != "" {
			t.Errorf("%+v: got %q, %q and text %q", c, f.ModelPath, f.Spec.Model.Name, f.TextPath)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"trials: 2", "trials: 3", "s.yaml:9: budget.trials: 3 trials, but there are only 2 assignments: the study ends when all are measured"},
		{"direction: min", "direction: max", "s.yaml:8: objectives.0.direction: max of size.file: usually min is wanted"},
	} {
		f := mustParse(t, "s.yaml", strings.Replace(minimal, c.from, c.to, 1))
		if len(f.Warnings) != 1 || f.Warnings[0].String() != c.want {
			t.Errorf("%s: got %v, want %s", c.to, f.Warnings, c.want)
		}
	}
}

func TestLinesOfLaterProblems(t *testing.T) {
	f, err := Load("demo/study.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"": 1, "model": 3, "quality.text": 6, "knobs.runtime.kv.when.runtime.flash.0": 17, "objectives.2.metric": 21,
		"budget.wall": 24, "knobs.quant.output": 7, "nothing.here": 1,
	} {
		if got := f.Line(path); got != want {
			t.Errorf("line of %q is %d, want %d", path, got, want)
		}
	}
	got := f.Locate([]fault.Problem{{Path: "knobs.truncate.depth", Message: "the model has 5 blocks"}})
	if want := "demo/study.yaml:14: knobs.truncate.depth: the model has 5 blocks"; got[0].String() != want {
		t.Errorf("got %s, want %s", got[0], want)
	}
}

func TestLoadSaysWhyAFileCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, append([]byte(minimal), bytes.Repeat([]byte("#"), maxBytes)...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		kind fault.Kind
		want string
	}{
		{filepath.Join(dir, "none.yaml"), fault.NotFound, "cannot find the study file"},
		{dir, fault.Invalid, "it is a folder"},
		{large, fault.Invalid, "1 mistake"},
	} {
		_, err := Load(c.path)
		e, ok := fault.As(err)
		if !ok || e.Kind != c.kind || !strings.Contains(e.Sentence, c.want) {
			t.Errorf("%s: got %v, want kind %s with %q", c.path, err, c.kind, c.want)
		}
	}
}

// What could make a YAML reader use up memory or time, or crash.
func TestHostileFilesAreRefused(t *testing.T) {
	laughs := "a0: &a0 [x, x, x]\n"
	for i := 1; i < 30; i++ {
		laughs += strings.ReplaceAll(strings.ReplaceAll("aI: &aI [*aP, *aP, *aP]\n", "I", string(rune('a'+i-1))), "P", string(rune('a'+i-2)))
	}
	for name, text := range map[string]string{
		"brackets":        strings.Repeat("[", maxBytes),
		"braces":          strings.Repeat("{a: ", maxBytes/4),
		"entries":         strings.Repeat("- ", maxBytes/2),
		"keys":            strings.Repeat("? ", maxBytes/2),
		"colons":          strings.Repeat("a: ", maxBytes/3),
		"staircase":       staircase(1000),
		"laughs":          laughs,
		"anchors":         strings.Repeat("&a ", maxBytes/3),
		"tags":            strings.Repeat("!a ", maxBytes/3),
		"tabs":            `a: "` + strings.Repeat(",\t", maxBytes/3),
		"returns":         "a: |\n " + strings.Repeat("\n\r", maxBytes/3),
		"empty lines":     "a: |\n " + strings.Repeat("\n", maxBytes/2),
		"most lines":      "a: |\n " + strings.Repeat("\n", maxLines-2) + "x",
		"quotes":          strings.Repeat(`"`, maxBytes),
		"lines":           strings.Repeat("a: b\n", maxBytes/5),
		"documents":       strings.Repeat("---\n", maxBytes/4),
		"newlines":        strings.Repeat("\n", maxBytes),
		"spaces":          strings.Repeat(" ", maxBytes),
		"comments":        strings.Repeat("#\n", maxBytes/2),
		"comment":         "#" + strings.Repeat("x", maxBytes-1),
		"literal":         "a: |\n" + strings.Repeat(" x\n", maxBytes/3-2),
		"folded":          "a: >\n" + strings.Repeat(" x\n", maxBytes/3-2),
		"multi-line text": "a: " + strings.Repeat("x\n ", maxBytes/3-2),
		"one word":        strings.Repeat("x", maxBytes),
		"nul":             minimal + "\x00",
		"not UTF-8":       minimal + "\xff",
		"UTF-16":          "\xff\xfev\x00e\x00",
		"escape":          "description: \x1b[31m\n" + minimal,
		"large":           strings.Repeat("x", maxBytes+1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("s.yaml", []byte(text))
			if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || len(e.Problems) == 0 || len(e.Problems[0].Message) > 1000 {
				t.Errorf("got %.300v, want a fault of kind invalid with short problems", err)
			}
		})
	}
}

// staircase nests mappings by indentation.
func staircase(steps int) string {
	var b strings.Builder
	for i := range steps {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
