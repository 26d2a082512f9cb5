// Package search proposes assignments. It is pure: what it asks next is a
// function of the space, the seed and the history, with no clock, no I/O, no
// goroutine and no global state. Reproducible names the exception.
//
// One type sees to it that no recipe is asked twice (core); what to try next is
// left to a strategy, a function of the history. Package history keeps what was
// asked and told, package bayes is the default strategy, package explain says
// what was found out.
package search

import (
	"errors"

	"github.com/fettle-edge/fettle/search/bayes"
	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/study"
)

// Config describes one lane's search.
type Config struct {
	Knobs      []study.Knob
	Directions []study.Direction // one for each objective
	Sampler    string            // a name of Samplers; "" and "auto" choose
	Seed       int64
	Budget     int // trials the lane has in all; a hint for start designs

	// Neutral is the value a knob has in the first, homogeneous designs, which
	// change one group of knobs at a time: usually the baseline's assignment.
	// Knobs without a usable value take their first choice or lowest number.
	Neutral map[string]study.Value

	// Key maps an assignment to the identity of its recipe: assignments with
	// equal keys are duplicates. It must be a pure function. An error means
	// that the assignment makes no recipe for this model; it is never asked.
	// nil takes the assignment itself as its identity.
	Key func(study.Assignment) (string, error)

	// Constraints is the number of outcome constraints: of numbers told with
	// every trial that say by how much it keeps or breaks a bound.
	Constraints int

	// Limits are the user's bounds of the objectives, in the unit and the
	// direction of each: a trial beyond one is infeasible. NaN is no bound; nil
	// none at all.
	Limits []float64

	// Predict returns what is known of an assignment before it is measured. It
	// must be a pure function; nil predicts nothing.
	Predict func(study.Assignment) Prediction

	// Replay are assignments that were good elsewhere, such as points of the
	// front of a sister lane: they are asked first, in their order. A few do;
	// each costs a trial.
	Replay []study.Assignment
}

// Prediction is what is known of an assignment before it is measured.
type Prediction = bayes.Prediction

// Outcome is what is told of a trial.
type Outcome = history.Outcome

// Suggestion is an assignment to try next.
type Suggestion struct {
	Assignment study.Assignment
	Duplicates int    // draws thrown away because their recipe is in the history
	Origin     string // one of the Origin constants: for people
}

// Where a suggestion comes from.
const (
	OriginReplay    = "replay"    // an assignment that was good elsewhere
	OriginStart     = "start"     // the start design: homogeneous designs, then Sobol's sequence
	OriginModel     = "model"     // a model of what was told
	OriginRandom    = "random"    // an even draw
	OriginSobol     = "sobol"     // Sobol's sequence
	OriginNeighbour = "neighbour" // the nearest recipe not asked yet, after too many duplicates
)

// Sampler is a search under way. Its methods are called from one goroutine.
//
// Trials are numbered by the caller. Ask(n) proposes for trial n; Add registers
// a trial whose assignment is known already (the baseline, a restart, a
// neighbour lane); Tell closes a trial. Trials may be told in any order, and
// any number may be outstanding. After a restart the caller replays Add, Tell
// and Observe in the original order; the next Ask is then the same as without
// it (except for samplers for which Reproducible is false).
type Sampler interface {
	Ask(n int) (Suggestion, error)
	Add(n int, a study.Assignment) error
	Tell(n int, o Outcome) error
	// Forget removes an outstanding trial that failed for reasons that are not
	// its own: its recipe may be asked again.
	Forget(n int) error
	// Observe adds evidence from a sister lane: values that do not depend on
	// the target, the others NaN. It is no trial of this lane: its recipe may
	// still be asked.
	Observe(a study.Assignment, o Outcome) error
	// Prepare does ahead the work of the next Ask(n), for callers with time to
	// spare between a Tell and an Ask. It changes no answer.
	Prepare(n int) error
}

// Errors of a Sampler.
var (
	// ErrExhausted is exact for spaces of up to 10000 points. In larger ones
	// it means that none was found in a walk of that length from the last
	// draw, nor in 1000 more draws.
	ErrExhausted = errors.New("search space exhausted: every recipe has been asked")
	ErrUnknown   = history.ErrUnknown
)
