package goptuna

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/c-bata/goptuna/cmaes"
	"gonum.org/v1/gonum/mat"
)

// resampling is how often a draw outside the unit cube is made again before it
// is moved to the boundary.
const resampling = 10

// CMAES is an evolution strategy with covariance matrix adaptation (Hansen
// 2016) in the unit cube. It is not safe for concurrent use.
type CMAES struct{ optimizer *cmaes.Optimizer }

// NewCMAES makes one that draws around mean, which has at least one
// coordinate, with the standard deviation sigma in every direction.
func NewCMAES(mean []float64, sigma float64) (*CMAES, error) {
	bounds := mat.NewDense(len(mean), 2, nil)
	for i := range mean {
		bounds.Set(i, 1, 1)
	}
	o, err := cmaes.NewOptimizer(slices.Clone(mean), sigma, cmaes.OptimizerOptionBounds(bounds), cmaes.OptimizerOptionMaxReSampling(resampling))
	return &CMAES{o}, err
}

// Generation is the number of points that Tell takes.
func (c *CMAES) Generation() int { return c.optimizer.PopulationSize() }

// Tell adapts the distribution to a generation, from best to worst. Points
// need not have been drawn from it, but none may be its mean. It fails when the
// distribution has converged or degenerated; it is of no more use then.
func (c *CMAES) Tell(points [][]float64) (err error) {
	defer recovered(&err)
	solutions := make([]*cmaes.Solution, len(points))
	for i, p := range points {
		solutions[i] = &cmaes.Solution{Params: p, Value: float64(i)}
	}
	if err := c.optimizer.Tell(solutions); err != nil {
		return err
	}
	p, err := c.optimizer.Ask()
	if err == nil && (c.optimizer.ShouldStop() || slices.ContainsFunc(p, math.IsNaN)) {
		err = errDraw
	}
	return err
}

// Draw returns a point of the unit cube, which depends on the generations told
// and the source alone.
func (c *CMAES) Draw(rng *rand.Rand) (p []float64, err error) {
	defer recovered(&err)
	cmaes.OptimizerOptionSeed(int64(rng.Uint64()))(c.optimizer)
	return c.optimizer.Ask()
}

// recovered turns a panic of goptuna's into an error.
func recovered(err *error) {
	if recover() != nil {
		*err = errDraw
	}
}
