//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/profiler/internal/testenv"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

const (
	context = 256
	chunks  = 16
)

// Perplexity and divergence are those of llama-perplexity to four digits, and
// the file of log-probabilities is the same to the byte.
func TestQualityEqualsLlamaPerplexity(t *testing.T) {
	r, backend := runner(t)
	peers := build(t, backend)
	dir := t.TempDir()
	theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")

	out := peers.perplexity(t, "Final estimate", testenv.Model(t), "--kl-divergence-base", theirs)
	e := job.Evaluate{Model: []string{testenv.Model(t)}, Run: study.RunOptions{Threads: 1, KV: "f16", Context: context},
		Text: testenv.Text(t), Chunks: chunks, Base: ours, Save: true}
	values := evaluate(t, r, e)
	equal(t, "F16 perplexity", values["quality.ppl"].Value, number(t, out, `Final estimate: PPL = ([0-9.]+)`))
	if a, b := read(t, theirs), read(t, ours); !bytes.Equal(a, b) {
		t.Errorf("files of log-probabilities differ: %d and %d bytes", len(a), len(b))
	}

	e.Save = false
	for _, typ := range []string{"Q4_0", "Q8_0", "Q2_K"} {
		path := filepath.Join(dir, typ+".gguf")
		peers.run(t, "llama-quantize", "--pure", testenv.Model(t), path, typ, "1")
		out := peers.perplexity(t, "Same top p: ", path, "--kl-divergence-base", theirs, "--kl-divergence")
		e.Model = []string{path}
		values := evaluate(t, r, e)
		equal(t, typ+" perplexity", values["quality.ppl"].Value, number(t, out, `Mean PPL\(Q\) *: *([0-9.]+)`))
		equal(t, typ+" divergence", values["quality.kld"].Value, number(t, out, `Mean *KLD: *([0-9.]+)`))
		equal(t, typ+" same top", 100*values["quality.top1"].Value, number(t, out, `Same top p: *([0-9.]+)`))
	}
}

// equal compares four digits.
func equal(t *testing.T, what string, ours, theirs float64) {
	t.Helper()
	t.Logf("%-16s ours %.6f, llama-perplexity's %.6f", what, ours, theirs)
	if d := math.Abs(ours - theirs); d > 0.5e-4*math.Abs(theirs) && d > 0.6e-6 { // six digits are printed
		t.Errorf("%s differs by %g", what, d)
	}
}

func evaluate(t *testing.T, r evaluator, e job.Evaluate) map[string]study.Summary {
	t.Helper()
	var scores []study.ChunkScore
	if err := r.Evaluate(t.Context(), e, func(c study.ChunkScore) error { scores = append(scores, c); return nil }); err != nil {
		t.Fatal(err)
	}
	return study.QualityValues(scores)
}

// perplexity runs llama-perplexity on the demo's text until it has printed
// what ends its report: it logs from a thread of its own, and does not always
// wait for it before it ends.
func (p peers) perplexity(t *testing.T, last, model string, args ...string) (out string) {
	t.Helper()
	for range 10 {
		out = p.run(t, "llama-perplexity", append([]string{"-m", model, "-f", testenv.Text(t), "-c", fmt.Sprint(context),
			"--chunks", fmt.Sprint(chunks), "-t", "1", "-fa", "off"}, args...)...)
		if strings.Contains(out, last) {
			return out
		}
	}
	t.Fatalf("llama-perplexity does not print %q:\n%s", last, out)
	return ""
}

// run runs a program and returns what it printed.
func (p peers) run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(string(p), program), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}

func number(t *testing.T, text, pattern string) float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in\n%s", pattern, text)
	}
	x, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
