package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) front() *cobra.Command {
	return &cobra.Command{
		Use: "front STUDY", Short: "Show the Pareto front of a study", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, s, err := a.lookUp(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			f, err := c.Front(cmd.Context(), s.ID)
			if err != nil {
				return err
			}
			return a.printFront(s.Spec, f)
		},
	}
}

// printFront prints a front with its objectives first.
func (a *app) printFront(spec study.Spec, f client.Front) error {
	var names []string
	for _, o := range spec.Objectives {
		names = append(names, o.Metric)
	}
	t := &table{header: append(append([]string{"trial", "target"}, names...), "recipe"), empty: "No trial has met every constraint yet."}
	for _, p := range f.Front {
		row := []string{fmt.Sprint(p.Trial), p.Target}
		for _, n := range names {
			row = append(row, human(n, p.Values[study.ValueKey(n)]))
		}
		t.add(append(row, p.Text)...)
	}
	return a.print(f, t)
}
