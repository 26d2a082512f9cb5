// Package explain says what the history of a search has found out: which knobs
// count, where the front is and what is left to gain. All of it follows from the
// history alone, by a model of its own, whatever asked for the trials.
package explain

import (
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/bayes"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Search is what is to be explained.
type Search struct {
	History *history.History
	// Predict returns what is known of an assignment before it is measured; nil
	// predicts nothing.
	Predict func(study.Assignment) bayes.Prediction
	// Start is the number of trials of the start design, during which no
	// forecast is made.
	Start int
	// Source returns a source of random numbers, always the same for the same
	// numbers, of which the first is one of the streams below.
	Source func(stream, draw int) *rand.Rand
}

const (
	streamImportance = -2 // scrambles the points that importance is computed at
	streamRemaining  = -3 // what the look ahead draws from
)

// Explanation is what the history of a search says: about the knobs, the front
// and what is left to gain. Values are in the objectives' own units and
// directions. Where something cannot be said, a sentence tells why.
type Explanation struct {
	Sampler, Why string // as search.Describe returns them
	Told         int    // trials

	// Reference is the point that hypervolumes are measured from, one value for
	// each objective: the user's limit where Limited is true, else the worst
	// value of a feasible trial with a margin. It is nil, and NoReference says
	// why, while no feasible trial has a value for every objective.
	Reference   []float64
	Limited     []bool
	NoReference string
	// Hypervolume has every told trial in the order of the tells, with the
	// hypervolume of all feasible trials up to it: in the product of the
	// objectives' units.
	Hypervolume []Volume

	// NoModel tells why there is no model of the objectives. All that follows
	// needs one.
	NoModel string

	Importance   []Importance // one for each objective
	NoImportance string
	ImportanceBy string // how it was computed

	// Front is the front of the trials at their predicted values, in the order
	// of the tells: without what the model takes for noise.
	Front []Estimate

	Redundant []Redundant

	Remaining   *Remaining
	NoRemaining string

	lens *lens
}

// Redundant is a pair of objectives of which one says nearly all of the other.
type Redundant struct {
	A, B        int // objectives
	Correlation float64
}

// lens is a model of all that was told up to some time.
type lens struct {
	Search
	*bayes.Model
	told *history.History // up to that time
}

// Explain works out what the history says. Equal histories give equal
// explanations.
func Explain(s Search) *Explanation {
	x := &Explanation{Told: len(s.History.Told)}
	s.volume(x)
	l, err := s.look()
	if err != nil {
		x.NoModel = err.Error()
		return x
	}
	x.lens = l
	x.Front = l.front()
	x.Redundant = l.redundant()
	l.importance(x)
	x.Remaining, x.NoRemaining = l.remaining()
	return x
}

// look makes the model of all that was told.
func (s Search) look() (*lens, error) {
	m, err := bayes.Look(s.History, s.Predict)
	if err != nil {
		return nil, err
	}
	return &lens{Search: s, Model: m, told: s.History}, nil
}

// Predict returns what the model expects of an assignment, which must give
// every active knob a value of its domain.
func (x *Explanation) Predict(a study.Assignment) (Estimate, error) {
	if x.lens == nil {
		return Estimate{}, fault.New(fault.Conflict, "cannot predict yet: %s", x.NoModel).Trying("wait for more trials")
	}
	p, ok := x.lens.told.Space.Inside(a)
	if !ok {
		return Estimate{}, fault.New(fault.Invalid, "cannot predict an assignment outside of the search space").Trying("values of the study's knobs")
	}
	f, ok := x.lens.Foresee(p, a)
	if !ok {
		return Estimate{}, fault.New(fault.Invalid, "cannot predict an assignment that makes no recipe for this model")
	}
	return x.lens.estimates([]bayes.Foreseen{f})[0], nil
}

// redundant returns the pairs of objectives that follow each other.
func (l *lens) redundant() []Redundant {
	var pairs []Redundant
	for j := range l.told.Terms.Directions {
		for i := range j {
			if r, ok := l.Correlation(i, j); ok {
				pairs = append(pairs, Redundant{A: i, B: j, Correlation: l.turned(i, j) * r})
			}
		}
	}
	return pairs
}

// turned is -1 where one of two objectives is to be maximised and the other
// not: the correlation is that of their own values.
func (l *lens) turned(i, j int) float64 {
	if d := l.told.Terms.Directions; d[i] != d[j] {
		return -1
	}
	return 1
}
