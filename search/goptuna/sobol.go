package goptuna

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/c-bata/goptuna/sobol"
)

// MaxSobolDims is the most dimensions that goptuna takes (maxDim of its engine,
// from the direction numbers of Joe and Kuo 2008).
const MaxSobolDims = 21199

// Sobol is a low-discrepancy sequence in the unit cube, scrambled by a seed: a
// random digital shift, which keeps the balance of the sequence. It is not safe
// for concurrent use.
type Sobol struct {
	engine *sobol.Engine
	shift  []uint32
	points [][]float64
}

// NewSobol makes a sequence of at most MaxSobolDims dimensions.
func NewSobol(dims int, rng *rand.Rand) *Sobol {
	s := &Sobol{shift: make([]uint32, dims)}
	for i := range s.shift {
		s.shift[i] = rng.Uint32()
	}
	if dims > 0 {
		s.engine = sobol.NewEngine(uint32(dims))
	}
	// The engine leaves out the origin, without which a block of 2^k points
	// is not balanced.
	s.points = [][]float64{s.scramble(make([]float64, dims))}
	return s
}

// At returns point i, from 0, with coordinates in [0, 1). The time to reach it
// first is linear in i.
func (s *Sobol) At(i int) []float64 {
	for len(s.points) <= i && s.engine != nil {
		s.points = append(s.points, s.scramble(s.engine.Draw()))
	}
	return slices.Clone(s.points[min(i, len(s.points)-1)])
}

func (s *Sobol) scramble(p []float64) []float64 {
	for j, x := range p {
		p[j] = math.Ldexp(float64(uint32(math.Ldexp(x, 32))^s.shift[j]), -32)
	}
	return p
}
