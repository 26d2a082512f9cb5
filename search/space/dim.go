package space

import (
	"math"
	"slices"

	"github.com/fettle-edge/fettle/study"
)

// floatLevels is the number of levels a range of real numbers is cut into:
// both ends, the middle and every step of 1/256 are levels.
const floatLevels = 257

// Dim is a knob with more than one value.
type Dim struct {
	Knob    study.Knob
	Levels  int // level l is Value(l), for l in 0 … Levels-1
	Neutral int
}

func newDim(k study.Knob) (Dim, error) {
	d := Dim{Knob: k}
	switch {
	case len(k.Choice) > 0:
		d.Levels = len(k.Choice)
	case k.Int != nil && k.Int[0] <= k.Int[1]:
		d.Levels = k.Int[1] - k.Int[0] + 1
	case k.Float != nil && k.Float[0] == k.Float[1]:
		d.Levels = 1
	case k.Float != nil && k.Float[0] < k.Float[1] && !math.IsInf(k.Float[1]-k.Float[0], 0):
		d.Levels = floatLevels
	default:
		return d, invalid(k, "has no values").Trying("give it a list of choices, or a lowest and a highest number")
	}
	if k.Log && k.Float != nil && math.IsInf(k.Float[1]/k.Float[0], 0) && k.Float[0] > 0 {
		return d, invalid(k, "has a range that is too wide for a logarithmic scale").Trying("raise the lowest number or drop log")
	}
	if k.Log && (k.Int != nil && k.Int[0] < 1 || k.Float != nil && k.Float[0] <= 0) {
		return d, invalid(k, "has a logarithmic scale that does not start above 0").Trying("raise the lowest number or drop log")
	}
	return d, nil
}

// Ordered reports whether the levels are numbers in ascending order.
func (d Dim) Ordered() bool { return d.Knob.Choice == nil }

// Value returns the value of a level.
func (d Dim) Value(level int) study.Value {
	k := d.Knob
	switch {
	case k.Choice != nil:
		return k.Choice[level]
	case k.Int != nil:
		return study.Number(float64(k.Int[0] + level))
	}
	return study.Number(d.real(level))
}

// real is the number of a level of a range of real numbers. The ends are met
// exactly.
func (d Dim) real(level int) float64 {
	low, high := d.Knob.Float[0], d.Knob.Float[1]
	switch level {
	case 0:
		return low
	case d.Levels - 1:
		return high
	}
	t := float64(level) / float64(d.Levels-1)
	if d.Knob.Log {
		return low * math.Pow(high/low, t)
	}
	return low + t*(high-low)
}

// Level returns the level of a value, or Absent if the knob does not contain
// it.
func (d Dim) Level(v study.Value) int {
	k := d.Knob
	switch {
	case !k.Contains(v):
		return Absent
	case k.Choice != nil:
		return slices.Index(k.Choice, v)
	case k.Int != nil:
		return v.Int() - k.Int[0]
	}
	low, high := k.Float[0], k.Float[1]
	t := (v.Float() - low) / (high - low)
	if k.Log {
		t = math.Log(v.Float()/low) / math.Log(high/low)
	}
	return int(math.Round(t * float64(d.Levels-1)))
}

// At returns the level at u of 0 … 1 on the knob's scale. On a linear scale
// every level has an equal share, the ends included.
func (d Dim) At(u float64) int {
	if d.Knob.Int != nil && d.Knob.Log {
		low, high := float64(d.Knob.Int[0])-0.5, float64(d.Knob.Int[1])+0.5
		v := math.Round(low * math.Pow(high/low, u))
		return min(max(int(v)-d.Knob.Int[0], 0), d.Levels-1)
	}
	return min(max(int(u*float64(d.Levels)), 0), d.Levels-1)
}

// Unit is where a level lies on the knob's scale of 0 … 1: the inverse of At.
func (d Dim) Unit(level int) float64 {
	if d.Knob.Int != nil && d.Knob.Log {
		low, high := float64(d.Knob.Int[0])-0.5, float64(d.Knob.Int[1])+0.5
		return math.Log(float64(d.Knob.Int[0]+level)/low) / math.Log(high/low)
	}
	return (float64(level) + 0.5) / float64(d.Levels)
}

// Cell is the part of 0 … 1 that At maps to a level.
func (d Dim) Cell(level int) (low, high float64) {
	if d.Knob.Int != nil && d.Knob.Log {
		bottom, top := float64(d.Knob.Int[0])-0.5, float64(d.Knob.Int[1])+0.5
		scale := math.Log(top / bottom)
		return math.Log((bottom+float64(level))/bottom) / scale, math.Log((bottom+float64(level+1))/bottom) / scale
	}
	return float64(level) / float64(d.Levels), float64(level+1) / float64(d.Levels)
}
