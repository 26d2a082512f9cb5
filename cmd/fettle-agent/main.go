// Command fettle-agent serves one board: it dials the daemon, leases attempts,
// runs the profiler and reports. It is a static binary without cgo.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/agent"
)

// version is set by the linker.
var version = "dev"

func main() {
	err := run()
	if err == nil {
		return
	}
	if e, ok := fault.As(err); ok {
		fmt.Fprintln(os.Stderr, "error:", e.Error())
		if e.Try != "" {
			fmt.Fprintln(os.Stderr, "  try:", e.Try)
		}
	} else {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	os.Exit(fault.KindOf(err).Exit())
}

// settings are what the command line says.
type settings struct {
	daemon, target, kind, state, runner, libraries, backend string
}

func parse() (settings, error) {
	var s settings
	flags := flag.NewFlagSet("fettle-agent", flag.ExitOnError)
	flags.StringVar(&s.daemon, "insecure-daemon", "", "`URL` of a daemon's agent port without enrolment, on this computer; for tests")
	flags.StringVar(&s.target, "target", "", "`name` of the target that this agent serves")
	flags.StringVar(&s.kind, "kind", targets.KindOther, "`kind` of the target")
	flags.StringVar(&s.state, "state-dir", "", "`folder` for pieces")
	flags.StringVar(&s.runner, "runner", "", "`path` of fettle-runner (default: beside this program)")
	flags.StringVar(&s.libraries, "libraries", "", "`folder` of the llama.cpp libraries (default: ../build/llama beside this program)")
	flags.StringVar(&s.backend, "backend", "", "`file` name of the CPU backend (default: the best)")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return s, err
	}
	if s.daemon == "" || s.target == "" || s.state == "" || flags.NArg() > 0 {
		return s, fault.New(fault.Invalid, "cannot run without --insecure-daemon, --target and --state-dir").Trying("fettle-agent --help")
	}
	u, err := url.Parse(s.daemon)
	if err != nil {
		return s, fault.New(fault.Invalid, "cannot read the URL %q", s.daemon)
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
		return s, fault.New(fault.Forbidden, "cannot use %s: without enrolment an agent talks to its own computer alone", s.daemon)
	}
	exe, err := os.Executable()
	if err != nil {
		return s, err
	}
	if s.runner == "" {
		s.runner = filepath.Join(filepath.Dir(exe), "fettle-runner")
	}
	if s.libraries == "" {
		s.libraries = filepath.Join(filepath.Dir(exe), "..", "build", "llama")
	}
	return s, nil
}

var errSignal = errors.New("interrupted")

func run() error {
	s, err := parse()
	if err != nil {
		return err
	}
	pieces := filepath.Join(s.state, "pieces")
	if err := os.MkdirAll(pieces, 0o700); err != nil {
		return fault.New(fault.Invalid, "cannot make the folder %s", pieces).Because(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(errSignal)
	}()
	bootID, err := targets.BootID("/")
	if err != nil {
		return err
	}
	runner, err := profiler.New(profiler.Config{Path: s.runner, Libraries: s.libraries, Backend: s.backend})
	if err != nil {
		return err
	}
	a := &agent.Agent{
		Peer: agent.NewClient(s.daemon, pieces), Measurer: agent.NewBoard(runner, "/"),
		Target: s.target, Kind: s.kind, Session: rand.Text(), BootID: bootID,
		Facts: func(ctx context.Context) targets.Facts { return agent.Facts(ctx, "/", version) },
		Log:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if err := a.Run(ctx); !errors.Is(err, errSignal) {
		return err
	}
	return nil
}
