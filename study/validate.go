package study

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-edge/fettle/study/fault"
)

// Limits of a study. They are far above any use; they keep a hostile request
// from costing memory or years.
const (
	maxDescription = 4096    // bytes
	maxFileName    = 255     // bytes
	maxTargets     = 64      //
	maxTokens      = 1 << 20 // of a prompt, an answer or a context
	maxRepeats     = 1000    //
	maxTime        = 24 * time.Hour
	maxChunks      = 100_000 //
	maxObjectives  = 4       //
	maxChoices     = 64      // of one knob
	maxTrials      = 100_000 // of one lane
	maxConfirm     = 10
	maxSeed        = 1<<53 - 1 // exact in JSON everywhere
	maxWall        = 365 * 24 * time.Hour

	// minQualityContext leaves at least seven scored positions in a chunk,
	// since scoring starts in its middle.
	minQualityContext = 16
)

// DefaultSampler leaves the choice of the sampler to the search.
const DefaultSampler = "auto"

var samplers = []string{DefaultSampler, "gp", "motpe", "nsga2", "tpe", "cmaes", "sobol", "random"}

// Samplers returns the names a study may give as its sampler.
func Samplers() []string { return slices.Clone(samplers) }

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ValidName reports whether s can name a study or a target: 1 to 63 of a-z,
// 0-9 and -, not starting with -.
func ValidName(s string) bool { return namePattern.MatchString(s) }

const wantName = "want 1 to 63 of a-z, 0-9 and -, starting with a letter or a digit, not %q"

// Validate returns every mistake of a spec, none if it can become a study. The
// paths of the problems are those of the study file; lines are unknown here.
//
// The content digests may still be empty: whoever creates the study fills them
// in and checks that the contents exist. What depends on the model (legal
// types, number of blocks) is not checked here either.
func (s *Spec) Validate() []fault.Problem {
	var c checker
	c.head(s)
	c.workload(s.Workload)
	c.quality(s)
	c.knobs(s.Knobs)
	c.objectives(s.Objectives)
	c.constraints(s.Constraints)
	c.search(s)
	return c.problems
}

// checker collects problems.
type checker struct{ problems []fault.Problem }

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// within reports a whole number outside low to high.
func (c *checker) within(path string, x, low, high int) {
	if x < low || x > high {
		c.add(path, "want a whole number from %d to %d, not %d", low, high, x)
	}
}

func (c *checker) head(s *Spec) {
	if s.Version != 1 {
		c.add("version", "want 1, the only version there is, not %d", s.Version)
	}
	if !ValidName(s.Name) {
		c.add("name", wantName, clip(s.Name, 80))
	}
	if len(s.Description) > maxDescription {
		c.add("description", "want at most %d bytes, not %d", maxDescription, len(s.Description))
	}
	if !plainText(strings.ReplaceAll(s.Description, "\n", "")) {
		c.add("description", "want text without control characters")
	}
	c.content("model", s.Model)
	if len(s.Targets) == 0 || len(s.Targets) > maxTargets {
		c.add("targets", "want 1 to %d targets, not %d", maxTargets, len(s.Targets))
		return
	}
	seen := map[string]bool{}
	for i, t := range s.Targets {
		path := fmt.Sprintf("targets.%d.name", i)
		switch {
		case !ValidName(t.Name):
			c.add(path, wantName, clip(t.Name, 80))
		case seen[t.Name]:
			c.add(path, "target %s is named twice", t.Name)
		}
		seen[t.Name] = true
	}
}

// content checks the name and, where it is set, the digest of a file.
func (c *checker) content(path string, x Content) {
	switch {
	case x.Name == "" || x.Name == "." || x.Name == ".." || strings.ContainsAny(x.Name, "/\\"):
		c.add(path, "want the name of a file, not %q", clip(x.Name, 80))
	case len(x.Name) > maxFileName:
		c.add(path, "want a file name of at most %d bytes, not %d", maxFileName, len(x.Name))
	case !plainText(x.Name):
		c.add(path, "want a file name without control characters, not %q", x.Name)
	}
	if x.Digest != "" {
		if _, err := ParseDigest(string(x.Digest)); err != nil {
			c.add(path, "%s", err)
		}
	}
}

// plainText reports whether s is UTF-8 without control characters.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func (c *checker) workload(w Workload) {
	n := len(c.problems)
	c.within("workload.prompt_tokens", w.PromptTokens, 1, maxTokens)
	c.within("workload.generate_tokens", w.GenerateTokens, 1, maxTokens)
	c.within("workload.context", w.Context, 1, maxTokens)
	if used := w.PromptTokens + w.GenerateTokens; len(c.problems) == n && w.Context < used {
		c.add("workload.context", "%d tokens cannot hold prompt_tokens + generate_tokens = %d", w.Context, used)
	}
	c.within("workload.warm_up", w.WarmUp, 0, maxRepeats)
	if w.MinRepeats < 1 || w.MaxRepeats > maxRepeats || w.MinRepeats > w.MaxRepeats {
		c.add("workload.repeats", "want the fewest and the most repetitions, from 1 to %d, not [%d, %d]", maxRepeats, w.MinRepeats, w.MaxRepeats)
	}
	if w.MaxTime < time.Millisecond || w.MaxTime > maxTime {
		c.add("workload.max_time", "want 1ms to %s, not %s", FormatDuration(maxTime), FormatDuration(w.MaxTime))
	}
}

// quality checks the text and that a study that needs one has one.
func (c *checker) quality(s *Spec) {
	if s.Quality.Text == (Content{}) {
		if s.Quality.Chunks != 0 {
			c.add("quality", "chunks of what? name the text")
		}
		for _, name := range s.MetricNames() {
			if info, _, ok := LookupMetric(name); ok && info.Source == "host" {
				c.add("quality", "%s needs a text to measure it on: add quality: {text: FILE}", name)
				return
			}
		}
		return
	}
	c.content("quality.text", s.Quality.Text)
	c.within("quality.chunks", s.Quality.Chunks, 1, maxChunks)
	if ctx := s.Workload.Context; ctx > 0 && ctx < minQualityContext {
		c.add("workload.context", "quality is measured on chunks of this many tokens: want at least %d, not %d", minQualityContext, ctx)
	}
}

func (c *checker) objectives(objectives []Objective) {
	if n := len(objectives); n < 1 || n > maxObjectives {
		c.add("objectives", "want 1 to %d objectives, not %d", maxObjectives, n)
	}
	seen := map[string]bool{}
	for i, o := range objectives {
		path := fmt.Sprintf("objectives.%d", i)
		if full, ok := c.metric(path+".metric", o.Metric); ok {
			if seen[full] {
				c.add(path+".metric", "%s is an objective already", o.Metric)
			}
			seen[full] = true
		}
		if o.Direction != Min && o.Direction != Max {
			c.add(path+".direction", "want min or max, not %q", clip(string(o.Direction), 40))
		}
	}
}

// metric checks a name and returns it with its statistic: latency.decode is
// latency.decode.p50.
func (c *checker) metric(path, name string) (full string, ok bool) {
	info, statistic, ok := LookupMetric(name)
	switch {
	case !ok:
		c.add(path, "unknown metric %q%s", clip(name, 80), didYouMean(name, MetricNames()))
		return "", false
	case info.Source != "target" && info.Name != name:
		c.add(path, "%s is one number, not samples: write it without .%s", info.Name, statistic)
		return "", false
	}
	return info.Name + "." + statistic, true
}

func (c *checker) constraints(constraints []Constraint) {
	seen := map[string]bool{}
	for i, k := range constraints {
		path := fmt.Sprintf("constraints.%d", i)
		full, ok := c.metric(path+".metric", k.Metric)
		if !ok {
			continue
		}
		if seen[full] {
			c.add(path+".metric", "%s is constrained already: write min and max in one constraint", k.Metric)
		}
		seen[full] = true
		c.bounds(path, k)
	}
}

func (c *checker) bounds(path string, k Constraint) {
	info, _, _ := LookupMetric(k.Metric)
	if k.Min == nil && k.Max == nil {
		c.add(path, "want min, max or both")
	}
	c.bound(path+".min", k.Min, info)
	c.bound(path+".max", k.Max, info)
	if k.Min != nil && k.Max != nil && *k.Min > *k.Max {
		c.add(path, "min is above max: nothing can meet both")
	}
}

func (c *checker) bound(path string, x *float64, info MetricInfo) {
	switch {
	case x == nil:
	case math.IsNaN(*x) || math.IsInf(*x, 0):
		c.add(path, "want a finite number")
	case *x < 0 && info.Name != "temperature.max":
		c.add(path, "%s is never below 0", info.Name)
	case *x > 1 && info.Name == "quality.top1":
		c.add(path, "%s is a share from 0 to 1: write 0.95 for 95 %%", info.Name)
	}
}

func (c *checker) search(s *Spec) {
	if !slices.Contains(samplers, s.Search.Sampler) {
		c.add("search.sampler", "unknown sampler %q%s (there are %s)", clip(s.Search.Sampler, 40),
			didYouMean(s.Search.Sampler, samplers), strings.Join(samplers, ", "))
	}
	if s.Search.Sampler == "cmaes" {
		for _, k := range s.Knobs {
			if len(k.Choice) > 2 {
				c.add("search.sampler", "cmaes takes numbers and two-valued choices alone, and %s has %d values (auto and motpe take knobs of every kind)", k.Name, len(k.Choice))
				break
			}
		}
	}
	if s.Search.Seed < 0 || s.Search.Seed > maxSeed {
		c.add("search.seed", "want a whole number from 0 to %d, not %d", int64(maxSeed), s.Search.Seed)
	}
	c.within("budget.trials", s.Budget.Trials, 1, maxTrials)
	c.within("budget.confirm", s.Budget.Confirm, 0, maxConfirm)
	if wall := s.Budget.Wall; wall != 0 && (wall < time.Second || wall > maxWall) {
		c.add("budget.wall", "want 1s to %s, not %s", FormatDuration(maxWall), FormatDuration(wall))
	}
}

// Warnings returns what is allowed but probably not meant. The spec must be
// valid.
func (s *Spec) Warnings() []fault.Problem {
	var c checker
	for i, o := range s.Objectives {
		if info, _, ok := LookupMetric(o.Metric); ok && info.Better != o.Direction {
			c.add(fmt.Sprintf("objectives.%d.direction", i), "%s of %s: usually %s is wanted", o.Direction, o.Metric, info.Better)
		}
	}
	if n := SpaceSize(s.Knobs); n < float64(s.Budget.Trials) {
		c.add("budget.trials", "%d trials, but there are only %.0f assignments: the study ends when all are measured", s.Budget.Trials, n)
	}
	return c.problems
}

// FormatDuration writes a time as people do: 2m, not 2m0s. ParseDuration reads
// it.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
