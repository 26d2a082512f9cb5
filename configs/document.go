package configs

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// document is a study file as it is written. Its shape is that of
// study.v1.json; a test holds the two together.
type document struct {
	Version     int                  `json:"version"`
	Name        string               `json:"name"`
	Description string               `json:"description,omitempty"`
	Model       string               `json:"model"`
	Targets     []targetEntry        `json:"targets"`
	Workload    workloadEntry        `json:"workload"`
	Quality     *qualityEntry        `json:"quality,omitempty"`
	Knobs       map[string]knobEntry `json:"knobs"`
	Objectives  []objectiveEntry     `json:"objectives"`
	Constraints []constraintEntry    `json:"constraints,omitempty"`
	Search      searchEntry          `json:"search,omitzero"`
	Budget      budgetEntry          `json:"budget"`
}

type targetEntry struct {
	Name string `json:"name"`
}

type workloadEntry struct {
	PromptTokens   int     `json:"prompt_tokens"`
	GenerateTokens int     `json:"generate_tokens"`
	Context        int     `json:"context"`
	WarmUp         *int    `json:"warm_up,omitempty"`
	Repeats        *[2]int `json:"repeats,omitempty"`
	MaxTime        *string `json:"max_time,omitempty"`
}

type qualityEntry struct {
	Text   string `json:"text"`
	Chunks *int   `json:"chunks,omitempty"`
}

type knobEntry struct {
	Choice []study.Value            `json:"choice,omitempty"`
	Int    *[2]int                  `json:"int,omitempty"`
	Float  *[2]float64              `json:"float,omitempty"`
	Log    bool                     `json:"log,omitempty"`
	When   map[string][]study.Value `json:"when,omitempty"`
}

type objectiveEntry struct {
	Metric    string `json:"metric"`
	Direction string `json:"direction"`
}

type constraintEntry struct {
	Metric string          `json:"metric"`
	Min    json.RawMessage `json:"min,omitempty"`
	Max    json.RawMessage `json:"max,omitempty"`
}

type searchEntry struct {
	Sampler    *string `json:"sampler,omitempty"`
	Seed       *int64  `json:"seed,omitempty"`
	StopTrials *bool   `json:"stop_trials,omitempty"`
}

type budgetEntry struct {
	Trials  int     `json:"trials"`
	Wall    *string `json:"wall,omitempty"`
	Confirm *int    `json:"confirm,omitempty"`
	MinGain *string `json:"min_gain,omitempty"`
}

// What holds where a study file says nothing.
const (
	defaultWarmUp     = 1
	defaultMinRepeats = 5
	defaultMaxRepeats = 20
	defaultMaxTime    = 150 * time.Second
	defaultChunks     = 16
	defaultSeed       = 0
	defaultConfirm    = 1
)

// reader turns a document into a spec and collects what it cannot read.
type reader struct{ problems []fault.Problem }

func (r *reader) add(path string, err error) {
	r.problems = append(r.problems, fault.Problem{Path: path, Message: err.Error()})
}

// spec converts d; order is the names of the knobs as the file has them.
func (r *reader) spec(d document, order []string) study.Spec {
	s := study.Spec{
		Version:     d.Version,
		Name:        d.Name,
		Description: d.Description,
		Model:       study.Content{Name: filepath.Base(d.Model)},
		Workload:    r.workload(d.Workload),
		Search:      search(d.Search),
		Budget:      r.budget(d.Budget),
	}
	for _, t := range d.Targets {
		s.Targets = append(s.Targets, study.TargetRef{Name: t.Name})
	}
	if q := d.Quality; q != nil {
		s.Quality = study.Quality{Text: study.Content{Name: filepath.Base(q.Text)}, Chunks: or(q.Chunks, defaultChunks)}
	}
	for _, name := range order {
		k := d.Knobs[name]
		s.Knobs = append(s.Knobs, study.Knob{Name: name, Choice: k.Choice, Int: k.Int, Float: k.Float, Log: k.Log, When: k.When})
	}
	for _, o := range d.Objectives {
		s.Objectives = append(s.Objectives, study.Objective{Metric: o.Metric, Direction: study.Direction(o.Direction)})
	}
	for i, c := range d.Constraints {
		s.Constraints = append(s.Constraints, r.constraint(fmt.Sprintf("constraints.%d", i), c))
	}
	return s
}

func search(e searchEntry) study.SearchSpec {
	return study.SearchSpec{Sampler: or(e.Sampler, study.DefaultSampler), Seed: or(e.Seed, defaultSeed), StopTrials: or(e.StopTrials, true)}
}

func (r *reader) workload(w workloadEntry) study.Workload {
	repeats := or(w.Repeats, [2]int{defaultMinRepeats, defaultMaxRepeats})
	return study.Workload{
		PromptTokens:   w.PromptTokens,
		GenerateTokens: w.GenerateTokens,
		Context:        w.Context,
		WarmUp:         or(w.WarmUp, defaultWarmUp),
		MinRepeats:     repeats[0],
		MaxRepeats:     repeats[1],
		MaxTime:        r.duration("workload.max_time", w.MaxTime, defaultMaxTime),
	}
}

func (r *reader) budget(b budgetEntry) study.Budget {
	return study.Budget{
		Trials:  b.Trials,
		Wall:    r.duration("budget.wall", b.Wall, 0),
		Confirm: or(b.Confirm, defaultConfirm),
		MinGain: r.percentage("budget.min_gain", b.MinGain),
	}
}

// percentage reads a share; nil is 0.
func (r *reader) percentage(path string, s *string) float64 {
	if s == nil {
		return 0
	}
	m := percentPattern.FindStringSubmatch(*s)
	if m == nil {
		r.add(path, fmt.Errorf("want a share such as 0.5%%, not %q", clip(*s)))
		return 0
	}
	x := percent.value(m[1])
	if x == 0 { // 0 in a spec is no bound at all
		r.add(path, fmt.Errorf("want more than 0%%: leave it out to use all trials"))
	}
	return x
}

func (r *reader) duration(path string, s *string, otherwise time.Duration) time.Duration {
	if s == nil {
		return otherwise
	}
	d, err := parseDuration(*s)
	if err != nil {
		r.add(path, err)
		return otherwise
	}
	return d
}

func (r *reader) constraint(path string, c constraintEntry) study.Constraint {
	out := study.Constraint{Metric: c.Metric}
	info, _, known := study.LookupMetric(c.Metric)
	if !known {
		return out // Validate reports it
	}
	bound := func(name string, raw json.RawMessage) *float64 {
		if raw == nil {
			return nil
		}
		x, err := parseQuantity(raw, info)
		if err != nil {
			r.add(path+"."+name, err)
		}
		return &x
	}
	out.Min, out.Max = bound("min", c.Min), bound("max", c.Max)
	return out
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
