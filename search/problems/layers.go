package problems

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/fettle-edge/fettle/study"
)

// layerCount is the number of layers of Layers.
const layerCount = 24

// layerBits are the bits for each weight at each level, layerError the error
// that such weights make (about a quarter for each bit more), and layerTime the
// time for each unit of weights: odd numbers of bits are slow to unpack, so
// that the time does not follow the size.
var (
	layerBits  = [...]int{2, 3, 4, 6, 8}
	layerError = [...]float64{1, 0.27, 0.07, 0.0045, 0.0003}
	layerTime  = [...]int{3, 5, 4, 7, 8}
)

const (
	levels     = len(layerBits)
	switchTime = 2 // for each change of type between neighbouring layers
)

// layerOf is a made-up layer.
type layerOf struct {
	weights     int         // units of weights
	sensitivity float64     // damage for each unit of error
	extra       [levels]int // what the layer takes longer at each level
}

// madeUpLayers are the layers: the same in every process. The first and the
// last are the most sensitive ones, as in language models.
var madeUpLayers = func() (layers [layerCount]layerOf) {
	rng := rand.New(rand.NewPCG(24, 5))
	for i := range layers {
		l := &layers[i]
		l.weights = 1 + rng.IntN(4)
		l.sensitivity = 0.02 * math.Exp(3*rng.Float64())
		for t := range l.extra {
			l.extra[t] = rng.IntN(3)
		}
		if i == 0 || i == layerCount-1 {
			l.sensitivity = 0.02 * math.Exp(3.5)
		}
	}
	return layers
}()

// layers3Best is the hypervolume of the front of Layers(3), which takes too
// long to compute each time; a test computes it again.
const layers3Best = 82062.39158763594

// Layers is a mixed-precision problem in the manner of a study of a language
// model: one of five types for each of 24 layers. Costs add up over layers.
// Damage has interactions: coarse neighbours make each other worse, and error
// grows on its way through coarse layers. It minimises damage and time, and
// the size between them if there are three objectives.
//
// Its front is exact, by dynamic programming over the layers: what a layer
// adds depends on the level of the one before, and less damage on the way is
// never worse at the end.
func Layers(objectives int) Problem {
	p := Problem{Name: fmt.Sprintf("layers24-%d", objectives), Directions: minimise(objectives)}
	for i := range layerCount {
		p.Knobs = append(p.Knobs, study.Knob{Name: knobName("layer", i), Int: &[2]int{0, levels - 1}})
	}
	p.Trial = pure(func(a study.Assignment) []float64 {
		point := make([]int, layerCount)
		for i, k := range p.Knobs {
			point[i] = a[k.Name].Int()
		}
		damage, size, time := layersValues(point)
		if objectives == 2 {
			return []float64{damage, float64(time)}
		}
		return []float64{damage, float64(size), float64(time)}
	})
	size, time := layersWorst(layerCount)
	if objectives == 2 {
		p.Reference = []float64{1, float64(time)}
		p.Best = layersVolume(layerCount, false)
	} else {
		p.Reference = []float64{1, float64(size), float64(time)}
		p.Best = layers3Best
	}
	return p
}

// layersValues returns the damage (0 … 1), the size and the time of the first
// layers, given their levels.
func layersValues(point []int) (damage float64, size, time int) {
	e := 0.0
	for i, level := range point {
		before := -1
		if i > 0 {
			before = point[i-1]
		}
		grow, add := layerDamage(i, before, level)
		e = grow*e + add
		s, t := layerCosts(i, before, level)
		size, time = size+s, time+t
	}
	return e / (1 + e), size, time
}

// layerDamage is what layer i does to the error: e becomes grow·e + add, which
// never falls if the error before the layer rises. before is -1 for the first
// layer.
func layerDamage(i, before, level int) (grow, add float64) {
	q, pair := layerError[level], 0.0
	if before >= 0 {
		pair = 2 * math.Sqrt(q*layerError[before])
	}
	return 1 + 0.5*q, madeUpLayers[i].sensitivity * (q + pair)
}

// layerCosts is what layer i adds to size and time.
func layerCosts(i, before, level int) (size, time int) {
	l := madeUpLayers[i]
	size, time = l.weights*layerBits[level], l.weights*layerTime[level]+l.extra[level]
	if before >= 0 && before != level {
		time += switchTime
	}
	return size, time
}

// layersWorst returns upper bounds of size and time of the first n layers.
func layersWorst(n int) (size, time int) {
	for _, l := range madeUpLayers[:n] {
		size += l.weights * layerBits[levels-1]
		time += l.weights*layerTime[levels-1] + 2 + switchTime
	}
	return size, time
}

// layersVolume returns the hypervolume of the front of the first n layers: the
// least error for every level of the last layer, size (left out where it is no
// objective) and time, one layer after the other; then the sum over all costs
// of the damage that is not needed at that cost or less.
func layersVolume(n int, withSize bool) float64 {
	rows, columns := layersWorst(n) // costs at or above the worst add nothing
	if !withSize {
		rows = 1
	}
	plane := rows * columns
	step := func(i, before, level int, from, to []float64) {
		s, t := layerCosts(i, before, level)
		grow, add := layerDamage(i, before, level)
		if !withSize {
			s = 0
		}
		for row := 0; row+s < rows; row++ {
			to := to[(row+s)*columns:][:columns]
			for column, e := range from[row*columns:][:columns-t] {
				to[column+t] = min(to[column+t], grow*e+add)
			}
		}
	}
	start := unreached(plane)
	start[0] = 0
	least := unreached(levels * plane)
	for level := range levels {
		step(0, -1, level, start, least[level*plane:][:plane])
	}
	for i := 1; i < n; i++ {
		next := unreached(levels * plane)
		for before := range levels {
			for level := range levels {
				step(i, before, level, least[before*plane:][:plane], next[level*plane:][:plane])
			}
		}
		least = next
	}
	return volumeOfCosts(least, rows, columns)
}

// volumeOfCosts sums, over all costs, how far the least damage at that cost or
// less lies below 1.
func volumeOfCosts(least []float64, rows, columns int) float64 {
	plane := rows * columns
	best := unreached(plane)
	sum := 0.0
	for row := range rows {
		for column := range columns {
			at := row*columns + column
			for level := range levels {
				best[at] = min(best[at], least[level*plane+at])
			}
			if row > 0 {
				best[at] = min(best[at], best[at-columns])
			}
			if column > 0 {
				best[at] = min(best[at], best[at-1])
			}
			sum += 1 / (1 + best[at]) // 1 less the damage e/(1+e)
		}
	}
	return sum
}

// unreached is the least error where nothing has been found yet.
func unreached(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Inf(1)
	}
	return out
}
