// Package client is the Go client of the daemon's HTTP API, and the request and
// response types of that API. Fields are base units; maps keyed by metric have
// a sibling map of units.
package client

import (
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
)

// StudyView is one study with its progress (GET /api/v1/studies,
// GET /api/v1/studies/{id}).
type StudyView struct {
	study.Study
	Counts map[study.State]int `json:"counts"` // trials by state
	Lanes  []Lane              `json:"lanes"`
	Units  map[string]string   `json:"units"` // of every metric named in the study's trials
	Rev    int64               `json:"rev"`   // of the newest change that this view holds
}

// Lane is the part of a study that belongs to one target.
type Lane struct {
	Target   string `json:"target"`
	Online   bool   `json:"online"`
	Trials   int    `json:"trials"`   // proposed so far, the baseline included
	Finished int    `json:"finished"` // in a terminal state
	Complete int    `json:"complete"` // of those, with a feasible result
	Budget   int    `json:"budget"`
	Front    []int  `json:"front"`           // trial numbers
	Phase    string `json:"phase"`           // what it does now, for people
	ETA      *Range `json:"eta_s,omitempty"` // absent below three complete trials

	// For each objective by its metric: what the baseline has (once measured),
	// and the trial of the front that is best in it.
	Baseline map[string]study.Summary `json:"baseline,omitempty"`
	Best     map[string]Best          `json:"best"`
}

// Best is a trial and its value of one metric.
type Best struct {
	Trial int `json:"trial"`
	study.Summary
}

// Range is an interval in the unit of the field that holds it.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Studies answers GET /api/v1/studies.
type Studies struct {
	Studies []StudyView `json:"studies"`
}

// Trials answers GET /api/v1/studies/{id}/trials?since=REV: the trials that
// changed after REV, in order of number.
type Trials struct {
	Rev    int64             `json:"rev"`
	Trials []study.Trial     `json:"trials"`
	Fronts map[string][]int  `json:"fronts"` // target → trial numbers of its front
	Units  map[string]string `json:"units"`
}

// TrialView answers GET /api/v1/studies/{id}/trials/{n}.
type TrialView struct {
	study.Trial
	OnFront  bool               `json:"on_front"`
	Variant  study.Digest       `json:"variant"`
	Attempts []study.Attempt    `json:"attempts"` // with raw samples and conditions
	Quality  study.QualityKey   `json:"quality_key"`
	Chunks   []study.ChunkScore `json:"chunks"`
	Units    map[string]string  `json:"units"`
	Command  string             `json:"command,omitempty"` // how stock llama.cpp runs the exported file
}

// Front answers GET /api/v1/studies/{id}/front.
type Front struct {
	Study string            `json:"study"` // its id
	Units map[string]string `json:"units"`
	Front []FrontPoint      `json:"front"`
}

// FrontPoint is one non-dominated feasible trial.
type FrontPoint struct {
	Trial     int                   `json:"trial"`
	Target    string                `json:"target"`
	Text      string                `json:"text"` // the recipe in one line
	Values    map[string]float64    `json:"values"`
	Intervals map[string][2]float64 `json:"intervals"` // 95 %
}

// Explanation answers GET /api/v1/studies/{id}/explain?target=NAME.
type Explanation struct {
	Study string            `json:"study"` // its id
	Units map[string]string `json:"units"` // of the objectives
	study.Explanation
}

// Targets answers GET /api/v1/targets.
type Targets struct {
	Targets []TargetView `json:"targets"`
}

// TargetView is a target and what it does now.
type TargetView struct {
	targets.Target
	Online bool   `json:"online"`
	Busy   string `json:"busy,omitempty"` // "study/trial" of the running attempt
}

// Models answers GET /api/v1/models.
type Models struct {
	Models []study.Model `json:"models"`
}

// ModelView answers GET /api/v1/models/{digest}.
type ModelView struct {
	study.Model
	Ranking *study.Ranking `json:"ranking,omitempty"` // once measured
	Tensors []Tensor       `json:"tensors"`
}

// Tensor is one tensor of a model.
type Tensor struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Dims  []int64 `json:"dims"` // the first is the length of a row
	Bytes int64   `json:"bytes"`
}

// Adopt asks the daemon to take a file into the content store that the client
// has put into its folder of incoming files (POST /api/v1/contents). A name
// without any separator.
type Adopt struct {
	Incoming string `json:"incoming"`
	Name     string `json:"name"`  // the original's file name
	Model    bool   `json:"model"` // check that it is a model and register it
}

// Adopted answers Adopt.
type Adopted struct {
	study.Content
	Model *study.Model `json:"model,omitempty"`
}

// Info answers GET /api/v1/info.
type Info struct {
	Version  string            `json:"version"`
	StateDir string            `json:"state_dir"`
	Incoming string            `json:"incoming"` // folder for Adopt; on the unix socket only
	URL      string            `json:"url"`      // of the dashboard
	Runtime  study.RuntimeInfo `json:"runtime"`
	Holding  bool              `json:"holding"` // events are held back while this computer measures
}

// Login is the body of POST /api/v1/login: the one-time code from a link.
type Login struct {
	Code string `json:"code"`
}

// Link answers POST /api/v1/links, which makes a one-time login link.
type Link struct {
	URL     string `json:"url"`
	Seconds int    `json:"seconds"` // until it expires
}

// Doctor answers GET /api/v1/doctor.
type Doctor struct {
	Checks []targets.Check `json:"checks"`
}

// Vocabulary answers GET /api/v1/vocabulary: the metrics and knobs that studies
// may name.
type Vocabulary struct {
	Metrics []Metric `json:"metrics"`
	Knobs   []Knob   `json:"knobs"`
}

// Metric is a row of the registry of metrics.
type Metric struct {
	Name   string          `json:"name"`
	Unit   string          `json:"unit"`
	Better study.Direction `json:"better"`
	Source string          `json:"source"` // target, host or exact
	Help   string          `json:"help"`
}

// Knob is a row of the registry of knobs.
type Knob struct {
	Name string     `json:"name"`
	Part study.Part `json:"part"`
	Help string     `json:"help"`
}
