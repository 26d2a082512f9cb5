// Package gp is Gaussian process regression over grids of knobs: an additive
// and a product kernel over ordered, categorical and inactive knobs, features
// known before measuring as further inputs and as a linear trend, known and
// learned noise, and monotone output warps. All of it is a pure function of
// its input.
package gp

import (
	"math"

	"github.com/fettle-edge/fettle/study/fault"
)

// Dim is a knob with len(At) levels.
type Dim struct {
	Categorical bool
	At          []float64 // place of each level, on a scale of about 0 … 1; only its length counts if Categorical
}

// Input is a point of the grid and what is known of it beforehand.
type Input struct {
	Levels   []int     // one per Dim; Inactive (or any below 0) where the knob is inactive
	Features []float64 // real-valued, in any unit
}

// Inactive is the level of an inactive knob.
const Inactive = -1

// Data is what was observed.
type Data struct {
	X     []Input
	Y     []float64
	Noise []float64 // variance of each Y, in units of Y²; nil or 0: not known
}

func invalid(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "cannot fit a Gaussian process: "+format, args...)
}

// check refuses data that do not fit the inputs or are not finite numbers.
func check(dims []Dim, features int, d Data) error {
	for i, dim := range dims {
		if len(dim.At) == 0 {
			return invalid("knob %d has no levels", i).Trying("leave it out")
		}
		if !dim.Categorical && !allFinite(dim.At) {
			return invalid("knob %d has a level at no finite place", i).Trying("check its range")
		}
	}
	switch {
	case len(d.Y) == 0:
		return invalid("there are no observations").Trying("tell at least one")
	case len(d.X) != len(d.Y):
		return invalid("%d inputs have %d values", len(d.X), len(d.Y)).Trying("give one value for each input")
	case d.Noise != nil && len(d.Noise) != len(d.Y):
		return invalid("%d values have %d noise variances", len(d.Y), len(d.Noise)).Trying("give one for each value, or none")
	case !allFinite(d.Y):
		return invalid("a value is not a finite number").Trying("leave out points without a value")
	case !allFinite(d.Noise):
		return invalid("a noise variance is not a finite number").Trying("use 0 where it is not known")
	}
	for _, v := range d.Noise {
		if v < 0 {
			return invalid("a noise variance is negative").Trying("give the variance of each value, or 0")
		}
	}
	for _, x := range d.X {
		if err := checkInput(dims, features, x); err != nil {
			return err
		}
	}
	return nil
}

func checkInput(dims []Dim, features int, x Input) error {
	if len(x.Levels) != len(dims) || len(x.Features) != features {
		return invalid("an input has %d knobs and %d features, want %d and %d", len(x.Levels), len(x.Features), len(dims), features).Trying("give all inputs the same shape")
	}
	for i, l := range x.Levels {
		if l >= len(dims[i].At) {
			return invalid("knob %d has no level %d", i, l).Trying("use the levels 0 … %d", len(dims[i].At)-1)
		}
	}
	if !allFinite(x.Features) {
		return invalid("a feature is not a finite number").Trying("leave out features that are not always known")
	}
	return nil
}

func allFinite(values []float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
