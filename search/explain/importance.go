package explain

import (
	"fmt"

	"github.com/fettle-edge/fettle/search/bayes"
	"github.com/fettle-edge/fettle/search/goptuna"
	"github.com/fettle-edge/fettle/search/space"
)

// Importance is how much of an objective's variance over the whole space the
// knobs explain, by the model.
type Importance struct {
	// Scale is the scale on which the objective is modelled, and on which its
	// variance is meant: "identity", "log" or "rank".
	Scale string
	Knobs []Share // in the order of the knobs, those of one value left out
	// Interactions is the share that no knob explains alone.
	Interactions float64
	Absent       string // why there is none
}

// Share is the part of a knob in a variance (Sobol' 1993; Saltelli et al.
// 2008).
type Share struct {
	Knob string
	// Main is the variance that the knob explains alone, over the total.
	Main float64
	// Total is what is left of the variance when all other knobs are fixed, on
	// average, over the total: Main and every interaction that the knob is in.
	Total float64
}

const (
	// minImportance is the number of told trials below which importance would
	// be that of the prior.
	minImportance = 20

	sweepPoints  = 6144 // in all sweeps
	fewestSweeps = 16
	mostSweeps   = 256
	mostPlaces   = 16   // of one knob
	spreadPoints = 1024 // for the total variance
)

// importance is the analysis of variance of the posterior mean. From
// points spread over the space, every knob is set to each of its levels in
// turn: the mean over the points is the knob's main effect, exact for what it
// adds on its own; the variance at a point is what the knob does there.
func (l *lens) importance(x *Explanation) {
	if x.Told < minImportance {
		x.NoImportance = fmt.Sprintf("importance needs %d told trials, there are %d", minImportance, x.Told)
		return
	}
	dims := l.told.Space.Dims()
	if len(dims) == 0 {
		x.NoImportance = "no knob has more than one value"
		return
	}
	s := l.newSweep()
	x.ImportanceBy = fmt.Sprintf("functional analysis of variance of the model's mean: every level of every knob at %d points, the variance at %d points (Sobol's sequence)",
		len(s.base), len(s.spread))
	for j := range l.told.Terms.Directions {
		x.Importance = append(x.Importance, s.analyse(j))
	}
}

// sweep is the points at which the analysis is done.
type sweep struct {
	*lens
	base   []space.Point
	places [][]place          // of each knob
	points [][]bayes.Foreseen // of each knob: base by base, place by place
	spread []bayes.Foreseen
}

// place is a level of a knob and its share of the space.
type place struct {
	level  int
	weight float64
}

func (l *lens) newSweep() *sweep {
	s := &sweep{lens: l}
	sp, each := l.told.Space, 0
	for _, d := range sp.Dims() {
		p := placesOf(d)
		s.places = append(s.places, p)
		each += len(p)
	}
	sequence := goptuna.NewSobol(len(s.places), l.Source(streamImportance, 0))
	for i := range spreadPoints {
		s.spread = append(s.spread, l.seen(sp.At(sequence.At(i))))
	}
	for i := range min(max(sweepPoints/each, fewestSweeps), mostSweeps) {
		s.base = append(s.base, sp.At(sequence.At(i)))
	}
	s.points = make([][]bayes.Foreseen, len(s.places))
	for d, places := range s.places {
		for _, from := range s.base {
			for _, at := range places {
				p := append(space.Point(nil), from...)
				p[d] = at.level
				s.points[d] = append(s.points[d], l.seen(p))
			}
		}
	}
	return s
}

func (l *lens) seen(p space.Point) bayes.Foreseen {
	f, _ := l.Foresee(l.told.Space.Prune(p), nil)
	return f
}

// placesOf returns the levels of a knob with the shares that even draws give
// them; of many levels, some that are evenly spread.
func placesOf(d space.Dim) []place {
	var out []place
	grid := mostPlaces
	if d.Levels <= mostPlaces {
		grid = mostPlaces * d.Levels
	}
	for k := range grid {
		level := d.At((float64(k) + 0.5) / float64(grid))
		if n := len(out); n == 0 || out[n-1].level != level {
			out = append(out, place{level: level})
		}
		out[len(out)-1].weight += 1 / float64(grid)
	}
	return out
}

// analyse works out the shares in one objective's variance.
func (s *sweep) analyse(j int) Importance {
	y, scale := s.Mean(j, s.spread)
	out := Importance{Scale: string(scale)}
	total := variance(y, nil)
	main, with := make([]float64, len(s.places)), make([]float64, len(s.places))
	sum := 0.0
	for d := range s.places {
		y, _ := s.Mean(j, s.points[d])
		main[d], with[d] = s.effects(d, y)
		sum += main[d]
	}
	if total = max(total, sum); !(total > 0) {
		out.Absent = "the objective is the same everywhere, by the model"
		return out
	}
	out.Interactions = 1
	for d, dim := range s.told.Space.Dims() {
		out.Knobs = append(out.Knobs, Share{dim.Knob.Name, main[d] / total, min(1, max(main[d], with[d])/total)})
		out.Interactions -= main[d] / total
	}
	out.Interactions = max(0, out.Interactions)
	return out
}

// effects returns the variance of the main effect of a knob, and the mean of
// its variance with all else fixed. The mean effect is taken over few points,
// so that a share of the rest is in it, which is subtracted.
func (s *sweep) effects(d int, y []float64) (main, with float64) {
	places := s.places[d]
	mean, weights := make([]float64, len(places)), make([]float64, len(places))
	for l, at := range places {
		weights[l] = at.weight
	}
	n := float64(len(s.base))
	for i := range s.base {
		row := y[i*len(places) : (i+1)*len(places)]
		with += variance(row, weights) / n
		for l, v := range row {
			mean[l] += v / n
		}
	}
	return max(0, (variance(mean, weights)-with/n)/(1-1/n)), with
}

// variance of values; weights add up to 1, nil are equal ones. Values that are
// not numbers count for nothing.
func variance(y, weights []float64) float64 {
	var sum, mean, v float64
	weight := func(i int) float64 {
		switch {
		case notFinite(y[i]):
			return 0
		case weights == nil:
			return 1
		}
		return weights[i]
	}
	for i := range y {
		sum += weight(i)
	}
	if sum == 0 {
		return 0
	}
	for i, x := range y {
		if w := weight(i); w > 0 {
			mean += w / sum * x
		}
	}
	for i, x := range y {
		if w := weight(i); w > 0 {
			v += w / sum * (x - mean) * (x - mean)
		}
	}
	return v
}
