package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVendored checks the vendored files against what they were built as, and
// that their licences are there.
func TestVendored(t *testing.T) {
	dir := filepath.Join("ui", "vendor")
	b, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Files map[string]struct {
			SHA256   string
			Bytes    int
			Packages map[string]struct{ Version, Licence string }
		}
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		t.Fatal(err)
	}
	licences, err := os.ReadFile(filepath.Join(dir, "LICENSES.txt"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "MANIFEST.json" {
			continue
		}
		want, ok := manifest.Files[e.Name()]
		if !ok {
			t.Errorf("%s is not in the manifest", e.Name())
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != want.SHA256 || len(content) != want.Bytes {
			t.Errorf("%s has digest %s and %d bytes, want %s and %d: run make vendor-js", e.Name(), got, len(content), want.SHA256, want.Bytes)
		}
		for name, p := range want.Packages {
			if p.Version == "" || p.Licence == "" || !strings.Contains(string(licences), "\n"+name+"\n") {
				t.Errorf("the licence of %s is missing", name)
			}
		}
	}
	if len(manifest.Files) != len(entries)-1 {
		t.Errorf("the manifest names %d files, the folder has %d", len(manifest.Files), len(entries)-1)
	}
}

// TestScripts runs the tests of the modules that need no browser.
func TestScripts(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("FETTLE_E2E") == "1" {
			t.Fatal("Node is missing: apt-get install nodejs")
		}
		t.Skip("Node is missing: apt-get install nodejs")
	}
	files, err := filepath.Glob("uitest/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), node, append([]string{"--test"}, files...)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "# fail 0") || strings.Contains(string(out), "# pass 0") {
		t.Errorf("%v\n%s", err, out)
	}
}
