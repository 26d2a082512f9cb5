package study

import (
	"fmt"
	"slices"
	"time"
)

// State is where a trial is in its life.
type State string

// The states of a trial. Building comes before evaluating, because the quality
// of a variant is measured on the built thing.
const (
	Proposed   State = "proposed"
	Building   State = "building"
	Evaluating State = "evaluating"
	Ready      State = "ready"  // waits for an agent
	Leased     State = "leased" // an agent has the right to measure it
	Complete   State = "complete"
	Infeasible State = "infeasible"
	Stopped    State = "stopped" // early: could not reach the front any more
	Failed     State = "failed"
	Cancelled  State = "cancelled"
)

// Terminal reports whether a trial in this state has ended. Only a complete one
// may move again, to be confirmed.
func (s State) Terminal() bool {
	switch s {
	case Complete, Infeasible, Stopped, Failed, Cancelled:
		return true
	}
	return false
}

// Transition is a named move of a trial. Trials move by these alone.
type Transition struct {
	Name string
	To   State
	from []State
}

// The transitions.
var (
	Build     = Transition{"build", Building, []State{Proposed}}
	Evaluate  = Transition{"evaluate", Evaluating, []State{Building}}
	Queue     = Transition{"queue", Ready, []State{Evaluating}}
	Grant     = Transition{"grant", Leased, []State{Ready}}
	Requeue   = Transition{"requeue", Ready, []State{Leased}} // the attempt failed for a reason that is not the variant's
	Finish    = Transition{"finish", Complete, []State{Leased}}
	Confirm   = Transition{"confirm", Ready, []State{Complete}} // to be measured once more
	Reject    = Transition{"reject", Infeasible, []State{Proposed, Building, Evaluating, Leased}}
	StopEarly = Transition{"stop_early", Stopped, []State{Evaluating, Leased}}
	GiveUp    = Transition{"give_up", Failed, []State{Proposed, Building, Evaluating, Leased}}
	Cancel    = Transition{"cancel", Cancelled, []State{Proposed, Building, Evaluating, Ready, Leased}}
)

// Transitions returns all transitions.
func Transitions() []Transition {
	return []Transition{Build, Evaluate, Queue, Grant, Requeue, Finish, Confirm, Reject, StopEarly, GiveUp, Cancel}
}

// Check returns an *IllegalMove if the transition does not start from s.
func (t Transition) Check(s State) error {
	if slices.Contains(t.from, s) {
		return nil
	}
	return &IllegalMove{From: s, Transition: t.Name}
}

// IllegalMove is the error of a transition that does not start where the trial
// is. It is a conflict: somebody else moved the trial.
type IllegalMove struct {
	From       State
	Transition string
}

func (e *IllegalMove) Error() string {
	return fmt.Sprintf("cannot %s a trial that is %s", e.Transition, e.From)
}

// Trial is one assignment on one target.
type Trial struct {
	Study  string `json:"study"`
	Number int    `json:"number"` // unique within the study
	Target string `json:"target"`
	Index  int    `json:"index"` // within the lane; 0 is the baseline
	Rev    int64  `json:"rev"`   // number of the event of its last change

	State      State      `json:"state"`
	Assignment Assignment `json:"assignment"`
	Recipe     Recipe     `json:"recipe"`
	Prediction Prediction `json:"prediction"`
	Pieces     []PieceRef `json:"pieces,omitempty"` // set once built

	// Values holds the summaries of what was measured, keyed by metric with
	// its statistic where it is not the default. They are derived from the
	// samples and scores that are stored beside them.
	Values map[string]Summary `json:"values,omitempty"`
	// Measured is the number of attempts that the values come from, with those
	// that should have confirmed them and failed.
	Measured int `json:"measured,omitempty"`

	Reason   string   `json:"reason,omitempty"` // why it ended without a result: a Reason constant
	Detail   string   `json:"detail,omitempty"` // the same as a sentence
	Stderr   []string `json:"stderr,omitempty"` // the child's first lines
	Warnings []string `json:"warnings,omitempty"`

	// Origin is where the assignment comes from, for people: "baseline", or as
	// package search says.
	Origin string `json:"origin,omitempty"`
	// Heard is the number of the event up to which the proposal had heard of
	// the other lanes.
	Heard int64 `json:"heard,omitempty"`

	Duplicates int       `json:"duplicates,omitempty"` // draws the sampler made that had been seen already
	Spent      Spent     `json:"spent"`
	Created    time.Time `json:"created"`
	Ended      time.Time `json:"ended,omitzero"`
}

// Spent is where a trial's time went.
type Spent struct {
	Build    time.Duration `json:"build_ns"`
	Evaluate time.Duration `json:"evaluate_ns"`
	Wait     time.Duration `json:"wait_ns"` // for the host to be quiet and free
	Measure  time.Duration `json:"measure_ns"`
}

// Feasible reports whether the trial has a result that breaks no constraint. It
// keeps the one it has while it is being confirmed.
func (t *Trial) Feasible() bool {
	return t.State == Complete || t.Measured > 0 && !t.State.Terminal()
}

// Lease is the right of one agent to run one attempt until a time.
type Lease struct {
	Study   string        `json:"study"`
	Trial   int           `json:"trial"`
	Attempt string        `json:"attempt"`
	Fence   int64         `json:"fence"` // only grows; anything with an older fence is refused
	TTL     time.Duration `json:"ttl_ns"`
	Expires time.Time     `json:"expires"` // by the daemon's clock
}

// AttemptState is where an attempt is.
type AttemptState string

// An attempt runs until the agent reports, or its lease ends without a report.
const (
	AttemptRunning  AttemptState = "running"
	AttemptReported AttemptState = "reported" // measurements or a failure arrived
	AttemptLost     AttemptState = "lost"
)

// Attempt is one try to measure a trial under one lease.
type Attempt struct {
	ID      string       `json:"id"`
	Study   string       `json:"study"`
	Trial   int          `json:"trial"`
	Target  string       `json:"target"`
	Fence   int64        `json:"fence"`
	State   AttemptState `json:"state"`
	Started time.Time    `json:"started"`
	Expires time.Time    `json:"expires"`
	Ended   time.Time    `json:"ended,omitzero"`
	Result  *Result      `json:"result,omitempty"`
}

// Result is what an attempt brought: measurements, or a failure.
type Result struct {
	Measurements []Measurement `json:"measurements,omitempty"`
	Conditions   *Conditions   `json:"conditions,omitempty"`
	Failure      *Failure      `json:"failure,omitempty"`
	Wait         time.Duration `json:"wait_ns"`
	Measure      time.Duration `json:"measure_ns"`
}

// Event is a change that somebody may want to hear of.
type Event struct {
	Seq   int64     `json:"seq"` // grows with every change of the store
	Time  time.Time `json:"time"`
	Kind  EventKind `json:"kind"`
	Study string    `json:"study,omitempty"`
	Trial *int      `json:"trial,omitempty"`
	Text  string    `json:"text,omitempty"` // for people: the transition's name, or progress
}

// EventKind says what changed.
type EventKind string

// The kinds of events.
const (
	EventStudy  EventKind = "study"  // a study was created or changed state
	EventTrial  EventKind = "trial"  // a trial was proposed or moved
	EventTarget EventKind = "target" // a target came, went or changed
)

// Texts of events that are no transition of a trial. The other texts are: for
// a trial the name of its transition, for a study its new state, for a target
// its name.
const (
	TextCreate  = "create"  // a study was created
	TextPropose = "propose" // a trial was proposed
	TextReport  = "report"  // an attempt brought its result
	TextLose    = "lose"    // an attempt ended without a result
)
