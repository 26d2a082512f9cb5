package main

import (
	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/agent"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check whether this computer can measure, and how well", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			got, err := c.Doctor(cmd.Context())
			switch {
			case err == nil:
				got.Checks = append([]targets.Check{{Name: "daemon", Status: targets.StatusOK, Detail: "it answers"}}, got.Checks...)
			case fault.KindOf(err) == fault.Unreachable:
				got = a.doctorAlone(cmd)
			default:
				return err
			}
			t := &table{header: []string{"check", "status", "detail", "try"}}
			failed := 0
			for _, x := range got.Checks {
				t.add(x.Name, x.Status, x.Detail, x.Try)
				if x.Status == targets.StatusFail {
					failed++
				}
			}
			if err := a.print(got, t); err != nil {
				return err
			}
			if failed > 0 {
				return fault.New(fault.Internal, "cannot measure here: %d checks failed", failed)
			}
			return nil
		},
	}
}

// doctorAlone makes the checks in this process, when no daemon runs.
func (a *app) doctorAlone(cmd *cobra.Command) client.Doctor {
	checks := []targets.Check{{Name: "daemon", Status: targets.StatusWarn, Detail: "it does not run", Try: "fettle serve"}}
	runtime := targets.Check{Name: "runtime", Status: targets.StatusOK}
	r, err := newRunner(profiler.Config{})
	if err == nil {
		found, failure := r.Inspect(cmd.Context())
		runtime.Detail, err = found.Name+" "+found.Version+", backend "+found.Backend, failure
	}
	if err != nil {
		runtime.Status, runtime.Detail, runtime.Try = targets.StatusFail, err.Error(), "make build"
	}
	folder := "/"
	if s, err := a.state(); err == nil {
		folder = s.dir
	}
	return client.Doctor{Checks: append(append(checks, runtime), agent.Doctor(cmd.Context(), "/", version, folder)...)}
}
