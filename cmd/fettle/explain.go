package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) studyExplain() *cobra.Command {
	var target string
	cmd := &cobra.Command{
		Use: "explain STUDY", Short: "Say what the search has found out, and what is left to gain", Args: exactly(1),
		Long: `Say what the search of one target has found out: which knobs matter for each
objective, the front as the model predicts it, the hypervolume after each trial
and what the next trials are expected to add. It waits while the daemon's
computer measures. As csv it prints the hypervolume alone.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := a.lookUp(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			x, err := c.Explain(cmd.Context(), s.ID, target)
			if err != nil {
				return err
			}
			if a.output != "table" && a.output != "" {
				return a.print(x, volumes(x))
			}
			return a.explanation(s.Spec, x)
		},
	}
	cmd.Flags().StringVar(&target, "target", "", "the `target` whose search to explain; needed where a study has several")
	return cmd
}

// volumes is the table of hypervolumes.
func volumes(x client.Explanation) *table {
	t := &table{header: []string{"trial", "hypervolume", "of the last"}, empty: "No hypervolume yet: " + x.NoReference + "."}
	for _, v := range x.Hypervolume {
		share := "–"
		if last := x.Hypervolume[len(x.Hypervolume)-1].Value; last > 0 {
			share = fmt.Sprintf("%.1f %%", 100*v.Value/last)
		}
		t.add(fmt.Sprint(v.Trial), fmt.Sprintf("%.6g", v.Value), share)
	}
	return t
}

// explanation prints all of it for people, a paragraph for each part.
func (a *app) explanation(spec study.Spec, x client.Explanation) error {
	w := a.stdout
	fmt.Fprintf(w, "Target %s, %s told. Sampler %s: %s.\n", x.Target, count(x.Told, "trial"), x.Sampler, x.Why)
	fmt.Fprintln(w, left(x))
	if x.Stopped != "" {
		fmt.Fprintf(w, "The lane ended early: %s.\n", x.Stopped)
	}
	fmt.Fprintln(w, referenceText(spec, x))
	for _, r := range x.Redundant {
		fmt.Fprintf(w, "%s and %s say nearly the same (correlation %.3f): one of them would do.\n", r.A, r.B, r.Correlation)
	}
	if x.NoModel != "" {
		fmt.Fprintf(w, "\nNothing is predicted yet: %s.\n", x.NoModel)
		return nil
	}
	fmt.Fprintln(w, "\nKnobs, by their share of the variance of each objective: alone, and with their interactions")
	if x.NoImportance != "" {
		fmt.Fprintf(w, "None yet: %s.\n", x.NoImportance)
	} else if err := knobShares(x).text(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nFront as the model predicts it, with 95 % intervals of the true values")
	if err := estimates(spec, x.Front, "No feasible trial has a value for every objective yet.").text(w); err != nil {
		return err
	}
	if len(x.Open) > 0 {
		fmt.Fprintln(w, "\nUnder way, as predicted")
		return estimates(spec, x.Open, "").text(w)
	}
	return nil
}

func left(x client.Explanation) string {
	if r := x.Remaining; r != nil {
		return fmt.Sprintf("The next %d trials are expected to add %.2g %% to the hypervolume.", r.Trials, 100*r.Share)
	}
	if x.NoRemaining != "" {
		return fmt.Sprintf("What is left to gain is not known: %s.", x.NoRemaining)
	}
	return "What is left to gain is not known: there is no model yet."
}

func referenceText(spec study.Spec, x client.Explanation) string {
	if x.NoReference != "" {
		return fmt.Sprintf("There is no hypervolume yet: %s.", x.NoReference)
	}
	var parts []string
	for _, o := range spec.Objectives {
		r := x.Reference[o.Metric]
		from := "worst measured, with a margin"
		if r.Limit {
			from = "the study's limit"
		}
		parts = append(parts, fmt.Sprintf("%s %s (%s)", o.Metric, human(o.Metric, r.Value), from))
	}
	return "Hypervolume is measured from " + strings.Join(parts, ", ") + "."
}

// count writes a number of things.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// knobShares has a row for each knob and a column for each objective.
func knobShares(x client.Explanation) *table {
	t := &table{header: []string{"knob"}}
	rows := map[string][]string{}
	var order []string
	for _, im := range x.Importance {
		for _, k := range im.Knobs {
			if rows[k.Knob] == nil {
				rows[k.Knob] = make([]string, len(x.Importance))
				order = append(order, k.Knob)
			}
		}
	}
	together := make([]string, len(x.Importance))
	for j, im := range x.Importance {
		t.header = append(t.header, im.Metric)
		for _, k := range im.Knobs {
			rows[k.Knob][j] = fmt.Sprintf("%.0f %% / %.0f %%", 100*k.Main, 100*k.Total)
		}
		together[j] = fmt.Sprintf("%.0f %%", 100*im.Interactions)
		if im.Absent != "" {
			together[j] = im.Absent
		}
	}
	for _, name := range order {
		t.add(append([]string{name}, rows[name]...)...)
	}
	t.add(append([]string{"(only together)"}, together...)...)
	return t
}

func estimates(spec study.Spec, list []study.Estimate, empty string) *table {
	t := &table{header: []string{"trial"}, empty: empty}
	for _, o := range spec.Objectives {
		t.header = append(t.header, o.Metric)
	}
	t.header = append(t.header, "feasible")
	for _, e := range list {
		row := []string{fmt.Sprint(e.Trial)}
		for _, o := range spec.Objectives {
			cell := human(o.Metric, e.Values[o.Metric])
			if i := e.Intervals[o.Metric]; i[0] != i[1] {
				cell += fmt.Sprintf(" (%s to %s)", human(o.Metric, i[0]), human(o.Metric, i[1]))
			}
			row = append(row, cell)
		}
		t.add(append(row, fmt.Sprintf("%.0f %%", 100*e.Feasible))...)
	}
	return t
}
