//go:build bench

package bench

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/search/space"
)

// TestSpeed takes times with 24 knobs and 3 objectives, on one thread: in runs
// of 300 trials, and after 1000. The second that lies between a tell and the
// next ask is not waited for: Prepare is called to its end, and what it takes
// beyond a second counts as the ask's.
func TestSpeed(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.Setenv("OMP_NUM_THREADS", "1")
	done := map[Key]bool{}
	for _, r := range results(t) {
		done[r.Key] = true
	}
	b := begin(t)
	p, _ := problems.Lookup(timed)
	print, err := Print(p)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range int64(min(3, *flagSeeds)) {
		for _, sampler := range list(*flagSamplers, []string{subject, "optuna-tpe", "optuna-nsga2"}) {
			if k := (Key{timed, print, sampler, seed, 300, 1}); !done[k] {
				b.run(p, k)
			}
		}
	}
	for _, sampler := range list(*flagSamplers, []string{subject}) {
		if k := (Key{timed, print, sampler, 0, 1000, 1}); !done[k] && !strings.HasPrefix(sampler, peerPrefix) {
			b.late(p, k)
		}
	}
}

// late takes the times of the last 50 trials of a history whose other trials
// were drawn evenly.
func (b *bench) late(p problems.Problem, k Key) {
	const rounds = 50
	s, err := search.New(p.Config(k.Sampler, k.Seed, k.Trials))
	if err != nil {
		b.Fatal(err)
	}
	sp, err := space.New(p.Knobs, nil)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(uint64(k.Seed), 3))
	r := Record{Key: k}
	stop := func(to *[]float64, f func() error) {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		*to = append(*to, time.Since(start).Seconds())
	}
	for n := range k.Trials {
		if n < k.Trials-rounds {
			a := sp.Assignment(sp.Random(rng))
			o := p.Trial(a)
			if err := s.Add(n, a); err != nil {
				b.Fatal(err)
			}
			if err := s.Tell(n, o); err != nil {
				b.Fatal(err)
			}
			continue
		}
		var got search.Suggestion
		stop(&r.Prepare, func() error { return s.Prepare(n) })
		stop(&r.Ask, func() (err error) { got, err = s.Ask(n); return err })
		o := p.Trial(got.Assignment)
		stop(&r.Tell, func() error { return s.Tell(n, o) })
	}
	b.keep(r)
}
