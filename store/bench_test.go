package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
)

// filled makes a store with one study of n trials that are being evaluated,
// each with 60 pieces and ten values, as a model of ten blocks has.
func filled(b *testing.B, n int) *store.Store {
	b.Helper()
	s, _ := open(b)
	running(b, s, "s")
	for range n {
		t, err := s.Propose(ctx, noon, proposal("s", "x"))
		must(b, err)
		_, err = s.Move(ctx, noon, "s", t.Number, study.Build, built)
		must(b, err)
		_, err = s.Move(ctx, noon, "s", t.Number, study.Evaluate, nil)
		must(b, err)
	}
	return s
}

func built(t *study.Trial) {
	for j := range 60 {
		t.Pieces = append(t.Pieces, study.PieceRef{Digest: study.DigestOf(fmt.Append(nil, t.Number, j)), Bytes: 123456})
	}
	t.Values = map[string]study.Summary{}
	for j := range 10 {
		t.Values[fmt.Sprint("metric.", j)] = study.Summary{Value: 1.0 / float64(j+3), Low: 0.1234567, High: 0.9876543, N: 8}
	}
}

// BenchmarkMove moves trials of a study that has 1,000 of them and more.
func BenchmarkMove(b *testing.B) {
	s := filled(b, 1000)
	var took []time.Duration
	for b.Loop() {
		t, err := s.Propose(ctx, noon, proposal("s", "x"))
		must(b, err)
		start := time.Now()
		_, err = s.Move(ctx, noon, "s", t.Number, study.Build, built)
		took = append(took, time.Since(start))
		must(b, err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs/move")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs/move")
}

// BenchmarkTrials reads a study of 1,000 trials whole.
func BenchmarkTrials(b *testing.B) {
	s := filled(b, 1000)
	for b.Loop() {
		trials, err := s.Trials(ctx, "s", 0)
		if err != nil || len(trials) != 1000 {
			b.Fatal(len(trials), err)
		}
	}
}

// BenchmarkTrialsSince reads the one trial of 1,000 that changed.
func BenchmarkTrialsSince(b *testing.B) {
	s := filled(b, 1000)
	rev, err := s.Revision(ctx)
	must(b, err)
	for b.Loop() {
		trials, err := s.Trials(ctx, "s", rev-1)
		if err != nil || len(trials) != 1 {
			b.Fatal(len(trials), err)
		}
	}
}

// BenchmarkLife is all the store does in the life of one trial: propose,
// build, evaluate, queue, grant, two renewals, report, finish.
func BenchmarkLife(b *testing.B) {
	s := filled(b, 1000)
	for i := 0; b.Loop(); i++ {
		t := ready(b, s, "s", "y")
		a := granted(b, s, noon, "y", fmt.Sprint("a", i))
		for range 2 {
			_, err := s.Renew(ctx, noon, a.ID, a.Fence, ttl)
			must(b, err)
		}
		must(b, s.Report(ctx, noon, a.ID, a.Fence, result()))
		_, err := s.Move(ctx, noon, "s", t.Number, study.Finish, built)
		must(b, err)
	}
}
