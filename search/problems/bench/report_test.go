//go:build bench

package bench

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search/problems"
)

// timed is the problem on which times are taken: 24 knobs, 3 objectives.
const timed = "layers24-3"

// subject is the sampler that is judged.
const subject = "gp"

// TestReport writes the results into docs/.
func TestReport(t *testing.T) {
	var all []Problem
	for _, name := range problems.Names() {
		p, _ := problems.Lookup(name)
		print, err := Print(p)
		if err != nil {
			t.Fatal(err)
		}
		info := Problem{Name: name, Print: print, Objectives: len(p.Directions), Constraints: p.Constraints}
		if quiet, ok := strings.CutSuffix(name, "-noisy"); ok {
			info.Quiet = quiet
		}
		all = append(all, info)
	}
	r := Collect(all, results(t))
	samplers := append(slices.Clone(defaultSamplers), "random")
	var peers []string
	for _, s := range samplers {
		if strings.HasPrefix(s, peerPrefix) {
			peers = append(peers, s)
		}
	}
	const page, picture = "../../../docs/search-bench.md", "../../../docs/search-bench.svg"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, section := range []struct{ name, text string }{
		{"goals", r.Goals(subject, peers)}, {"table", r.Table(samplers)}, {"times", r.Times(timed)},
	} {
		if text, err = Fill(text, section.name, section.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(picture, []byte(r.SVG(samplers)), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s and %s are written", page, picture)
}
