// Package testenv finds what tests of the runner need: the llama.cpp libraries,
// the demo model, and fettle-runner itself.
package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// root returns the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}

// Libraries returns the folder of the llama.cpp libraries: FETTLE_LIBRARIES, or
// build/llama of the repository.
func Libraries(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FETTLE_LIBRARIES")
	if dir == "" {
		dir = filepath.Join(root(t), "build", "llama")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the llama.cpp libraries are missing (%v): run make libraries", err)
	}
	return dir
}

// Demo returns the path of a file of configs/demo.
func Demo(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(root(t), "configs", "demo", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Model returns the path of the demo model.
func Model(t testing.TB) string { return Demo(t, "fettle-demo-f16.gguf") }

// Text returns the path of the demo's evaluation text.
func Text(t testing.TB) string { return Demo(t, "eval.txt") }

// Runner builds fettle-runner and returns its path.
func Runner(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fettle-runner")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/fettle-runner")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fettle-runner does not build: %v\n%s", err, out)
	}
	return path
}
