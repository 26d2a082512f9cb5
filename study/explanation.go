package study

// Explanation is what the search of one lane has found out, and what it expects.
// Values are in base units, in maps keyed by the metric of the objective. Where
// something cannot be said yet, a sentence stands in its place.
type Explanation struct {
	Target  string `json:"target"`
	Sampler string `json:"sampler"`
	Why     string `json:"why"`  // the sampler was chosen
	Told    int    `json:"told"` // trials that the search knows the end of

	// Reference is the corner that hypervolumes are measured from.
	Reference   map[string]ReferenceValue `json:"reference"`
	NoReference string                    `json:"no_reference,omitempty"`
	// Hypervolume has the told trials in the order in which they ended, each
	// with the hypervolume of all feasible ones up to it.
	Hypervolume []Volume `json:"hypervolume"`

	// NoModel says why nothing is predicted: the fields below are then empty.
	NoModel string `json:"no_model,omitempty"`

	Importance   []Importance `json:"importance"`
	NoImportance string       `json:"no_importance,omitempty"`
	ImportanceBy string       `json:"importance_by,omitempty"` // method and sample size

	Front []Estimate `json:"front"` // by predicted values: without what the model takes for noise
	Open  []Estimate `json:"open"`  // trials under way

	Redundant []Redundancy `json:"redundant"`

	Remaining   *Remaining `json:"remaining,omitempty"`
	NoRemaining string     `json:"no_remaining,omitempty"`

	Stopped string `json:"stopped,omitempty"` // why the lane ended before its budget
}

// ReferenceValue is the reference of one objective.
type ReferenceValue struct {
	Value float64 `json:"value"`
	Limit bool    `json:"limit"` // a constraint's bound; else the worst of all feasible trials, with a margin
}

// Volume is the hypervolume after a trial, in the product of the objectives'
// units.
type Volume struct {
	Trial int     `json:"trial"`
	Value float64 `json:"value"`
}

// Importance is which knobs an objective depends on.
type Importance struct {
	Metric string      `json:"metric"`
	Scale  string      `json:"scale,omitempty"` // of the model: identity, log or rank
	Knobs  []KnobShare `json:"knobs"`           // the most important first
	// Interactions is the share of the variance that no knob explains alone.
	Interactions float64 `json:"interactions"`
	Absent       string  `json:"absent,omitempty"` // why there is none
}

// KnobShare is a knob's share of an objective's variance over all assignments.
type KnobShare struct {
	Knob  string  `json:"knob"`
	Main  float64 `json:"main"`  // alone
	Total float64 `json:"total"` // with every interaction that it is in
}

// Estimate is what is expected of a trial.
type Estimate struct {
	Trial     int                   `json:"trial"`
	Values    map[string]float64    `json:"values"`
	Intervals map[string][2]float64 `json:"intervals"` // 95 %, of the true value
	Feasible  float64               `json:"feasible"`  // probability
}

// Redundancy is a pair of objectives of which one says nearly all of the other.
type Redundancy struct {
	A           string  `json:"a"`
	B           string  `json:"b"`
	Correlation float64 `json:"correlation"`
}

// Remaining is what the next trials are expected to gain.
type Remaining struct {
	Trials int     `json:"trials"`
	Gain   float64 `json:"gain"`  // in the units of the hypervolume
	Share  float64 `json:"share"` // of the present hypervolume
	Method string  `json:"method"`
}
