package study

import "time"

// Spec is what a study is asked to do. It is immutable once the study exists,
// and holds digests, never paths.
type Spec struct {
	Version     int          `json:"version"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Model       Content      `json:"model"`
	Targets     []TargetRef  `json:"targets"`
	Workload    Workload     `json:"workload"`
	Quality     Quality      `json:"quality"`
	Knobs       []Knob       `json:"knobs"` // in the order of the study file
	Objectives  []Objective  `json:"objectives"`
	Constraints []Constraint `json:"constraints,omitempty"`
	Search      SearchSpec   `json:"search"`
	Budget      Budget       `json:"budget"`
}

// Content is a file that was taken into the content store.
type Content struct {
	Digest Digest `json:"digest"`
	Name   string `json:"name"` // the file name it came with, for people
}

// TargetRef names a target of a study.
type TargetRef struct {
	Name string `json:"name"`
}

// Workload is what is timed on a target, and how often.
type Workload struct {
	PromptTokens   int `json:"prompt_tokens"`
	GenerateTokens int `json:"generate_tokens"`
	Context        int `json:"context"` // tokens the context has room for

	// The protocol: WarmUp uncounted repetitions, then at least MinRepeats and
	// at most MaxRepeats, ending early once the 95 % interval of the median is
	// within 2 % or MaxTime has passed (never before MinRepeats).
	WarmUp     int           `json:"warm_up"`
	MinRepeats int           `json:"min_repeats"`
	MaxRepeats int           `json:"max_repeats"`
	MaxTime    time.Duration `json:"max_time_ns"`
}

// Quality says on what text quality is measured.
type Quality struct {
	Text   Content `json:"text"`
	Chunks int     `json:"chunks"` // chunks of the workload's context that are scored
}

// Objective is a metric's statistic to minimise or maximise.
type Objective struct {
	Metric    string    `json:"metric"` // with or without a statistic suffix
	Direction Direction `json:"direction"`
}

// Constraint is a bound that makes a trial infeasible. At least one of Min and
// Max is set, in the metric's base unit.
type Constraint struct {
	Metric string   `json:"metric"`
	Min    *float64 `json:"min,omitempty"`
	Max    *float64 `json:"max,omitempty"`
}

// Violated reports whether value x breaks the constraint.
func (c Constraint) Violated(x float64) bool {
	return c.Max != nil && !(x <= *c.Max) || c.Min != nil && !(x >= *c.Min)
}

// SearchSpec chooses the sampler, and whether trials are stopped early.
type SearchSpec struct {
	Sampler string `json:"sampler"`
	Seed    int64  `json:"seed"`
	// StopTrials ends the evaluation of a trial as soon as it cannot reach the
	// front or keep the constraints any more.
	StopTrials bool `json:"stop_trials,omitempty"`
}

// Budget ends a study. Trials counts per lane.
type Budget struct {
	Trials int           `json:"trials"`
	Wall   time.Duration `json:"wall_ns,omitempty"` // 0 is no limit
	// Confirm is how often each member of the front is measured again after
	// the last trial.
	Confirm int `json:"confirm,omitempty"`
	// MinGain ends a lane early, once its next trials are expected to add less
	// than this share of its hypervolume; 0 does not.
	MinGain float64 `json:"min_gain,omitempty"`
}

// MetricNames returns the metrics that objectives and constraints name, each
// once, in that order.
func (s *Spec) MetricNames() []string {
	var names []string
	seen := map[string]bool{}
	add := func(n string) {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	for _, o := range s.Objectives {
		add(o.Metric)
	}
	for _, c := range s.Constraints {
		add(c.Metric)
	}
	return names
}

// Knob returns the knob of that name, nil if the study has none.
func (s *Spec) Knob(name string) *Knob {
	for i := range s.Knobs {
		if s.Knobs[i].Name == name {
			return &s.Knobs[i]
		}
	}
	return nil
}

// Study is a study that exists.
type Study struct {
	ID      string     `json:"id"` // opaque, unique, safe in a URL and a file name
	Spec    Spec       `json:"spec"`
	State   StudyState `json:"state"`
	Note    string     `json:"note,omitempty"` // why it is in this state, for people
	Created time.Time  `json:"created"`
	Ended   time.Time  `json:"ended,omitzero"`
}

// StudyState is where a study is in its life.
type StudyState string

// A study runs until its budget is used up, its space is exhausted or somebody
// stops it; a stopped study can be resumed.
const (
	StudyPreparing StudyState = "preparing" // base distributions and block ranking are being measured
	StudyRunning   StudyState = "running"
	StudyStopped   StudyState = "stopped"
	StudyComplete  StudyState = "complete"
	StudyFailed    StudyState = "failed"
)

// Active reports whether work is left to do.
func (s StudyState) Active() bool { return s == StudyPreparing || s == StudyRunning }

// CanBecome reports whether a study may move from s to another state. A
// stopped or failed study is resumed by preparing again; a complete one never
// moves.
func (s StudyState) CanBecome(to StudyState) bool {
	switch s {
	case StudyPreparing:
		return to == StudyRunning || to == StudyStopped || to == StudyFailed
	case StudyRunning:
		return to == StudyComplete || to == StudyStopped || to == StudyFailed
	case StudyStopped, StudyFailed:
		return to == StudyPreparing
	}
	return false
}
