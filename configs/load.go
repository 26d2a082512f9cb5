// Package configs reads and writes study files. Reading is strict: what is not
// known is an error with its line and, where one is near, the word that was
// probably meant. The package also holds the JSON Schema of study files,
// examples, the demo study with its model, and the systemd unit.
package configs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// File is a study file that was read without a mistake.
type File struct {
	Name string // as the user named it

	// Spec has no digests yet: Model and Quality.Text hold names of files, the
	// last elements of ModelPath and TextPath.
	Spec study.Spec

	// ModelPath and TextPath are resolved relative to the study file. Whether
	// the files exist is not checked. TextPath is "" in a study without quality.
	ModelPath string
	TextPath  string

	// Warnings are what is allowed but probably not meant.
	Warnings []fault.Problem

	lines map[string]int
}

// Load reads a study file. Mistakes in it are one fault of kind invalid with
// all of its problems.
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "cannot find the study file %s", path).Trying("check the path").Because(err)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot open the study file %s", path).Because(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fault.New(fault.Invalid, "cannot read %s: it is a folder", path).Trying("name the study file in it, such as %s", filepath.Join(path, "study.yaml"))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot read the study file %s", path).Because(err)
	}
	return Parse(path, data)
}

// Parse reads a study from data. The name is for messages, and its folder is
// what the paths in the study are relative to.
func Parse(name string, data []byte) (*File, error) {
	t, problems := readTree(data)
	if len(problems) > 0 {
		return nil, invalid(name, problems)
	}
	s, err := loadSchema()
	if err != nil {
		return nil, fmt.Errorf("the embedded schema of study files: %w", err)
	}
	if problems := s.check(t); len(problems) > 0 {
		return nil, invalid(name, problems)
	}
	d, err := decode(t)
	if err != nil {
		return nil, invalid(name, problemAt(0, "%s", err))
	}
	f := &File{Name: name, lines: map[string]int{}}
	t.lines("", f.lines)
	var r reader
	f.Spec = r.spec(d, keyNames(t.at("knobs")))
	problems = r.problems
	for _, p := range f.Spec.Validate() {
		if !hasPath(r.problems, p.Path) {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return nil, invalid(name, f.located(problems))
	}
	f.ModelPath = beside(name, d.Model)
	if d.Quality != nil {
		f.TextPath = beside(name, d.Quality.Text)
	}
	f.Warnings = f.located(f.Spec.Warnings())
	return f, nil
}

// decode reads a tree that the schema allows.
func decode(t *tree) (document, error) {
	var d document
	data, err := json.Marshal(t.plain())
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	return d, err
}

func keyNames(t *tree) []string {
	names := make([]string, len(t.keys))
	for i, k := range t.keys {
		names[i] = k.name
	}
	return names
}

func hasPath(problems []fault.Problem, path string) bool {
	return slices.ContainsFunc(problems, func(p fault.Problem) bool { return p.Path == path })
}

// beside resolves a path of a study file.
func beside(name, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(name), path)
}

// Line returns the line of a dotted path such as objectives.2.direction, or of
// the nearest thing above it that is in the file.
func (f *File) Line(path string) int {
	for {
		if line, ok := f.lines[path]; ok {
			return line
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return f.lines[""]
		}
		path = path[:i]
	}
}

// Locate fills in the file and the line of problems that were found later,
// such as by the daemon. It changes and returns the slice.
func (f *File) Locate(problems []fault.Problem) []fault.Problem {
	for i := range problems {
		problems[i].File = f.Name
		problems[i].Line = f.Line(problems[i].Path)
	}
	return problems
}

func (f *File) located(problems []fault.Problem) []fault.Problem {
	return merge(f.Locate(problems))
}

// invalid is the error of a file with mistakes.
func invalid(name string, problems []fault.Problem) error {
	for i := range problems {
		problems[i].File = name
	}
	count := "1 mistake"
	if n := len(problems); n > 1 {
		count = fmt.Sprintf("%d mistakes", n)
	}
	e := fault.New(fault.Invalid, "cannot use the study file %s: %s", name, count)
	e.Problems = problems
	return e
}
