package problems

import "math"

// Interval is a mean with its 95 % confidence interval.
type Interval struct{ Mean, Low, High float64 }

// t95 are the 97.5 % quantiles of Student's t distribution for 1 … 30 degrees
// of freedom.
var t95 = [...]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
	2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042}

// Mean returns the mean of at least two samples, with the interval of
// Student's t distribution. For a comparison of two samplers over the same
// seeds, give it their differences.
func Mean(samples []float64) Interval {
	mean, se := MeanError(samples)
	t := 1.96
	if len(samples)-2 < len(t95) {
		t = t95[len(samples)-2]
	}
	return Interval{mean, mean - t*se, mean + t*se}
}

// MeanError returns the mean of samples and its standard error, which is NaN
// for fewer than two.
func MeanError(samples []float64) (mean, se float64) {
	n := float64(len(samples))
	sum, squares := 0.0, 0.0
	for _, x := range samples {
		sum += x
	}
	mean = sum / n
	for _, x := range samples {
		squares += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(squares / (n - 1) / n)
}

// Comparison is what two samplers reached on a problem, over the same seeds.
type Comparison struct {
	Trials     int
	A, B, Lead Interval // share of the hypervolume; Lead is A - B, paired by seed
}

// Compare runs two samplers for seeds 0, 1, … and compares them after each of
// the given numbers of trials, which ascend.
func Compare(p Problem, a, b string, seeds int, trials ...int) ([]Comparison, error) {
	type samples struct{ a, b, lead []float64 }
	at := make([]samples, len(trials))
	for seed := range int64(seeds) {
		x, err := Run(p, a, seed, trials[len(trials)-1])
		if err != nil {
			return nil, err
		}
		y, err := Run(p, b, seed, trials[len(trials)-1])
		if err != nil {
			return nil, err
		}
		for i, n := range trials {
			u, v := x[n-1], y[n-1]
			at[i] = samples{append(at[i].a, u), append(at[i].b, v), append(at[i].lead, u-v)}
		}
	}
	out := make([]Comparison, len(trials))
	for i, s := range at {
		out[i] = Comparison{trials[i], Mean(s.a), Mean(s.b), Mean(s.lead)}
	}
	return out, nil
}
