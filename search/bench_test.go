package search_test

import (
	"fmt"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// layers is a space of 24 numeric knobs and three objectives.
func layers(sampler string) search.Config {
	cfg := search.Config{Directions: []study.Direction{study.Min, study.Min, study.Min}, Sampler: sampler}
	for i := range 24 {
		cfg.Knobs = append(cfg.Knobs, study.Knob{Name: fmt.Sprint("layer", i), Int: &[2]int{0, 7}})
	}
	return cfg
}

// BenchmarkAsk is one ask over 24 knobs with three objectives, right after a
// tell, with so many trials in the history. The asked trial is forgotten again.
func BenchmarkAsk(b *testing.B) {
	for _, trials := range []int{40, 300, 1000, 10000} {
		for _, name := range search.Samplers() {
			s := newSampler(b, layers(name))
			history(b, s, layers(name), trials)
			b.Run(fmt.Sprintf("%s/%d", name, trials), func(b *testing.B) {
				for n := trials; b.Loop(); n++ {
					ask(b, s, n)
					if err := s.Forget(n); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// history adds and tells trials that were drawn evenly.
func history(t testing.TB, s search.Sampler, cfg search.Config, trials int) {
	t.Helper()
	cfg.Sampler, cfg.Key = search.Random, nil
	even := newSampler(t, cfg)
	for n := range trials {
		a := ask(t, even, n).Assignment
		if err := s.Add(n, a); err != nil {
			t.Fatal(err)
		}
		if err := s.Tell(n, outcome(n, a, len(cfg.Directions))); err != nil {
			t.Fatal(err)
		}
	}
}
