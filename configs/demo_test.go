package configs

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestDemoHoldsWhatItsStudyNames(t *testing.T) {
	f, err := Load("demo/study.yaml")
	if err != nil {
		t.Fatal(explain(err))
	}
	if err := fstest.TestFS(Demo(), "study.yaml", f.Spec.Model.Name, f.Spec.Quality.Text.Name); err != nil {
		t.Error(err)
	}
	model, err := fs.ReadFile(Demo(), f.Spec.Model.Name)
	if err != nil || !bytes.HasPrefix(model, []byte("GGUF")) {
		t.Errorf("the model does not start with GGUF (%v)", err)
	}
}

func TestWriteDemo(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "demo")
	path, err := WriteDemo(folder)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil {
		t.Fatal(explain(err))
	}
	for _, p := range []string{f.ModelPath, f.TextPath} {
		got, err := os.ReadFile(p)
		want, _ := fs.ReadFile(Demo(), filepath.Base(p))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the demo's (%v)", p, err)
		}
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 3 {
		t.Errorf("the folder holds %v", entries)
	}

	// Again: what is right is left alone, what was cut short is repaired.
	model, err := os.Stat(f.ModelPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(f.TextPath, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteDemo(folder); err != nil {
		t.Fatal(err)
	}
	again, err := os.Stat(f.ModelPath)
	if err != nil || !os.SameFile(model, again) {
		t.Errorf("the model was written again (%v)", err)
	}
	if text, err := os.Stat(f.TextPath); err != nil || text.Size() != 131072 {
		t.Errorf("the text was not repaired: %v, %v", text, err)
	}
}

func TestWriteDemoSaysWhereItCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteDemo(filepath.Join(file, "demo")); err == nil {
		t.Error("wrote below a file")
	}
}
