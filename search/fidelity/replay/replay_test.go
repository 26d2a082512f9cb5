package replay_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/search/fidelity/replay"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

func recording(t testing.TB) *replay.Recording {
	t.Helper()
	f, err := os.Open("../testdata/chunks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := replay.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func table(t testing.TB) *problems.Table {
	t.Helper()
	f, err := os.Open("../../problems/testdata/demo.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := problems.ReadTable(f)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func bench(t testing.TB, objectives int) *replay.Bench {
	t.Helper()
	b, err := replay.NewBench(table(t), recording(t), objectives)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func do(t testing.TB, b *replay.Bench, r replay.Run) replay.Result {
	t.Helper()
	got, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestHalfTheWork: with quality and size as objectives the rule needs less
// than half of the chunks and loses less than 1 % of the hypervolume. It is a
// small share of BenchmarkEarlyStopping.
func TestHalfTheWork(t *testing.T) {
	b := bench(t, 2)
	for seed := range int64(3) {
		run := replay.Run{Sampler: search.Random, Seed: seed, Trials: 60, Stopper: replay.Rule{Error: fidelity.DefaultError}}
		got := do(t, b, run)
		if again := do(t, b, run); again != got {
			t.Errorf("seed %d: %+v, then %+v", seed, got, again)
		}
		if got.Work > 0.5 || got.Hypervolume < 0.99*got.Found || got.Wrong > 0 || got.Lost > 0 {
			t.Errorf("seed %d: %+v", seed, got)
		}
		run.Stopper = replay.Never{}
		if all := do(t, b, run); all.Work != 1 || all.Stopped != 0 || all.Hypervolume != got.Found {
			t.Errorf("seed %d without a rule: %+v; all trials of the rule found %v", seed, all, got.Found)
		}
		run.Stopper = replay.Clairvoyant{}
		if least := do(t, b, run); least.Work >= got.Work || least.Hypervolume != got.Found || least.Lost > 0 {
			t.Errorf("seed %d with foreknowledge: %+v", seed, least)
		}
	}
}

// TestHalvingLosesFronts: the rules compared with do less work and lose what
// the rule keeps; if not, the comparison is broken.
func TestHalvingLosesFronts(t *testing.T) {
	b := bench(t, 2)
	a := fidelity.ASHA{Min: 1, Factor: 3}
	for name, stopper := range map[string]replay.Stopper{
		"ASHA": replay.NewHalving(a), "MO-ASHA": replay.NewMultiHalving(fidelity.MOASHA{ASHA: a}),
	} {
		got := do(t, b, replay.Run{Sampler: search.Random, Seed: 1, Trials: 60, Stopper: stopper})
		if got.Work > 0.4 || got.Lost == 0 || got.Hypervolume >= got.Found {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// shapes returns the divergence of every row of a recording, chunk by chunk
// in the order of at. Rows of nothing but rounding are nil.
func shapes(rec *replay.Recording, at []int) [][]float64 {
	out := make([][]float64, len(rec.Rows))
	for i, row := range rec.Rows {
		scores, sum := make([]float64, len(at)), 0.0
		for j, k := range at {
			scores[j] = max(0, row.KLD[k]/float64(rec.Count[k]))
			sum += scores[j]
		}
		if sum > 1e-5*float64(len(at)) {
			out[i] = scores
		}
	}
	return out
}

// misjudged reports whether the mean of an evaluation is below the lower end
// at any look.
func misjudged(past [][]float64, scores []float64, stated float64) bool {
	chunks, mean := len(scores), 0.0
	for _, x := range scores {
		mean += x / float64(chunks)
	}
	looks, p := fidelity.Looks(chunks), fidelity.NewProfile(past, chunks)
	for _, c := range looks[:len(looks)-1] {
		if p.Extrapolate(scores[:c]).Lower(stated/float64(len(looks)-1)) > mean*(1+1e-9) {
			return true
		}
	}
	return false
}

// coverage returns how many rows of a recording, of so many drawn from rng, are
// misjudged, each by those drawn before it. With shuffled, the chunks are put in an
// order drawn from it.
func coverage(rec *replay.Recording, rng *rand.Rand, stated float64, shuffled bool, draws int) (wrong, rows int) {
	at := rng.Perm(len(rec.Count))
	if !shuffled {
		slices.Sort(at)
	}
	all := shapes(rec, at)
	var past [][]float64
	for _, row := range rng.Perm(len(all))[:draws] {
		if all[row] == nil {
			continue
		}
		if rows++; misjudged(past, all[row], stated) {
			wrong++
		}
		past = append(past, all[row])
	}
	return wrong, rows
}

// TestCoverage: on the recorded scores the lower ends are wrong no more often
// than is stated.
func TestCoverage(t *testing.T) {
	rec := recording(t)
	for _, shuffled := range []bool{false, true} {
		wrong, rows := coverage(rec, rand.New(rand.NewPCG(1, 1)), 0.05, shuffled, 100)
		if share := float64(wrong) / float64(rows); share > 0.05 {
			t.Errorf("%.3f of %d lower ends are wrong, stated is 0.05; shuffled %v", share, rows, shuffled)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	const good = `{"model":"","text":"","runtime":{"name":"","version":"","digest":"","backend":""},"context":8,"count":[3,3],"bytes":[9,9],
		"rows":[{"nll":[1,2],"nll2":[1,2],"kld":[1,2],"kld2":[1,2],"same1":[1,2]}]}`
	rec, err := replay.Read(strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rec.Chunks(0)[1], (study.ChunkScore{Chunk: 1, Count: 3, Bytes: 9, NLL: 2, NLL2: 2, KLD: 2, KLD2: 2, Same1: 2}); got != want {
		t.Errorf("chunk %+v, want %+v", got, want)
	}
	copied := &replay.Recording{}
	copied.Add(rec.Chunks(0))
	if got := copied.Chunks(0)[1]; got != rec.Chunks(0)[1] {
		t.Errorf("copied chunk %+v", got)
	}
	for name, c := range map[string][2]string{
		"a chunk too few": {`"kld":[1,2]`, `"kld":[1]`}, "no chunk": {`"count":[3,3]`, `"count":[]`},
		"bytes of one": {`"bytes":[9,9]`, `"bytes":[9]`}, "unknown field": {`"context"`, `"contexts"`}, "cut": {`}]}`, ``},
	} {
		if _, err := replay.Read(strings.NewReader(strings.Replace(good, c[0], c[1], 1))); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestNewBenchRefuses(t *testing.T) {
	none := &problems.Table{Directions: []study.Direction{study.Min, study.Min, study.Min}}
	if _, err := replay.NewBench(none, recording(t), 2); err == nil {
		t.Error("a table without rows is joined with a recording")
	}
}
