package parzen

import (
	"math"

	"github.com/fettle-edge/fettle/search/space"
)

const (
	// tableLevels is the number of levels up to which the mass of every level
	// is worked out; on finer scales it is taken as the density at the level.
	tableLevels = 32
	// narrowest is the least bandwidth, as a share of a knob's scale.
	narrowest = 0.01
	// smoothing widens or narrows Silverman's bandwidth: 1.06 would be right
	// for one normal distribution, and what lies behind a good set is several.
	smoothing = 0.7
)

// kernel spreads an observed level over the levels of its knob. Its densities
// are relative to the even draw: mass over the mass that the level has there.
type kernel struct {
	dim space.Dim
	// Of a choice: the share that is spread evenly over all levels.
	even float64
	// Of a range: the bandwidth, the logarithm of the normaliser for every
	// level, and of few levels the logarithm of all densities, the observed
	// level counting slowest.
	sigma  float64
	normal map[int]float64
	table  []float64
}

// newKernel makes the kernel for the levels that a knob was observed at.
func newKernel(d space.Dim, observed []int) kernel {
	k := kernel{dim: d}
	if !d.Ordered() {
		k.even = 1 / float64(len(observed)+1)
		return k
	}
	k.sigma = bandwidth(d, observed)
	if d.Levels <= tableLevels {
		k.table = make([]float64, 0, d.Levels*d.Levels)
		for c := range d.Levels {
			k.table = append(k.table, k.row(c)...)
		}
		return k
	}
	k.normal = make(map[int]float64)
	for _, c := range observed {
		if _, ok := k.normal[c]; !ok {
			u := d.Unit(c)
			k.normal[c] = math.Log(k.sigma * math.Sqrt(2*math.Pi) * (phi((1-u)/k.sigma) - phi(-u/k.sigma)))
		}
	}
	return k
}

// bandwidth follows Silverman (1986): it falls with the standard deviation of
// the observations and slowly with their number. One more observation with the
// variance of an even draw keeps few equal ones from looking certain.
func bandwidth(d space.Dim, observed []int) float64 {
	sum, squares, n := 0.0, 0.0, float64(len(observed))
	for _, l := range observed {
		sum += d.Unit(l)
	}
	for _, l := range observed {
		squares += math.Pow(d.Unit(l)-sum/n, 2)
	}
	deviation := math.Sqrt((squares + 1.0/12) / (n + 1))
	return max(smoothing*deviation*math.Pow(max(n, 1), -0.2), narrowest)
}

// row is the logarithm of the density at every level around an observation: a
// normal distribution cut off at the ends of the scale.
func (k *kernel) row(c int) []float64 {
	u := k.dim.Unit(c)
	total := phi((1-u)/k.sigma) - phi(-u/k.sigma)
	row := make([]float64, k.dim.Levels)
	for x := range row {
		low, high := k.dim.Cell(x)
		row[x] = math.Log((phi((high-u)/k.sigma) - phi((low-u)/k.sigma)) / total / (high - low))
	}
	return row
}

// log is the logarithm of the density at level x around an observation c.
func (k *kernel) log(c, x int) float64 {
	switch {
	case k.table != nil:
		return k.table[c*k.dim.Levels+x]
	case k.normal != nil:
		z := (k.dim.Unit(x) - k.dim.Unit(c)) / k.sigma
		return -z*z/2 - k.normal[c]
	case c == x:
		return math.Log(k.even + (1-k.even)*float64(k.dim.Levels))
	}
	return math.Log(k.even)
}

// draw returns a level near an observation, for u and v drawn evenly from 0 …
// 1.
func (k *kernel) draw(c int, u, v float64) int {
	if !k.dim.Ordered() {
		if u < k.even {
			return k.dim.At(v)
		}
		return c
	}
	at := k.dim.Unit(c)
	low, high := phi(-at/k.sigma), phi((1-at)/k.sigma)
	x := at + k.sigma*math.Sqrt2*math.Erfinv(2*(low+u*(high-low))-1)
	return k.dim.At(min(max(x, 0), 1))
}

// phi is the standard normal distribution function.
func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
