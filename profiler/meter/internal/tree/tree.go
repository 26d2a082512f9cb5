// Package tree unpacks recorded boards for tests.
package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Unpack writes an archive's files into a new folder and returns that. The
// entry SYMLINKS holds lines "link -> target", both from the folder: they
// become relative links, as in sysfs.
func Unpack(t testing.TB, archive string) string {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	var links string
	for _, f := range a.Files {
		if f.Name == "SYMLINKS" {
			links = string(f.Data)
			continue
		}
		Write(t, root, f.Name, string(f.Data))
	}
	for line := range strings.Lines(links) {
		link, target, ok := strings.Cut(strings.TrimSpace(line), " -> ")
		if !ok {
			t.Fatalf("%s: SYMLINKS has the line %q", archive, line)
		}
		symlink(t, filepath.Join(root, link), filepath.Join(root, target))
	}
	return root
}

// Write puts a file below root, with the folders above it.
func Write(t testing.TB, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func symlink(t testing.TB, link, target string) {
	t.Helper()
	relative, err := filepath.Rel(filepath.Dir(link), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(relative, link); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(link); err != nil {
		t.Fatalf("the link leads nowhere: %v", err)
	}
}
