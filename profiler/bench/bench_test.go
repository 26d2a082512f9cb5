//go:build bench

// Package bench compares fettle-runner with llama.cpp's own programs, built by
// peers.sh from the same release and linked with the same libraries:
//
//	go test -tags bench -timeout 60m -v ./profiler/bench
package bench

import (
	"cmp"
	stdctx "context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/internal/testenv"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

func TestMain(m *testing.M) { os.Exit(testenv.Run(m)) }

type evaluator interface {
	Evaluate(stdctx.Context, job.Evaluate, func(study.ChunkScore) error) error
}

// runner returns a Runner and the name of its CPU backend. It takes the
// machine-wide lock: nothing else of Fettle runs beside it.
func runner(t *testing.T) (*profiler.Runner, string) {
	t.Helper()
	c := profiler.Config{Path: testenv.Runner(t), Libraries: testenv.Libraries(t), Threads: 1}
	r, err := profiler.New(c)
	if err != nil {
		t.Fatal(err)
	}
	info, err := r.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Backend = info.Backend
	if r, err = profiler.New(c); err != nil {
		t.Fatal(err)
	}
	return r, info.Backend
}

// peers is the folder of llama.cpp's programs.
type peers string

// build builds them, with the CPU backend that is compared.
func build(t *testing.T, backend string) peers {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./peers.sh", backend)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("peers.sh: %v", err)
	}
	dir, err := filepath.Abs("../../build/peers")
	if err != nil {
		t.Fatal(err)
	}
	return peers(dir)
}

const (
	repetitions = 5 // of a process, as llama-bench has them
	prompt      = 128
	generate    = 64
)

var (
	pairs    = flag.Int("pairs", 80, "interleaved pairs of processes; on a shared machine processes differ by tenths, and only many of them tell 3 %")
	maxBusy  = flag.Float64("busy", 0.05, "share of the CPUs that others may take; figures above the default mean little")
	patience = flag.Duration("patience", 30*time.Second, "how long to try for a pair that nobody disturbs")
)

// Prompt processing and generation take the time that llama-bench says: on one
// thread, in pairs that nobody disturbed, the ratio of the medians of all raw
// samples is 1 within 3 %.
func TestSpeedEqualsLlamaBench(t *testing.T) {
	r, backend := runner(t)
	p := build(t, backend)
	q4 := filepath.Join(t.TempDir(), "q4_0.gguf")
	p.run(t, "llama-quantize", "--pure", testenv.Model(t), q4, "Q4_0", "1")
	for _, test := range []struct {
		name             string
		model            string
		prompt, generate int
	}{
		{"prefill F16", testenv.Model(t), prompt, 0},
		{"decode F16", testenv.Model(t), 0, generate},
		{"prefill Q4_0", q4, prompt, 0},
		{"decode Q4_0", q4, 0, generate},
	} {
		t.Run(test.name, func(t *testing.T) {
			var ours, theirs [][]float64
			for begin := time.Now(); len(ours) < *pairs; {
				before := look(t)
				var a, b []float64
				if len(ours)%2 == 0 {
					a = profile(t, r, test.model, test.prompt, test.generate)
					b = p.bench(t, r, test.model, test.prompt, test.generate)
				} else {
					b = p.bench(t, r, test.model, test.prompt, test.generate)
					a = profile(t, r, test.model, test.prompt, test.generate)
				}
				if share := look(t).others(before); share <= *maxBusy {
					ours, theirs = append(ours, a), append(theirs, b)
					begin = time.Now()
				} else if time.Since(begin) > *patience {
					t.Fatalf("this computer is busy: others take %.0f %% of its CPUs; nothing is reported", 100*share)
				}
			}
			ratio, low, high := ratioOfMedians(ours, theirs)
			t.Logf("%s: ours %.4f ms, llama-bench's %.4f ms, ratio %.4f, 95 %% interval %.4f to %.4f, %d pairs of %d samples",
				test.name, 1e3*study.Median(slices.Concat(ours...)), 1e3*study.Median(slices.Concat(theirs...)), ratio, low, high, *pairs, repetitions)
			t.Logf("%s: ratio of the fastest tenths, which neighbours disturb least: %.4f", test.name, tenth(ours)/tenth(theirs))
			if low < 0.97 || high > 1.03 {
				t.Errorf("%s: the interval %.4f to %.4f is not inside 0.97 to 1.03", test.name, low, high)
			}
		})
	}
}

// profile returns the seconds of each repetition. llama-bench generates into an
// empty context; here a prompt of one token comes first.
func profile(t *testing.T, r *profiler.Runner, model string, prompt, generate int) []float64 {
	t.Helper()
	w := study.Workload{PromptTokens: max(1, prompt), GenerateTokens: generate, WarmUp: 1, MinRepeats: repetitions, MaxRepeats: repetitions}
	var samples []float64
	_, err := r.Profile(t.Context(), job.Profile{Model: []string{model}, Run: study.RunOptions{Threads: 1, KV: "f16"}, Workload: w, Seed: 1},
		func(m job.Message) {
			switch rep := m.Repetition; {
			case rep == nil || rep.Discarded:
			case generate == 0:
				samples = append(samples, rep.Prefill*float64(prompt))
			default:
				var sum float64
				for _, s := range rep.Decode {
					sum += s
				}
				samples = append(samples, sum)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

// bench returns llama-bench's samples, in seconds.
func (p peers) bench(t *testing.T, r *profiler.Runner, model string, prompt, generate int) []float64 {
	t.Helper()
	hold, _, err := r.Lock().Exclusive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Release()
	cmd := exec.CommandContext(t.Context(), filepath.Join(string(p), "llama-bench"), "-m", model, "-t", "1", "-fa", "0",
		"-p", strconv.Itoa(prompt), "-n", strconv.Itoa(generate), "-r", strconv.Itoa(repetitions), "-o", "json")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("llama-bench: %v", err)
	}
	var tests []struct {
		Samples []float64 `json:"samples_ns"`
	}
	if err := json.Unmarshal(out, &tests); err != nil || len(tests) != 1 || len(tests[0].Samples) != repetitions {
		t.Fatalf("llama-bench says %s (%v)", out, err)
	}
	for i := range tests[0].Samples {
		tests[0].Samples[i] /= 1e9
	}
	return tests[0].Samples
}

// tenth returns the 10 % quantile of all samples.
func tenth(samples [][]float64) float64 {
	all := slices.Sorted(slices.Values(slices.Concat(samples...)))
	return all[len(all)/10]
}

// ratioOfMedians returns median(ours)/median(theirs) of all samples, with a
// percentile bootstrap that draws whole pairs.
func ratioOfMedians(ours, theirs [][]float64) (ratio, low, high float64) {
	rng := rand.New(rand.NewPCG(1, 1))
	boot := make([]float64, 5000)
	for i := range boot {
		var a, b []float64
		for range ours {
			k := rng.IntN(len(ours))
			a, b = append(a, ours[k]...), append(b, theirs[k]...)
		}
		boot[i] = study.Median(a) / study.Median(b)
	}
	slices.SortFunc(boot, cmp.Compare)
	n := len(boot)
	return study.Median(slices.Concat(ours...)) / study.Median(slices.Concat(theirs...)), boot[n*25/1000], boot[n*975/1000]
}
