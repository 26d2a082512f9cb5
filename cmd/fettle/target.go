package main

import (
	"github.com/spf13/cobra"
)

func (a *app) target() *cobra.Command {
	return group("target", "Boards on which variants are measured", a.targetList())
}

func (a *app) targetList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List targets", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Targets(cmd.Context())
			if err != nil {
				return err
			}
			t := &table{header: []string{"name", "kind", "state", "cpu", "memory", "energy", "last seen"}, empty: "No targets yet."}
			for _, x := range all.Targets {
				state := "offline"
				switch {
				case x.Busy != "":
					state = "busy: " + x.Busy
				case x.Online:
					state = "online"
				}
				energy := x.Facts.Energy.Source
				if energy == "" {
					energy = "absent: " + x.Facts.Energy.Missing
				}
				t.add(x.Name, x.Kind, state, x.Facts.CPU, byteSize(float64(x.Facts.MemoryBytes)), energy, ago(x.LastSeen))
			}
			return a.print(all, t)
		},
	}
}
