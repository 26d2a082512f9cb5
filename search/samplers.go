package search

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/search/goptuna"
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
	TPE    = "tpe"
	Sobol  = "sobol"
	Random = "random"
)

// planned are the samplers that Fettle knows of but does not have yet.
var planned = [...]string{"cmaes"}

// Samplers returns the names that Config.Sampler may have.
func Samplers() []string { return []string{Auto, GP, MOTPE, NSGA2, TPE, Sobol, Random} }

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
	if cfg.Budget > maxEvents {
		return MOTPE, fmt.Sprintf("a Gaussian process is slow beyond %d trials, and the budget is %d", maxEvents, cfg.Budget)
	}
	return GP, "it learns most from few trials, and uses what is known before measuring"
}

// Reproducible reports whether a sampler asks the same again when its history
// is replayed, and why (not). All that auto chooses do.
func Reproducible(name string) (ok bool, why string) {
	switch name {
	case GP, MOTPE, NSGA2, Sobol, Random, Auto, "":
		return true, "what it asks follows from the space, the seed and the history"
	case TPE:
		return false, "goptuna's TPE draws from the process's global random source; the trials are kept, but the seed alone does not lead to them again"
	}
	return false, "it is no sampler"
}

// New starts a search. It fails with fault.Invalid if cfg makes no sense.
func New(cfg Config) (Sampler, error) {
	t, err := newTerms(cfg)
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
	c := &core{space: sp, seed: cfg.Seed, history: newHistory(sp, t), keys: newKeyring(cfg.Key), replay: replayable(sp, cfg.Replay)}
	sequence := goptuna.NewSobol(len(sp.Dims()), c.rng(streamSobol, 0))
	switch name, _ := Describe(cfg); name {
	case Random:
		c.strategy = random{sp}
	case Sobol:
		c.strategy = alongSobol{sp, sequence}
	case TPE:
		c.start = newStart(sp, sequence, cfg.Budget)
		tpe, err := goptuna.NewTPE(sp, cfg.Seed)
		if err != nil {
			return nil, err
		}
		c.strategy = likeTheBest{tpe}
	case GP:
		c.start = newStart(sp, sequence, cfg.Budget)
		c.strategy = newBayes(sp, t, cfg.Predict, func(p space.Point) bool { _, ok := c.fresh(p); return ok }, motpe{sp})
	case NSGA2:
		c.start = newStart(sp, sequence, cfg.Budget)
		c.strategy = nsga2{sp}
	case MOTPE:
		c.start = newStart(sp, sequence, cfg.Budget)
		c.strategy = motpe{sp}
	default:
		return nil, unknownSampler(name)
	}
	return c, nil
}

// replayable returns the points of the assignments that lie in the space.
func replayable(sp *space.Space, assignments []study.Assignment) []space.Point {
	var points []space.Point
	for _, a := range assignments {
		p := sp.Point(a)
		active := sp.Assignment(p)
		outside := false
		for i, d := range sp.Dims() {
			_, ok := active[d.Knob.Name]
			outside = outside || ok && p[i] == space.Absent
		}
		if !outside {
			points = append(points, p)
		}
	}
	return points
}

func unknownSampler(name string) error {
	if slices.Contains(planned[:], name) {
		return fault.New(fault.Invalid, "cannot search with sampler %q: it is not available yet", name).Trying("auto")
	}
	return fault.New(fault.Invalid, "cannot search with sampler %q: there is no such sampler", name).
		Trying("%s", strings.Join(Samplers(), ", "))
}
