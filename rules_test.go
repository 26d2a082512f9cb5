// Package fettle_test holds the rules of the whole tree: who may import whom,
// and that every package says what it is.
package fettle_test

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fettle-edge/fettle"

// A rule holds for the packages that match a pattern: a folder, or a folder
// and everything below it ("search/..."). The first rule that matches counts.
type rule struct {
	pattern string
	ours    []string          // patterns of our packages it may import besides study and study/fault
	never   map[string]string // import path prefix, direct or not → why
}

// Reasons of denials that several packages share.
const (
	pure     = "search is a function of its input: no I/O, no clock, no storage"
	static   = "fettle-agent must stay a static binary that runs on any board"
	oneSQL   = "store is the only importer of go-sqlite3"
	oneLlama = "llama.cpp is loaded by fettle-runner alone: an assertion in it ends the process"
)

const (
	sqlite = "github.com/mattn/go-sqlite3"
	purego = "github.com/ebitengine/purego"
	gorm   = "gorm.io"
	chi    = "github.com/go-chi/chi"
)

var rules = []rule{
	{"study/fault", nil, map[string]string{"github.com": "the vocabulary imports the standard library only", "golang.org/x": "the vocabulary imports the standard library only"}},
	{"study", nil, map[string]string{"golang.org/x": "the vocabulary imports the standard library only"}},
	{"search/goptuna", []string{"search/..."}, map[string]string{sqlite: pure, gorm: pure, purego: pure}},
	{"search/history", []string{"search/space", "search/pareto"}, map[string]string{sqlite: pure, gorm: pure, purego: pure}},
	{"search/bayes", []string{"search/history", "search/space", "search/pareto", "search/gp", "search/ehvi"}, map[string]string{sqlite: pure, gorm: pure, purego: pure}},
	{"search/explain", []string{"search/bayes", "search/history", "search/pareto", "search/space", "search/goptuna"}, map[string]string{sqlite: pure, gorm: pure, purego: pure}},
	{"search/...", []string{"search/..."}, map[string]string{sqlite: pure, gorm: pure, purego: pure}},
	{"compress/...", []string{"compress/..."}, map[string]string{sqlite: oneSQL, purego: oneLlama}},
	{"profiler/llama", nil, map[string]string{sqlite: oneSQL}},
	{"profiler/...", []string{"profiler/job", "profiler/meter", "profiler/quality"}, map[string]string{sqlite: static, purego: static}},
	{"targets/wire", []string{"targets"}, map[string]string{sqlite: static, purego: static}},
	{"targets/dispatch", []string{"targets", "targets/wire"}, map[string]string{sqlite: oneSQL, purego: oneLlama}},
	{"targets/agent", []string{"targets", "targets/wire", "profiler", "profiler/job", "profiler/meter"}, map[string]string{sqlite: static, purego: static}},
	{"targets", nil, map[string]string{sqlite: static, purego: static}},
	{"store", []string{"targets"}, map[string]string{purego: oneLlama}},
	{"tuner", []string{"search/...", "compress/..."}, map[string]string{sqlite: oneSQL, purego: oneLlama}},
	{"configs", nil, map[string]string{sqlite: oneSQL, purego: oneLlama}},
	{"web/api", []string{"web/client", "targets", "search/pareto", "configs"}, map[string]string{sqlite: oneSQL, purego: oneLlama}},
	{"web/client", []string{"targets"}, map[string]string{sqlite: "a client has no store", chi: "a client serves nothing", purego: oneLlama}},
	{"web/...", []string{"web/..."}, map[string]string{sqlite: oneSQL, purego: oneLlama}},
	{"cmd/fettle-agent", []string{"targets/...", "profiler", "profiler/job", "profiler/meter"}, map[string]string{sqlite: static, purego: static}},
	{"cmd/fettle-runner", []string{"profiler/..."}, map[string]string{sqlite: oneSQL}},
	{"cmd/...", []string{"..."}, map[string]string{purego: oneLlama}},
}

type pkg struct {
	ImportPath  string
	Imports     []string
	Deps        []string
	GoFiles     []string
	TestGoFiles []string
	Dir         string
}

func matches(pattern, name string) bool {
	if base, ok := strings.CutSuffix(pattern, "..."); ok {
		return base == "" || name == strings.TrimSuffix(base, "/") || strings.HasPrefix(name, base)
	}
	return pattern == name
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,GoFiles,Dir", "./...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

// TestImports holds the import table of docs/ARCHITECTURE.md.
func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if name == "" {
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.pattern, name) })
		if i < 0 {
			t.Errorf("package %s has no rule: add it to the import table, with a reason in docs/ARCHITECTURE.md for a new folder", name)
			continue
		}
		r := rules[i]
		for _, imp := range p.Imports {
			ours, ok := strings.CutPrefix(imp, module+"/")
			if !ok || ours == "study" || ours == "study/fault" {
				continue
			}
			if !slices.ContainsFunc(r.ours, func(pattern string) bool { return matches(pattern, ours) }) {
				t.Errorf("%s may not import %s (import table, row %s)", name, ours, r.pattern)
			}
			if ours == "profiler/llama" && name != "cmd/fettle-runner" {
				t.Errorf("%s imports profiler/llama: %s", name, oneLlama)
			}
		}
		for prefix, why := range r.never {
			for _, dep := range p.Deps {
				if strings.HasPrefix(dep, prefix) && !strings.HasPrefix(dep, module) {
					t.Errorf("%s depends on %s: %s", name, dep, why)
					break
				}
			}
		}
		direct(t, name, p.Imports)
	}
}

// direct checks libraries that exactly one package may import itself.
func direct(t *testing.T, name string, imports []string) {
	t.Helper()
	owners := map[string]string{
		sqlite:                      "store",
		"github.com/c-bata/goptuna": "search/goptuna",
		purego:                      "profiler/llama",
	}
	for _, imp := range imports {
		for lib, owner := range owners {
			if strings.HasPrefix(imp, lib) && name != owner {
				t.Errorf("%s imports %s: only %s does", name, imp, owner)
			}
		}
	}
	if matches("search/...", name) || name == "study" {
		for _, imp := range imports {
			if slices.Contains([]string{"os", "net", "net/http", "math/rand"}, imp) {
				t.Errorf("%s imports %s: %s", name, imp, pure)
			}
		}
	}
}

// TestPackageDocs wants exactly one package comment for each package.
func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		docs := 0
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil {
				docs++
			}
		}
		if len(p.GoFiles) > 0 && docs != 1 {
			t.Errorf("package %s has %d package comments, want 1", p.ImportPath, docs)
		}
	}
}
