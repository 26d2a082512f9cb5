package gp

import "math"

// matern is Matérn-5/2 at a squared distance in units of the length scale.
func matern(r2 float64) float64 {
	t := math.Sqrt(5 * r2)
	return (1 + t + t*t/3) * decay(t)
}

// maternSlope returns matern and its derivative by r2.
func maternSlope(r2 float64) (p, dp float64) {
	t := math.Sqrt(5 * r2)
	e := decay(t)
	return (1 + t + t*t/3) * e, -5.0 / 6 * (1 + t) * e
}

// steps is how many values of 2^-x for x in 0 … 1 decay looks up.
const steps = 32

var powers = func() (p [steps]float64) {
	for i := range p {
		p[i] = math.Exp2(-float64(i) / steps)
	}
	return p
}()

// decay is exp(-t) for t ≥ 0, with a relative error of about (1+t)·2⁻⁵². A good
// part of a prediction's time goes here, and math.Exp takes twice as long. It
// is a power of two, one of its steps-th roots, and a polynomial for the rest.
func decay(t float64) float64 {
	if !(t < 700) {
		return math.Exp(-t)
	}
	k := int(t*(steps/math.Ln2) + 0.5)
	r := float64(k)*(math.Ln2/steps) - t // at most Ln2/2/steps: the next term, r⁷/5040, is below 1e-17
	p := 1 + r*(1+r*(1.0/2+r*(1.0/6+r*(1.0/24+r*(1.0/120+r*(1.0/720))))))
	return powers[k%steps] * p * math.Float64frombits(uint64(1023-k/steps)<<52)
}
