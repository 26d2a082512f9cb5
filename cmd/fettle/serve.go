package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// defaultListen is the dashboard's address.
const defaultListen = "127.0.0.1:8420"

func (a *app) serve() *cobra.Command {
	o := options{}
	var verbose bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the daemon", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.log = a.logger(verbose)
			s, err := a.state()
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("listen") && os.Getenv("FETTLE_LISTEN") != "" {
				o.listen = os.Getenv("FETTLE_LISTEN")
			}
			d, err := openDaemon(cmd.Context(), s, o)
			if err != nil {
				return err
			}
			d.banner(a)
			if d.agents != nil {
				fmt.Fprintf(a.stderr, "agents     http://%s (no enrolment: tests only)\n", d.agents.listener.Addr())
			}
			err = d.run(cmd.Context())
			if closing := d.close(); err == nil {
				err = closing
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", defaultListen, "`address` of the dashboard; loopback only (also $FETTLE_LISTEN)")
	flags.StringArrayVar(&o.allowedHosts, "allowed-host", nil, "further `name` under which browsers may reach the dashboard")
	flags.DurationVar(&o.silence, "job-timeout", 10*time.Minute, "longest silence of a job of fettle-runner before it is killed")
	flags.BoolVar(&verbose, "verbose", false, "log more")
	flags.StringVar(&o.agentListen, "insecure-agent-listen", "", "serve agents without enrolment on this loopback `address`; for tests")
	flags.BoolVar(&o.noLocal, "no-local", false, "do not measure on this computer")
	_ = flags.MarkHidden("insecure-agent-listen") // the flag exists
	return cmd
}

// logger writes the daemon's log to stderr.
func (a *app) logger(verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}
