package bayes

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/gp"
	"github.com/fettle-edge/fettle/search/pareto"
)

// jointDraws is the number of draws from the model that an expected gain is the
// mean of.
const jointDraws = 256

// Gain is the mean hypervolume that a batch of points adds to an archive, over
// joint draws from the model: unlike a sum of the improvements of each, it
// counts once what several of them would add.
func (m *Model) Gain(batch []Foreseen, to *pareto.Archive, rng *rand.Rand) float64 {
	b := m.predict(batch)
	objectives := m.parts[:len(m.terms.Directions)]
	roots := make([][]float64, len(objectives))
	for j, p := range objectives {
		if p.surrogate != nil {
			roots[j] = m.joint(j, batch, b.mean[j], b.sd[j])
		}
	}
	chance := make([]float64, len(batch))
	for i := range batch {
		chance[i] = math.Exp(m.keeps(b, i, 1))
	}
	z, t := make([]float64, len(batch)), make([][]float64, len(objectives))
	total := 0.0
	for range jointDraws {
		for j, p := range objectives {
			t[j] = slices.Clone(b.mean[j])
			for i := range z {
				z[i] = rng.NormFloat64()
			}
			switch {
			case p.surrogate != nil:
				addProduct(t[j], roots[j], z)
			case p.link != nil:
				for i := range t[j] {
					t[j][i] = p.link.sign()*t[p.link.of][i] + p.link.deviation*z[i]
				}
			}
		}
		grown := to.Clone()
		for i := range batch {
			y := make([]float64, len(objectives))
			for j, p := range objectives {
				y[j] = t[j][i]
				if !p.exact {
					y[j] = p.scale.Inverse(y[j])
				}
			}
			if rng.Float64() < chance[i] {
				total += grown.Add(y) / jointDraws
			}
		}
	}
	return total
}

// joint returns the lower Cholesky factor of the posterior covariance of an
// objective at the points of a batch, by rows. How an observation at one point
// would move the mean at the others gives their covariance.
func (m *Model) joint(j int, batch []Foreseen, mean, sd []float64) []float64 {
	process, n := m.parts[j].process, len(batch)
	xs := make([]gp.Input, n)
	for i, p := range batch {
		xs[i] = p.input
	}
	c := make([]float64, n*n)
	moved := make([]float64, n)
	for i := range batch {
		c[i*n+i] += sd[i] * sd[i]
		next, err := process.Append(xs[i], mean[i]+sd[i], 0)
		if err != nil {
			continue // as if it were independent of the others
		}
		next.PredictMean(xs, moved)
		own := moved[i] - mean[i]
		for k := range batch {
			if k != i && own > 0 {
				v := (moved[k] - mean[k]) / own * sd[i] * sd[i] / 2 // half from each of the two
				c[i*n+k] += v
				c[k*n+i] += v
			}
		}
	}
	return root(c, n, m.calibration(j))
}

// root returns the lower Cholesky factor of a covariance times a scale. Where
// rounding left it not positive definite, a row keeps what the rows above
// explain.
func root(c []float64, n int, scale float64) []float64 {
	f := make([]float64, n*n)
	for i := range n {
		for k := 0; k <= i; k++ {
			s := c[i*n+k]
			for q := range k {
				s -= f[i*n+q] * f[k*n+q]
			}
			switch {
			case k == i:
				f[i*n+i] = math.Sqrt(max(s, 0))
			case f[k*n+k] > 1e-9*math.Sqrt(c[k*n+k]):
				f[i*n+k] = s / f[k*n+k]
			}
		}
	}
	for i := range f {
		f[i] *= scale
	}
	return f
}

// addProduct adds a lower triangle times z to t.
func addProduct(t, lower, z []float64) {
	n := len(z)
	for i := range n {
		for k := 0; k <= i; k++ {
			t[i] += lower[i*n+k] * z[k]
		}
	}
}

const (
	fewestCalibrate = 10
	calibrateShare  = 3 // one in so many of the data: the latest
)

// calibration is how wide the model's intervals should be, as a multiple of how
// wide they are: the root of the mean squared error of the latest trials when
// each is left out, in units of what the model expected it to be. It is kept
// between 1/4 and 2.
func (m *Model) calibration(j int) float64 {
	p := m.parts[j]
	raw, _ := m.data(column(j), len(m.events))
	d := p.warp.Apply(raw)
	mean, sd := p.process.LeaveOneOut()
	h := p.process.Hyper()
	n := len(d.Y)
	from := n - min(n, max(fewestCalibrate, n/calibrateShare))
	sum := 0.0
	for i := from; i < n; i++ {
		variance := sd[i]*sd[i] + d.Noise[i] + h.Noise*h.Scale*h.Scale
		sum += (d.Y[i] - mean[i]) * (d.Y[i] - mean[i]) / variance
	}
	return min(2, max(0.25, math.Sqrt(sum/float64(n-from))))
}
