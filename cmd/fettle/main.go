// Command fettle is the daemon and its command line: it runs studies that fit
// a generative model to boards by measurement, and shows the Pareto front in
// the browser.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/study/fault"
)

// version is set by the linker.
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// errSignal is the cause of a context that SIGINT or SIGTERM ended.
var errSignal = errors.New("interrupted")

// run executes a command line and returns the exit code. The first signal ends
// the command's context; a second one ends the process at once.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(errSignal)
		<-signals
		os.Exit(fault.Interrupted.Exit())
	}()

	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	return complain(stderr, err)
}

// complain prints an error as people should see it and returns its exit code.
func complain(w io.Writer, err error) int {
	if errors.Is(err, errSignal) || errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "interrupted")
		return fault.Interrupted.Exit()
	}
	e, ok := fault.As(err)
	if !ok {
		fmt.Fprintln(w, "error:", err)
		return fault.KindOf(err).Exit()
	}
	fmt.Fprintln(w, "error:", e.Error())
	for _, p := range e.Problems {
		fmt.Fprintln(w, " ", p)
	}
	if e.Try != "" {
		fmt.Fprintln(w, "  try:", e.Try)
	}
	return e.Kind.Exit()
}

// app is what every command shares.
type app struct {
	stdout, stderr io.Writer
	stateDir       string
	output         string
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	a := &app{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:           "fettle",
		Short:         "Fit generative models to edge hardware, by measurement",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
		Args:          noSuchCommand,
		RunE:          help,
	}
	root.SuggestionsMinimumDistance = 2
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.New(fault.Invalid, "cannot read the command line: %v", err).Trying("%s --help", cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.stateDir, "state-dir", "", "`folder` of the daemon's state (default $FETTLE_STATE_DIR, else $XDG_STATE_HOME/fettle)")
	flags.StringVarP(&a.output, "output", "o", "", "output `format`: table, json, yaml or csv")
	flags.Bool("json", false, "the same as -o json")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) }
	root.AddCommand(
		a.demo(), a.serve(), a.open(), a.doctor(),
		a.study(), a.trial(), a.front(), a.export(),
		a.model(), a.target(), a.search(),
	)
	return root
}

// prepare checks the flags that all commands have.
func (a *app) prepare(cmd *cobra.Command) error {
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		a.output = "json"
	}
	if cmd.Name() == "export" { // its -o is a folder
		return nil
	}
	switch a.output {
	case "", "table", "json", "yaml", "csv":
		return nil
	}
	return fault.New(fault.Invalid, "cannot print the format %q", a.output).Trying("-o table, -o json, -o yaml or -o csv")
}

// group is a command that only holds others: given none of them, or a wrong
// one, it says so.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: noSuchCommand, RunE: help, SuggestionsMinimumDistance: 2}
	cmd.AddCommand(subs...)
	return cmd
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// noSuchCommand refuses what is left on the command line of a group, naming
// the command that was probably meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fault.New(fault.Invalid, "cannot find the command %q", cmd.CommandPath()+" "+args[0]).Trying("%s --help", cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = err.Trying("%s %s", cmd.CommandPath(), near[0])
	}
	return err
}

// exactly wants n arguments, named in the command's use line.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fault.New(fault.Invalid, "cannot run %q with %d arguments", cmd.CommandPath(), len(args)).Trying("%s", cmd.UseLine())
	}
}
