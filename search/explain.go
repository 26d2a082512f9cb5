package search

import (
	"github.com/fettle-edge/fettle/search/explain"
	"github.com/fettle-edge/fettle/study/fault"
)

// What Explain and Forecast return.
type (
	Explanation = explain.Explanation
	Volume      = explain.Volume
	Importance  = explain.Importance
	Share       = explain.Share
	Estimate    = explain.Estimate
	Redundant   = explain.Redundant
	Remaining   = explain.Remaining
)

// Explain works out what the history of a search says. It changes nothing of
// the sampler, and is to be called from the goroutine that calls its other
// methods. Samplers without a model of their own get one for the call. Equal
// histories give equal explanations.
func Explain(s Sampler) (*Explanation, error) {
	c, err := ours(s)
	if err != nil {
		return nil, err
	}
	x := explain.Explain(c.toExplain())
	x.Sampler, x.Why = Describe(c.config)
	return x, nil
}

// Forecast is Explain's Remaining alone, for callers that ask often. It fails
// with a sentence where nothing can be said.
func Forecast(s Sampler) (Remaining, error) {
	c, err := ours(s)
	if err != nil {
		return Remaining{}, err
	}
	return explain.Forecast(c.toExplain())
}

func ours(s Sampler) (*core, error) {
	c, ok := s.(*core)
	if !ok {
		return nil, fault.New(fault.Invalid, "cannot explain a sampler of another package").Trying("a sampler of search.New")
	}
	return c, nil
}

func (c *core) toExplain() explain.Search {
	s := explain.Search{History: c.history, Predict: c.config.Predict, Source: c.rng}
	if c.start != nil {
		s.Start = c.start.size
	}
	return s
}
