package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) study() *cobra.Command {
	return group("study", "Create, watch and end studies",
		a.studyValidate(), a.studyRun(), a.studyList(), a.studyShow(), a.studyExplain(), a.studyWatch(), a.studyStop(), a.studyResume())
}

func (a *app) studyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List studies, newest first", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Studies(cmd.Context())
			if err != nil {
				return err
			}
			t := &table{header: []string{"id", "state", "model", "trials", "front", "created", "note"}, empty: "No studies yet. Try: fettle demo, or fettle study run study.yaml"}
			for _, s := range all.Studies {
				done, of, front := progress(s)
				t.add(s.ID, string(s.State), s.Spec.Model.Name, fmt.Sprintf("%d/%d", done, of), fmt.Sprint(front), ago(s.Created), s.Note)
			}
			return a.print(all, t)
		},
	}
}

// progress sums the lanes of a study.
func progress(s client.StudyView) (finished, budget, front int) {
	for _, l := range s.Lanes {
		finished += l.Finished
		budget += l.Budget
		front += len(l.Front)
	}
	return finished, budget, front
}

func (a *app) studyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show STUDY", Short: "Show a study: its spec and how far it is", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, s, err := a.lookUp(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(s, describe(s))
		},
	}
}

// describe makes a table of two columns of a study.
func describe(s client.StudyView) *table {
	t := &table{facts: true, header: []string{"study", s.ID}}
	t.add("state", string(s.State))
	if s.Note != "" {
		t.add("", s.Note)
	}
	t.add("model", fmt.Sprintf("%s (sha256 %s…)", s.Spec.Model.Name, s.Spec.Model.Digest.Short()))
	w := s.Spec.Workload
	t.add("workload", fmt.Sprintf("%d prompt tokens, %d generated, context %d; %d to %d repetitions, at most %v",
		w.PromptTokens, w.GenerateTokens, w.Context, w.MinRepeats, w.MaxRepeats, w.MaxTime))
	for _, o := range s.Spec.Objectives {
		t.add("objective", fmt.Sprintf("%s %s", o.Direction, o.Metric))
	}
	for _, c := range s.Spec.Constraints {
		t.add("constraint", bound(c))
	}
	for _, k := range s.Spec.Knobs {
		t.add("knob", k.Name+" "+domain(k))
	}
	sampler, _ := search.Describe(search.Config{Knobs: s.Spec.Knobs, Sampler: s.Spec.Search.Sampler, Budget: s.Spec.Budget.Trials})
	t.add("search", fmt.Sprintf("sampler %s (%s), seed %d", s.Spec.Search.Sampler, sampler, s.Spec.Search.Seed))
	if s.Spec.Search.StopTrials {
		t.add("", fmt.Sprintf("trials that cannot reach the front any more are stopped, wrongly at most %g %%", 100*fidelity.DefaultError))
	}
	if again, why := search.Reproducible(sampler); !again {
		t.add("", "not to be had again from the seed alone: "+why)
	}
	t.add("budget", budget(s.Spec.Budget))
	for _, l := range s.Lanes {
		t.add("lane "+l.Target, strings.TrimSpace(fmt.Sprintf("%d/%d trials finished, front of %d  %s", l.Finished, l.Budget, len(l.Front), l.Phase)))
	}
	var counts []string
	for _, st := range []study.State{study.Complete, study.Infeasible, study.Stopped, study.Failed, study.Cancelled} {
		if n := s.Counts[st]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, st))
		}
	}
	if len(counts) > 0 {
		t.add("trials", strings.Join(counts, ", "))
	}
	return t
}

func budget(b study.Budget) string {
	text := fmt.Sprintf("%d trials on each target", b.Trials)
	if b.Wall > 0 {
		text += ", at most " + study.FormatDuration(b.Wall)
	}
	if b.MinGain > 0 {
		text += fmt.Sprintf("; fewer once the next ones are expected to add less than %.3g %% to the hypervolume (min_gain)", 100*b.MinGain)
	}
	return text
}

func bound(c study.Constraint) string {
	var parts []string
	if c.Min != nil {
		parts = append(parts, fmt.Sprintf("%s ≥ %s", c.Metric, human(c.Metric, *c.Min)))
	}
	if c.Max != nil {
		parts = append(parts, fmt.Sprintf("%s ≤ %s", c.Metric, human(c.Metric, *c.Max)))
	}
	return strings.Join(parts, ", ")
}

func domain(k study.Knob) string {
	switch {
	case k.Int != nil:
		return fmt.Sprintf("%d to %d", k.Int[0], k.Int[1])
	case k.Float != nil:
		return fmt.Sprintf("%g to %g", k.Float[0], k.Float[1])
	}
	values := make([]string, len(k.Choice))
	for i, v := range k.Choice {
		values[i] = v.String()
	}
	return strings.Join(values, ", ")
}

func (a *app) studyStop() *cobra.Command {
	return &cobra.Command{
		Use: "stop STUDY", Short: "End the work on a study; fettle study resume takes it up again", Args: exactly(1),
		RunE: a.change(func(cmd *cobra.Command, c *client.Client, id string) (client.StudyView, error) {
			return c.StopStudy(cmd.Context(), id)
		}),
	}
}

func (a *app) studyResume() *cobra.Command {
	return &cobra.Command{
		Use: "resume STUDY", Short: "Take up a stopped or failed study", Args: exactly(1),
		RunE: a.change(func(cmd *cobra.Command, c *client.Client, id string) (client.StudyView, error) {
			return c.ResumeStudy(cmd.Context(), id)
		}),
	}
}

// change runs a command that changes a study and prints what it is then.
func (a *app) change(do func(*cobra.Command, *client.Client, string) (client.StudyView, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		s, err := do(cmd, c, args[0])
		if err != nil {
			return err
		}
		t := &table{header: []string{"id", "state"}}
		t.add(s.ID, string(s.State))
		return a.print(s, t)
	}
}

func (a *app) studyWatch() *cobra.Command {
	return &cobra.Command{
		Use: "watch STUDY", Short: "Follow a study until it ends; interrupting only stops following", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			s, err := a.follow(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			return a.conclude(cmd.Context(), c, s)
		},
	}
}

func (a *app) studyValidate() *cobra.Command {
	return &cobra.Command{
		Use: "validate STUDY.yaml", Short: "Check a study file and its model without a daemon", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, m, err := loadStudy(args[0])
			if err != nil {
				return err
			}
			size := 1.0
			for _, k := range f.Spec.Knobs {
				size *= k.Size()
			}
			t := &table{facts: true, header: []string{"study", f.Spec.Name}}
			t.add("model", fmt.Sprintf("%s: %s, %d blocks, %s", f.ModelPath, m.Info().Architecture, m.Info().Blocks, byteSize(float64(m.Info().Bytes))))
			t.add("knobs", fmt.Sprintf("%d, %.4g combinations", len(f.Spec.Knobs), size))
			t.add("budget", fmt.Sprintf("%d trials on each of %d targets", f.Spec.Budget.Trials, len(f.Spec.Targets)))
			t.add("text", f.TextPath)
			for _, w := range f.Warnings {
				t.add("warning", w.Message)
			}
			return a.print(map[string]any{"valid": true, "spec": f.Spec, "warnings": f.Warnings, "combinations": size}, t)
		},
	}
}
