// Package goptuna is the one place that uses c-bata/goptuna v0.9.0: its
// tree-structured Parzen estimator and its Sobol sequence, on the grid of
// package space. It works around these faults of that version:
//
//   - The top of a range of integers is never drawn (sampler.go:144,150), and
//     the densities of continuous ranges are wrong (tpe/sampler.go:178, 272).
//     Knobs therefore reach goptuna as categories, or as a
//     DiscreteUniformDistribution of level numbers, whose half-step padding
//     covers both ends; its random and Sobol samplers are not used at all.
//   - With more candidates than categories, a category is not drawn but always
//     the best of all (tpe/sampler.go:461), so that whole studies repeat a few
//     assignments. Every knob has a sampler of its own with as many candidates
//     as it has levels, which makes goptuna draw.
//   - Observation weights are looked up by the number of the category in place
//     of that of the observation (bincount). All weights are 1.
//   - The acceptance share of a discrete density is a sum that turns negative,
//     and its logarithm NaN (tpe/sampler.go:200), with more than a few
//     observations. So a knob of up to maxCategories levels goes as a category,
//     whose density is right, even if its levels have an order; for a longer
//     one goptuna makes a single draw from the density of the good observations.
//   - Draws panic where rounding leaves the weights short of 1; such a draw is
//     made evenly.
//
// One fault stays: categories are drawn from the global math/rand, so a seed
// does not reproduce a study.
package goptuna

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/c-bata/goptuna"
	"github.com/c-bata/goptuna/tpe"

	"github.com/fettle-edge/fettle/search/space"
)

const (
	// maxCandidates is the number of draws among which goptuna chooses the
	// most promising (goptuna's default).
	maxCandidates = 24
	// maxCategories is the number of levels up to which an ordered knob is
	// modelled as a category.
	maxCategories = 24
	// steps is the number of steps into which a longer knob's scale is cut.
	steps = 256
)

// TPE draws points that resemble the better part of a history (Bergstra et
// al. 2011), one knob at a time. It is not safe for concurrent use.
type TPE struct {
	space *space.Space
	knobs []knob
	study *goptuna.Study
	table *table
}

// knob is how goptuna sees a dimension.
type knob struct {
	dim          space.Dim
	distribution any
	sampler      *tpe.Sampler
}

// NewTPE makes a sampler without a history. The seed serves the normal draws of
// knobs that are no categories; all others ignore it.
func NewTPE(sp *space.Space, seed int64) (*TPE, error) {
	t := &TPE{space: sp, table: &table{Storage: goptuna.NewInMemoryStorage()}}
	s, err := goptuna.CreateStudy("lane", goptuna.StudyOptionStorage(t.table), goptuna.StudyOptionLogger(nil))
	if err != nil {
		return nil, err
	}
	t.study = s
	for i, d := range sp.Dims() {
		t.knobs = append(t.knobs, newKnob(d, seed+int64(i)))
	}
	return t, nil
}

func newKnob(d space.Dim, seed int64) knob {
	k := knob{dim: d}
	draws := 1
	if !d.Ordered() || d.Levels <= maxCategories {
		names := make([]string, d.Levels)
		for i := range names {
			names[i] = strconv.Itoa(i)
		}
		k.distribution = goptuna.CategoricalDistribution{Choices: names}
		draws = min(d.Levels, maxCandidates)
	} else {
		k.distribution = goptuna.DiscreteUniformDistribution{Low: 0, High: steps, Q: 1}
	}
	k.sampler = tpe.NewSampler(
		tpe.SamplerOptionSeed(seed),
		tpe.SamplerOptionNumberOfStartupTrials(0),
		tpe.SamplerOptionNumberOfEICandidates(draws),
		tpe.SamplerOptionGammaFunc(Good),
		tpe.SamplerOptionWeights(evenly),
	)
	return k
}

// encode is goptuna's number for a level, decode its inverse.
func (k knob) encode(level int) float64 {
	if _, category := k.distribution.(goptuna.CategoricalDistribution); category {
		return float64(level)
	}
	return math.Round(k.dim.Unit(level) * steps)
}

func (k knob) decode(x float64) int {
	if _, category := k.distribution.(goptuna.CategoricalDistribution); category {
		return int(x)
	}
	return k.dim.At(x / steps)
}

// Good is the number of observations that count as good, of n.
func Good(n int) int { return min(int(math.Ceil(0.25*float64(n))), 25) }

func evenly(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	return w
}

// Fit replaces the history. Points come from best to worst; a point's place is
// the value goptuna is told. Absent levels are no observation of their knob.
func (t *TPE) Fit(ranked []space.Point) {
	t.table.trials = make([]goptuna.FrozenTrial, len(ranked))
	for i, p := range ranked {
		params := make(map[string]float64, len(p))
		for j, k := range t.knobs {
			if p[j] != space.Absent {
				params[k.dim.Knob.Name] = k.encode(p[j])
			}
		}
		t.table.trials[i] = goptuna.FrozenTrial{
			Number: i, State: goptuna.TrialStateComplete, Value: float64(i), InternalParams: params,
		}
	}
}

// Draw proposes a point. Without a history it draws evenly. The source serves
// only where goptuna fails to draw.
func (t *TPE) Draw(rng *rand.Rand) space.Point {
	p := make(space.Point, len(t.knobs))
	for i, k := range t.knobs {
		x, err := t.sample(k)
		if err != nil {
			p[i] = k.dim.At(rng.Float64())
			continue
		}
		p[i] = k.decode(x)
	}
	return p
}

// sample asks goptuna for one knob. A panic within is an error.
func (t *TPE) sample(k knob) (x float64, err error) {
	defer func() {
		if recover() != nil {
			err = errDraw
		}
	}()
	return k.sampler.Sample(t.study, goptuna.FrozenTrial{}, k.dim.Knob.Name, k.distribution)
}
