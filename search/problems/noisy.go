package problems

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// Noisy returns the problem with noise on what is observed: each objective is
// multiplied by 1 + sd·z with a normal z. Scores stay those of the true values.
func (p Problem) Noisy(sd ...float64) Problem {
	p.Name += "-noisy"
	p.Noise = sd
	return p
}

// Observe returns what a campaign with a seed sees of an outcome: the same for
// the same assignment, as if its measurement were kept. The noise is told as
// the standard error, since whoever measures knows how far repetitions lie
// apart.
func (p Problem) Observe(a study.Assignment, o search.Outcome, seed int64) search.Outcome {
	if p.Noise == nil || o.Values == nil {
		return o
	}
	h := fnv.New64a()
	h.Write([]byte(a.Key()))
	rng := rand.New(rand.NewPCG(h.Sum64(), uint64(seed)))
	o.Values = slices.Clone(o.Values)
	o.Noise = make([]float64, len(o.Values))
	for m, sd := range p.Noise {
		o.Noise[m] = sd * max(o.Values[m], -o.Values[m])
		o.Values[m] *= 1 + sd*rng.NormFloat64()
	}
	return o
}
