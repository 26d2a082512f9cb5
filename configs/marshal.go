package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Marshal writes a spec as a study file. Parsing it gives the same spec
// without its digests, which are written as comments. The spec must be valid.
func Marshal(spec study.Spec) ([]byte, error) {
	if problems := spec.Validate(); len(problems) > 0 {
		e := fault.New(fault.Invalid, "cannot write study %s as a file: it is not valid", strconv.Quote(clip(spec.Name)))
		e.Problems = problems
		return nil, e
	}
	w := &writer{}
	w.line("version: %d", spec.Version)
	w.line("name: %s", word(spec.Name))
	if spec.Description != "" {
		w.line("description: %s", quote(spec.Description))
	}
	w.line("model: %s%s", word(spec.Model.Name), digestComment(spec.Model))
	w.targets(spec.Targets)
	w.workload(spec.Workload)
	if q := spec.Quality; q.Text != (study.Content{}) {
		w.line("quality: {text: %s, chunks: %d}%s", word(q.Text.Name), q.Chunks, digestComment(q.Text))
	}
	w.knobs(spec.Knobs)
	w.objectives(spec.Objectives)
	w.constraints(spec.Constraints)
	w.line("search: {sampler: %s, seed: %d, stop_trials: %t}", spec.Search.Sampler, spec.Search.Seed, spec.Search.StopTrials)
	w.budget(spec.Budget)
	return []byte(w.b.String()), nil
}

// writer puts a study file together, line by line.
type writer struct{ b strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

func digestComment(c study.Content) string {
	if c.Digest == "" {
		return ""
	}
	return " # sha256 " + string(c.Digest)
}

func (w *writer) targets(targets []study.TargetRef) {
	list := make([]string, len(targets))
	for i, t := range targets {
		list[i] = fmt.Sprintf("{name: %s}", word(t.Name))
	}
	w.line("targets: [%s]", strings.Join(list, ", "))
}

func (w *writer) workload(k study.Workload) {
	w.line("workload:")
	w.line("  prompt_tokens: %d", k.PromptTokens)
	w.line("  generate_tokens: %d", k.GenerateTokens)
	w.line("  context: %d", k.Context)
	w.line("  warm_up: %d", k.WarmUp)
	w.line("  repeats: [%d, %d]", k.MinRepeats, k.MaxRepeats)
	w.line("  max_time: %s", study.FormatDuration(k.MaxTime))
}

func (w *writer) budget(b study.Budget) {
	parts := []string{fmt.Sprintf("trials: %d", b.Trials)}
	if b.Wall > 0 {
		parts = append(parts, "wall: "+study.FormatDuration(b.Wall))
	}
	parts = append(parts, fmt.Sprintf("confirm: %d", b.Confirm))
	if b.MinGain > 0 {
		parts = append(parts, "min_gain: "+percent.number(b.MinGain)+"%")
	}
	w.line("budget: {%s}", strings.Join(parts, ", "))
}

func (w *writer) knobs(knobs []study.Knob) {
	width := 0
	for _, k := range knobs {
		width = max(width, len(k.Name)+1)
	}
	w.line("knobs:")
	for _, k := range knobs {
		w.line("  %-*s {%s}", width, k.Name+":", strings.Join(knobParts(k), ", "))
	}
}

func knobParts(k study.Knob) []string {
	var parts []string
	switch {
	case k.Choice != nil:
		parts = append(parts, "choice: "+values(k.Choice))
	case k.Int != nil:
		parts = append(parts, fmt.Sprintf("int: [%d, %d]", k.Int[0], k.Int[1]))
	case k.Float != nil:
		parts = append(parts, fmt.Sprintf("float: [%s, %s]", plainNumber(k.Float[0]), plainNumber(k.Float[1])))
	}
	if k.Log {
		parts = append(parts, "log: true")
	}
	if len(k.When) > 0 {
		var when []string
		for _, name := range slices.Sorted(maps.Keys(k.When)) {
			when = append(when, name+": "+values(k.When[name]))
		}
		parts = append(parts, "when: {"+strings.Join(when, ", ")+"}")
	}
	return parts
}

func values(list []study.Value) string {
	out := make([]string, len(list))
	for i, v := range list {
		switch {
		case v.IsText():
			out[i] = word(v.String())
		case v.IsNumber():
			out[i] = plainNumber(v.Float())
		default:
			out[i] = v.String()
		}
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (w *writer) objectives(objectives []study.Objective) {
	w.line("objectives:")
	for _, o := range objectives {
		w.line("  - {metric: %s, direction: %s}", o.Metric, o.Direction)
	}
}

func (w *writer) constraints(constraints []study.Constraint) {
	if len(constraints) == 0 {
		return
	}
	w.line("constraints:")
	for _, c := range constraints {
		info, _, _ := study.LookupMetric(c.Metric)
		bounds := ""
		if c.Min != nil {
			bounds += ", min: " + formatQuantity(*c.Min, info)
		}
		if c.Max != nil {
			bounds += ", max: " + formatQuantity(*c.Max, info)
		}
		w.line("  - {metric: %s%s}", c.Metric, bounds)
	}
}

// safeWord matches texts that YAML reads as themselves: they begin with a
// letter, so they are no numbers; the words it takes for something else are in
// reserved.
var safeWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.+-]*$`)

var reserved = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// word writes a text bare where YAML reads it as itself, else in quotes.
func word(s string) string {
	if safeWord.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return s
	}
	return quote(s)
}

// quote writes a text in double quotes; YAML has the escapes of JSON.
func quote(s string) string {
	b, _ := json.Marshal(s) // text cannot fail
	return string(b)
}
