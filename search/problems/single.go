package problems

import "math"

// single makes a problem of a function with a known optimum. The reference is
// about the median of random points.
func single(name string, variables int, low, high, reference, optimum float64, f func(x []float64) float64) Problem {
	p := real(name, variables, low, high, []float64{reference}, func(x []float64) []float64 { return []float64{f(x)} })
	p.Best = reference - optimum
	return p
}

// Branin is the function of Branin (1972): two variables, three equal optima.
func Branin() Problem {
	p := single("branin", 2, 0, 15, 38, 0.39788735772973816, func(x []float64) float64 {
		q := x[1] - 5.1/(4*math.Pi*math.Pi)*x[0]*x[0] + 5/math.Pi*x[0] - 6
		return q*q + 10*(1-1/(8*math.Pi))*math.Cos(x[0]) + 10
	})
	p.Knobs[0].Float = &[2]float64{-5, 10}
	return p
}

// Hartmann6 is the function of Hartmann (1973) with six variables.
func Hartmann6() Problem {
	height := [4]float64{1, 1.2, 3, 3.2}
	scale := [4][6]float64{
		{10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14},
	}
	centre := [4][6]float64{
		{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886}, {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
		{0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650}, {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381},
	}
	return single("hartmann6", 6, 0, 1, -0.13, -3.322368011391339, func(x []float64) float64 {
		sum := 0.0
		for i := range height {
			e := 0.0
			for j, v := range x {
				e += scale[i][j] * (v - centre[i][j]) * (v - centre[i][j])
			}
			sum -= height[i] * math.Exp(-e)
		}
		return sum
	})
}

// Rosenbrock is the function of Rosenbrock (1960) in its usual range: a curved
// valley with the optimum 0 at (1, …, 1).
func Rosenbrock(variables int) Problem {
	return single("rosenbrock4", variables, -2.048, 2.048, 1000, 0, func(x []float64) float64 {
		sum := 0.0
		for i := range len(x) - 1 {
			a, b := x[i+1]-x[i]*x[i], 1-x[i]
			sum += 100*a*a + b*b
		}
		return sum
	})
}
