package bayes

import "math"

// vague is added to the uncertainty of whether a trial runs, which a process
// over labels of ±1 underrates.
const vague = 0.5

// keeps is the logarithm of the probability that point i keeps all constraints
// and runs, with standard deviations of the constraints larger by a factor.
func (m *Model) keeps(b beliefs, i int, doubt float64) float64 {
	sum := 0.0
	for c := len(m.terms.Directions); c < len(m.parts); c++ {
		switch p := m.parts[c]; {
		case !p.predicts():
		case column(c) == m.terms.ran():
			sum += logCDF(b.mean[c][i] / math.Hypot(b.sd[c][i], vague))
		default:
			sum += logCDF((p.scale.Forward(0) - b.mean[c][i]) / (b.sd[c][i] * doubt))
		}
	}
	return sum
}

// within is the logarithm of the probability that point i keeps the user's
// limits of the objectives.
func (m *Model) within(b beliefs, i int) float64 {
	sum := 0.0
	for j, limit := range m.terms.Limits {
		switch p := m.parts[j]; {
		case math.IsNaN(limit) || !p.predicts():
		case !p.exact:
			sum += logCDF((p.scale.Forward(limit) - b.mean[j][i]) / b.sd[j][i])
		case b.mean[j][i] > limit:
			sum = math.Inf(-1)
		}
	}
	return sum
}

// logCDF is the logarithm of the standard normal distribution function.
func logCDF(z float64) float64 {
	if z > -30 {
		return math.Log(math.Erfc(-z/math.Sqrt2) / 2)
	}
	return -z*z/2 - math.Log(-z*math.Sqrt(2*math.Pi)) // Mills' ratio
}
