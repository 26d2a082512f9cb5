package search_test

import (
	"fmt"
	"testing"

	"github.com/fettle-edge/fettle/search"
)

// BenchmarkAsk is one ask of the demo's space with three objectives, after so
// many trials. The asked trial is forgotten again.
func BenchmarkAsk(b *testing.B) {
	for _, trials := range []int{40, 300, 1000} {
		for _, name := range []string{search.TPE, search.Random} {
			cfg := demo()
			cfg.Sampler = name
			s := newSampler(b, cfg)
			for n := range trials {
				if err := s.Tell(n, outcome(n, ask(b, s, n).Assignment, 3)); err != nil {
					b.Fatal(err)
				}
			}
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
