package gp

import "math"

// axis is one input, a knob or a feature, with points on it. For a value and a
// point it knows a correlation e and a squared distance δ²:
//
//	          both active       one inactive          both inactive
//	ordered   e = M₁(|a−b|)     0                     0
//	          δ² = 4(a−b)²      4(a−middle)²          0
//	category  e = [a = b]       0                     0
//	          δ² = [a ≠ b]      (k−1)/2k              0
//
// with M₁ Matérn-5/2 of length scale 0.8. Both keep the kernel positive
// definite: e is 0 for a function that adds nothing where the knob is
// inactive, and δ² is Euclidean, with an inactive knob in the middle of its
// levels (for k categories the centre of the simplex). So an inactive knob is
// as near to all levels as can be; that it is inactive shows through its
// parent. (To let it be at distance 0 from all levels would not be positive
// definite.)
type axis struct {
	categorical bool
	at          []float64 // knob: place of each level
	middle      float64   // ordered: place of an inactive knob
	centre      float64   // category: δ² of an inactive to an active knob
	levels      []int     // category: level of each point
	places      []float64 // ordered: place of each point
	up, down    []float64 // ordered: exp(±steep·place), 0 for inactive points
}

// steep is the rate of the exponent of M₁: √5 / length scale.
const steep = 2.23606797749979 / 0.8

// reach bounds places, so that exp(±steep·place) stays finite; beyond it
// correlations are 0 anyway. Knobs are within 0 … 1.
const reach = 200

// spread is the standard deviation of a feature's places: that of evenly
// spread points in 0 … 1, so that the priors of knobs hold for features.
const spread = 0.28867513459481287

// value is where an input lies on an axis.
type value struct {
	level int // below 0: inactive; 0 for a feature
	place float64
}

func newKnob(d Dim) axis {
	a := axis{categorical: d.Categorical, at: d.At}
	k := float64(len(d.At))
	if d.Categorical {
		a.centre = (k - 1) / (2 * k)
		return a
	}
	for _, p := range d.At {
		a.middle += p / k
	}
	return a
}

// knob returns the value of a level.
func (a *axis) knob(level int) value {
	switch {
	case level < 0:
		return value{Inactive, a.middle}
	case a.categorical:
		return value{level, 0}
	}
	return value{level, min(max(a.at[level], -reach), reach)}
}

// feature returns the value of a standardised feature.
func feature(z float64) value { return value{0, min(max(z*spread, -reach), reach)} }

// grow makes room for n points.
func (a *axis) grow(n int) {
	if a.categorical {
		a.levels = make([]int, 0, n)
		return
	}
	a.places, a.up, a.down = make([]float64, 0, n), make([]float64, 0, n), make([]float64, 0, n)
}

// add appends a point.
func (a *axis) add(v value) {
	switch {
	case a.categorical:
		a.levels = append(a.levels, v.level)
		return
	case v.level < 0:
		a.up, a.down = append(a.up, 0), append(a.down, 0)
	default:
		e := math.Exp(steep * v.place)
		a.up, a.down = append(a.up, e), append(a.down, 1/e)
	}
	a.places = append(a.places, v.place)
}

// row writes weight·e and rate·δ² of v to the first len(e) points.
// The exponential of a difference is a product of two, so that no point costs
// one.
func (a *axis) row(v value, weight, rate float64, e, q []float64) {
	if a.categorical {
		a.categories(v, weight, rate, e, q)
		return
	}
	up, down, places := a.up[:len(e)], a.down[:len(e)], a.places[:len(e)]
	q = q[:len(e)]
	rise := math.Exp(steep * v.place)
	fall := weight / rise
	rise *= weight
	if v.level < 0 {
		rise, fall = 0, 0
	}
	for i, p := range places {
		d := v.place - p
		q[i] = rate * 4 * d * d
		if d > 0 {
			t := steep * d
			e[i] = (1 + t + t*t/3) * fall * up[i]
		} else {
			t := -steep * d
			e[i] = (1 + t + t*t/3) * rise * down[i]
		}
	}
}

func (a *axis) categories(v value, weight, rate float64, e, q []float64) {
	q = q[:len(e)]
	for i, l := range a.levels[:len(e)] {
		switch {
		case l == v.level && l >= 0:
			e[i], q[i] = weight, 0
		case l >= 0 && v.level >= 0:
			e[i], q[i] = 0, rate
		case l == v.level: // both inactive
			e[i], q[i] = 0, 0
		default:
			e[i], q[i] = 0, rate*a.centre
		}
	}
}
