//go:build bench

package main

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets/agent"
	"github.com/fettle-edge/fettle/targets/wire"
)

// TestDemoFigures runs the demo twice in one fresh state folder and reports the
// figures that docs/MEASUREMENT.md quotes: how long it takes, what its front
// is like, what share of the time is overhead, and whether members of the
// front measured again fall inside their intervals.
//
//	make bench
//
// Method: the binary of bin/ (no race detector); wall time of the whole
// process. The members measured again are the slowest, the median and the
// fastest of the front by decode; each is measured again in FETTLE_AGAIN (5)
// processes, one after the other, members in turn.
func TestDemoFigures(t *testing.T) {
	s := newSite(t)
	binaries, _ = filepath.Abs("../../bin")
	s.env = []string{"FETTLE_LIBRARIES=" + libraries}
	for _, run := range []string{"first", "second"} {
		start := time.Now()
		s.must("demo", "--once", "--listen", "127.0.0.1:0")
		t.Logf("%s demo: %.1f s", run, time.Since(start).Seconds())
	}
	db, err := store.Open(t.Context(), filepath.Join(s.dir, "fettle.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	studies, err := db.Studies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range studies {
		trials, err := db.Trials(t.Context(), st.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		front := frontOf(st.Spec, trials)
		shape(t, st, trials, front)
		measureAgain(t, s, st, front)
	}
}

// frontOf returns the non-dominated complete trials, slowest decode first.
func frontOf(spec study.Spec, trials []study.Trial) []study.Trial {
	var done []study.Trial
	var points [][]float64
	for _, tr := range trials {
		if tr.State == study.Complete {
			done = append(done, tr)
			var p []float64
			for _, o := range spec.Objectives {
				p = append(p, tr.Values[o.Metric].Value)
			}
			points = append(points, p)
		}
	}
	var front []study.Trial
	for _, i := range pareto.Front(points) {
		front = append(front, done[i])
	}
	slices.SortFunc(front, func(a, b study.Trial) int {
		if a.Values["latency.decode"].Value > b.Values["latency.decode"].Value {
			return -1
		}
		return 1
	})
	return front
}

// shape reports what the front is like and where the time went.
func shape(t *testing.T, st study.Study, trials, front []study.Trial) {
	t.Helper()
	var two [][]float64
	smallest, largest := front[0], front[0]
	for _, tr := range front {
		two = append(two, []float64{tr.Values["size.weights"].Value, tr.Values["quality.kld"].Value})
		if tr.Values["size.weights"].Value < smallest.Values["size.weights"].Value {
			smallest = tr
		}
		if tr.Values["size.weights"].Value > largest.Values["size.weights"].Value {
			largest = tr
		}
	}
	slow, fast := front[0].Values["latency.decode"], front[len(front)-1].Values["latency.decode"]
	t.Logf("front: %d trials, %d non-dominated in (size.weights, quality.kld) alone; largest to smallest %.1f; slowest to fastest decode %.2f, intervals %v",
		len(front), len(pareto.Front(two)), largest.Values["size.weights"].Value/smallest.Values["size.weights"].Value,
		slow.Value/fast.Value, map[bool]string{true: "overlap", false: "disjoint"}[slow.Overlaps(fast)])
	var spent study.Spent
	var end time.Time
	for _, tr := range trials {
		spent.Build += tr.Spent.Build
		spent.Evaluate += tr.Spent.Evaluate
		spent.Measure += tr.Spent.Measure
		if tr.Ended.After(end) {
			end = tr.Ended
		}
	}
	wall := end.Sub(trials[0].Created)
	t.Logf("%d trials in %.1f s: measuring %.1f s, evaluating %.1f s, building %.1f s (beside measuring); outside measuring and evaluating %.1f %%",
		len(trials), wall.Seconds(), spent.Measure.Seconds(), spent.Evaluate.Seconds(), spent.Build.Seconds(),
		100*(1-(spent.Measure+spent.Evaluate).Seconds()/wall.Seconds()))
}

// measureAgain measures three members of the front again.
func measureAgain(t *testing.T, s *site, st study.Study, front []study.Trial) {
	t.Helper()
	contents, err := pieces.Open(filepath.Join(s.dir, "contents"))
	if err != nil {
		t.Fatal(err)
	}
	defer contents.Close()
	t.Setenv("FETTLE_LIBRARIES", libraries)
	t.Setenv("FETTLE_RUNNER", filepath.Join(binaries, "fettle-runner"))
	r, err := newRunner(profiler.Config{})
	if err != nil {
		t.Fatal(err)
	}
	board := agent.NewBoard(r, "/")
	again := 5
	if n, err := strconv.Atoi(os.Getenv("FETTLE_AGAIN")); err == nil {
		again = n
	}
	members := []study.Trial{front[0], front[len(front)/2], front[len(front)-1]}
	inside := make([]int, len(members))
	for range again {
		for i, tr := range members {
			files, err := contents.Files(tr.Pieces)
			if err != nil {
				t.Fatal(err)
			}
			res := board.Measure(t.Context(), wire.Work{Run: tr.Recipe.Run, Workload: st.Spec.Workload, Seed: st.Spec.Search.Seed}, files)
			if res.Failure != nil {
				t.Fatal(res.Failure)
			}
			for _, m := range res.Measurements {
				if m.Metric == "latency.decode" {
					v, _ := study.Summarise(m, "p50")
					was := tr.Values["latency.decode"]
					if was.Low <= v.Value && v.Value <= was.High {
						inside[i]++
					}
					t.Logf("  trial %2d: was %.1f [%.1f, %.1f] µs, again %.1f [%.1f, %.1f] µs %v", tr.Number, 1e6*was.Value, 1e6*was.Low, 1e6*was.High, 1e6*v.Value, 1e6*v.Low, 1e6*v.High, m.Warnings)
				}
			}
		}
	}
	for i, tr := range members {
		t.Logf("trial %d measured again: %d of %d inside its interval", tr.Number, inside[i], again)
	}
}

// TestPieceFigures reports what building a variant costs: quantising against
// the library call, and a variant whose tensors all exist.
func TestPieceFigures(t *testing.T) {
	t.Setenv("FETTLE_LIBRARIES", libraries)
	t.Setenv("FETTLE_RUNNER", filepath.Join(binaries, "fettle-runner"))
	r, err := newRunner(profiler.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	contents, err := pieces.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer contents.Close()
	m, err := compress.Open("../../configs/demo/fettle-demo-f16.gguf", study.DigestOf([]byte("demo")), "demo")
	if err != nil {
		t.Fatal(err)
	}
	b := compress.NewBuilder(contents, quantizer{r}, runtime.GOARCH)
	spec := &study.Spec{Workload: study.Workload{Context: 256, PromptTokens: 1}, Knobs: []study.Knob{{Name: "quant.default"}, {Name: "prune.attention"}}}
	ranking := &study.Ranking{Attention: []float64{6, 5, 4, 3, 2, 1}, FFN: make([]float64, 6)}
	build := func(what string, n int) {
		recipe, _, err := m.Plan(spec, ranking, study.Assignment{"quant.default": study.Text("Q4_K"), "prune.attention": study.Number(float64(n))})
		if err != nil {
			t.Fatal(err)
		}
		_, stats, err := b.Build(t.Context(), m, recipe)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f ms, %d new pieces of %d bytes, %d reused", what, 1e3*stats.Seconds, stats.New, stats.Bytes, stats.Reused)
	}
	build("all of Q4_K, with the runner's start", 0)
	build("two half blocks fewer, every tensor exists", 2)
	build("the same again", 2)
}

// TestQuantiseFigures reports the time of quantising one tensor of 8 million
// F16 elements, reading, widening, hashing and writing included, against the
// time that the library's call takes on one thread: the best of five of each,
// with one thread and with all CPUs, as the daemon does it.
func TestQuantiseFigures(t *testing.T) {
	t.Setenv("FETTLE_LIBRARIES", libraries)
	t.Setenv("FETTLE_RUNNER", filepath.Join(binaries, "fettle-runner"))
	const rows, length = 4096, 2048
	raw := make([]byte, 2*rows*length)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := 0; i < len(raw); i += 2 { // halves between 1/16 and 1, of both signs
		raw[i], raw[i+1] = byte(rng.Uint32()), 0x2c+byte(rng.IntN(16))|byte(rng.IntN(2)<<7)
	}
	in := filepath.Join(t.TempDir(), "raw")
	if err := os.WriteFile(in, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	quantise := func(threads int, typ string) (best, library float64) {
		r, err := newRunner(profiler.Config{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		best, library = math.Inf(1), math.Inf(1)
		for range 5 {
			out := filepath.Join(t.TempDir(), typ)
			err := r.Quantise(t.Context(), []job.Tensor{{In: in, From: "F16", To: typ, Rows: rows, RowLength: length, Out: out, Align: 32}},
				func(q job.Quantised) { best, library = min(best, q.Seconds), min(library, q.Library) })
			if err != nil {
				t.Fatal(err)
			}
		}
		return best, library
	}
	for _, typ := range []string{"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "Q4_0"} {
		one, library := quantise(1, typ)
		all, _ := quantise(runtime.NumCPU(), typ)
		t.Logf("%s: the library's call %.0f ms; whole tensor %.0f ms (%.2f) on one thread, %.0f ms (%.2f) on %d",
			typ, 1e3*library, 1e3*one, one/library, 1e3*all, all/library, runtime.NumCPU())
	}
}
