package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) trial() *cobra.Command {
	return group("trial", "Look at the trials of a study", a.trialList(), a.trialShow())
}

func (a *app) trialList() *cobra.Command {
	var feasible, onFront bool
	var order string
	cmd := &cobra.Command{
		Use: "list STUDY", Short: "List the trials of a study", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := a.lookUp(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			got, err := c.Trials(cmd.Context(), s.ID, 0)
			if err != nil {
				return err
			}
			got.Trials, err = choose(got, feasible, onFront, order)
			if err != nil {
				return err
			}
			return a.print(got, trialTable(s.Spec, got))
		},
	}
	cmd.Flags().BoolVar(&feasible, "feasible", false, "only trials that meet every constraint")
	cmd.Flags().BoolVar(&onFront, "front", false, "only trials on the front")
	cmd.Flags().StringVar(&order, "sort", "", "`metric` to sort by, best first")
	return cmd
}

// choose filters and sorts trials.
func choose(all client.Trials, feasible, onFront bool, order string) ([]study.Trial, error) {
	front := map[int]bool{}
	for _, numbers := range all.Fronts {
		for _, n := range numbers {
			front[n] = true
		}
	}
	kept := []study.Trial{}
	for _, t := range all.Trials {
		if (!feasible || t.Feasible()) && (!onFront || front[t.Number]) {
			kept = append(kept, t)
		}
	}
	if order == "" {
		return kept, nil
	}
	info, _, ok := study.LookupMetric(order)
	if !ok {
		return nil, fault.New(fault.Invalid, "cannot sort by %q: no such metric", order).Trying("one of the columns of: fettle trial list")
	}
	sort.SliceStable(kept, func(i, j int) bool {
		x, okx := kept[i].Values[study.ValueKey(order)]
		y, oky := kept[j].Values[study.ValueKey(order)]
		if okx != oky {
			return okx
		}
		if info.Better == study.Max {
			return x.Value > y.Value
		}
		return x.Value < y.Value
	})
	return kept, nil
}

func trialTable(spec study.Spec, got client.Trials) *table {
	names := spec.MetricNames()
	t := &table{header: append([]string{"trial", "target", "state", "front"}, names...), empty: "No trials yet."}
	t.header = append(t.header, "recipe", "why")
	front := map[int]bool{}
	for _, numbers := range got.Fronts {
		for _, n := range numbers {
			front[n] = true
		}
	}
	for _, tr := range got.Trials {
		star := ""
		if front[tr.Number] {
			star = "★"
		}
		row := []string{fmt.Sprint(tr.Number), tr.Target, string(tr.State), star}
		for _, n := range names {
			cell := "–"
			if v, ok := tr.Values[study.ValueKey(n)]; ok {
				cell = human(n, v.Value)
			}
			row = append(row, cell)
		}
		t.add(append(row, tr.Recipe.Text, tr.Detail)...)
	}
	return t
}

func (a *app) trialShow() *cobra.Command {
	return &cobra.Command{
		Use: "show STUDY TRIAL", Short: "Show a trial: recipe, measurements, conditions", Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := parseTrial(args[1])
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			t, err := c.Trial(cmd.Context(), args[0], n)
			if err != nil {
				return err
			}
			return a.print(t, trialDetail(t))
		},
	}
}

func trialDetail(v client.TrialView) *table {
	t := &table{facts: true, header: []string{"trial", fmt.Sprintf("%d of %s on %s", v.Number, v.Study, v.Target)}}
	state := string(v.State)
	if v.OnFront {
		state += ", on the front"
	}
	t.add("state", state)
	if v.Detail != "" {
		t.add("why", v.Reason+": "+v.Detail)
	}
	t.add("recipe", v.Recipe.Text)
	if v.Origin != "" {
		t.add("proposed as", originText(v.Origin))
	}
	t.add("variant", v.Variant.Short()+"…")
	names := make([]string, 0, len(v.Values))
	for n := range v.Values {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		s := v.Values[n]
		cell := human(n, s.Value)
		if s.Low != s.High {
			cell += fmt.Sprintf("  (95 %%: %s to %s, n = %d)", human(n, s.Low), human(n, s.High), s.N)
		}
		t.add(n, cell)
	}
	for _, w := range v.Warnings {
		t.add("warning", w)
	}
	for i, at := range v.Attempts {
		t.add(fmt.Sprintf("attempt %d", i+1), attemptLine(at))
		if at.Result != nil && at.Result.Conditions != nil {
			for _, row := range conditions(at.Result.Conditions) {
				t.add(row...)
			}
		}
	}
	for i, line := range v.Stderr {
		name := ""
		if i == 0 {
			name = "stderr"
		}
		t.add(name, line)
	}
	if v.Command != "" {
		t.add("run with", v.Command)
	}
	return t
}

// originText says where the assignment of a trial comes from.
func originText(origin string) string {
	switch origin {
	case search.OriginReplay:
		return origin + ": it was on the front of another target"
	case search.OriginStart:
		return origin + ": part of the design that a search begins with"
	case search.OriginModel:
		return origin + ": by what the trials before it said"
	case search.OriginRandom:
		return origin + ": an even draw"
	case search.OriginSobol:
		return origin + ": the next point of Sobol's sequence"
	case search.OriginNeighbour:
		return origin + ": the nearest recipe that was not tried yet"
	}
	return origin
}

func attemptLine(at study.Attempt) string {
	parts := []string{string(at.State)}
	if at.Result != nil && at.Result.Failure != nil {
		parts = append(parts, at.Result.Failure.Error())
	}
	if !at.Ended.IsZero() {
		parts = append(parts, fmt.Sprintf("took %.1f s", at.Ended.Sub(at.Started).Seconds()))
	}
	return strings.Join(parts, ", ")
}

// conditions lists what held while an attempt measured.
func conditions(c *study.Conditions) [][]string {
	rows := [][]string{{"  runtime", fmt.Sprintf("%s %s, backend %s", c.Runtime.Name, c.Runtime.Version, c.Runtime.Backend)}}
	if c.Governor != "" {
		rows = append(rows, []string{"  governor", c.Governor})
	}
	if c.Temperature != nil {
		rows = append(rows, []string{"  temperature", fmt.Sprintf("%.0f °C before, at most %.0f °C", c.Temperature.Low, c.Temperature.High)})
	}
	rows = append(rows, []string{"  load", fmt.Sprintf("%.2f before; %d repetitions thrown away", c.Load1, c.Repeated)})
	names := make([]string, 0, len(c.Missing))
	for n := range c.Missing {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		rows = append(rows, []string{"  no " + n, c.Missing[n]})
	}
	return rows
}
