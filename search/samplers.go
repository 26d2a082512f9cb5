package search

import (
	"fmt"
	"strings"

	"github.com/fettle-edge/fettle/search/bayes"
	"github.com/fettle-edge/fettle/search/goptuna"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// The names of samplers.
const (
	Auto   = "auto"
	GP     = "gp"
	MOTPE  = "motpe"
	NSGA2  = "nsga2"
	CMAES  = "cmaes"
	TPE    = "tpe"
	Sobol  = "sobol"
	Random = "random"
)

// Samplers returns the names that Config.Sampler may have.
func Samplers() []string { return []string{Auto, GP, MOTPE, NSGA2, CMAES, TPE, Sobol, Random} }

// Describe returns the sampler that New takes for cfg, and why in a sentence.
// Where cfg names a sampler, that is the answer.
func Describe(cfg Config) (name, why string) {
	if cfg.Sampler != "" && cfg.Sampler != Auto {
		return cfg.Sampler, "the study names it"
	}
	size := 1.0
	for _, k := range cfg.Knobs {
		size *= k.Size()
	}
	if cfg.Budget > 0 && size <= float64(cfg.Budget) {
		return Random, fmt.Sprintf("the budget of %d trials covers all %g assignments, so their order does not matter", cfg.Budget, size)
	}
	if cfg.Budget > bayes.MaxEvents {
		return MOTPE, fmt.Sprintf("a Gaussian process is slow beyond %d trials, and the budget is %d", bayes.MaxEvents, cfg.Budget)
	}
	return GP, "it learns most from few trials, and uses what is known before measuring"
}

// Reproducible reports whether a sampler asks the same again when its history
// is replayed, and why (not). All that auto chooses do.
func Reproducible(name string) (ok bool, why string) {
	switch name {
	case GP, MOTPE, NSGA2, CMAES, Sobol, Random, Auto, "":
		return true, "what it asks follows from the space, the seed and the history"
	case TPE:
		return false, "goptuna's TPE draws from the process's global random source; the trials are kept, but the seed alone does not lead to them again"
	}
	return false, "it is no sampler"
}

// New starts a search. It fails with fault.Invalid if cfg makes no sense.
func New(cfg Config) (Sampler, error) {
	t, err := history.NewTerms(cfg.Directions, cfg.Constraints, cfg.Limits)
	if err != nil {
		return nil, err
	}
	sp, err := space.New(cfg.Knobs, cfg.Neutral)
	if err != nil {
		return nil, err
	}
	if len(sp.Dims()) > goptuna.MaxSobolDims {
		return nil, fault.New(fault.Invalid, "cannot search over %d knobs", len(sp.Dims())).Trying("at most %d", goptuna.MaxSobolDims)
	}
	if cfg.Key == nil {
		cfg.Key = func(a study.Assignment) (string, error) { return a.Key(), nil }
	}
	c := &core{config: cfg, space: sp, history: history.New(sp, t, cfg.Key), replay: replayable(sp, cfg.Replay)}
	if err := c.choose(cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// choose sets the strategy.
func (c *core) choose(cfg Config) (err error) {
	sequence := goptuna.NewSobol(len(c.space.Dims()), c.rng(streamSobol, 0))
	name, _ := Describe(cfg)
	switch name {
	case GP, MOTPE, NSGA2, TPE:
		c.start = newStart(c.space, sequence, cfg.Budget)
	}
	switch name {
	case GP:
		c.strategy = gaussian{c.space, bayes.New(c.space, c.history.Terms, cfg.Predict), motpe{c.space}}
	case MOTPE:
		c.strategy = motpe{c.space}
	case NSGA2:
		c.strategy = nsga2{c.space}
	case CMAES:
		c.strategy, err = newCMAES(c.space, c.history.Terms, cfg.Seed)
	case TPE:
		c.strategy, err = newLikeTheBest(c.space, cfg.Seed)
	case Sobol:
		c.strategy = alongSobol{c.space, sequence}
	case Random:
		c.strategy = random{c.space}
	default:
		return unknownSampler(name)
	}
	return err
}

// replayable returns the points of the assignments that lie in the space.
func replayable(sp *space.Space, assignments []study.Assignment) []space.Point {
	var points []space.Point
	for _, a := range assignments {
		if p, ok := sp.Inside(a); ok {
			points = append(points, p)
		}
	}
	return points
}

func unknownSampler(name string) error {
	return fault.New(fault.Invalid, "cannot search with sampler %q: there is no such sampler", name).
		Trying("%s", strings.Join(Samplers(), ", "))
}
