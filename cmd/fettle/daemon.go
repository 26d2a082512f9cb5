package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/configs"
	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/agent"
	"github.com/fettle-edge/fettle/targets/dispatch"
	"github.com/fettle-edge/fettle/tuner"
	"github.com/fettle-edge/fettle/web"
	"github.com/fettle-edge/fettle/web/api"
)

// Timing of leases, and how long an ordered end may take.
const (
	leaseTTL     = 60 * time.Second
	pollLinger   = 25 * time.Second
	shutdownTime = 10 * time.Second
)

// localTarget is the name of this computer as a target.
const localTarget = "local"

// options are what serve and demo may be told.
type options struct {
	listen       string
	allowedHosts []string
	agentListen  string        // test only: agents without enrolment, on loopback
	noLocal      bool          // do not measure on this computer
	silence      time.Duration // longest silence of a runner before it is killed
	log          *slog.Logger
}

// daemon is everything that lives in the daemon's process. Parts are opened in
// the order of the fields and closed the other way round.
type daemon struct {
	state      state
	release    func() error // of the state folder
	store      *store.Store
	contents   *pieces.Store
	runner     *profiler.Runner
	tuner      *tuner.Tuner
	dispatcher *dispatch.Dispatcher
	local      *agent.Agent // nil with noLocal
	agents     *agentPort   // nil unless asked for
	web        *web.Server
	log        *slog.Logger
}

// openDaemon takes the state folder and opens everything; nothing works before
// run.
func openDaemon(ctx context.Context, s state, o options) (d *daemon, err error) {
	d = &daemon{state: s, log: o.log}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
			d = nil
		}
	}()
	if d.release, err = s.take(); err != nil {
		return d, err
	}
	if d.store, err = store.Open(ctx, s.database()); err != nil {
		return d, err
	}
	if d.contents, err = pieces.Open(s.contents()); err != nil {
		return d, err
	}
	found, err := d.openRunner(ctx, o.silence)
	if err != nil {
		return d, err
	}
	builder := compress.NewBuilder(d.contents, quantizer{d.runner}, string(found.Digest)+"/"+runtime.GOARCH)
	d.tuner = tuner.New(tuner.Config{
		Store:     d.store,
		Evaluator: evaluator{d.runner},
		Contents:  d.contents,
		Builder:   builder,
		BaseDir:   s.base(),
		Runtime:   found.RuntimeInfo,
		Threads:   max(1, runtime.NumCPU()-1),
		Now:       time.Now,
		NewID:     newID,
		Log:       o.log,
		Aside:     d.aside,
	})
	d.dispatcher = dispatch.New(dispatch.Config{
		Store: d.store, Path: d.contents.Path, Now: time.Now, NewID: newID,
		TTL: leaseTTL, Linger: pollLinger, Log: o.log,
	})
	if err := d.openAgents(o); err != nil {
		return d, err
	}
	key, err := s.sessionKey()
	if err != nil {
		return d, err
	}
	host := &host{state: s, runner: d.runner, runtime: found.RuntimeInfo}
	d.web, err = web.New(web.Config{
		Listen: o.listen, Socket: s.socket(), AllowedHosts: o.allowedHosts, SessionKey: key, Log: o.log,
		Backend: api.Backend{
			Store: d.store, Tuner: d.tuner, Contents: library{d.contents, d.store},
			Exporter: exporter{d.store, d.contents}, Host: host, Schema: configs.Schema(),
		},
	})
	if err == nil {
		host.url = d.web.URL()
	}
	return d, err
}

// openRunner finds the runner and fixes the CPU backend: numbers of different
// backends are not compared, so it is named from now on.
func (d *daemon) openRunner(ctx context.Context, silence time.Duration) (found job.Runtime, err error) {
	best, err := newRunner(profiler.Config{})
	if err != nil {
		return found, err
	}
	if found, err = best.Inspect(ctx); err != nil {
		return found, fault.New(fault.Invalid, "cannot use llama.cpp on this computer").Trying("fettle doctor").Because(err)
	}
	facts, err := targets.Inspect(ctx, "/")
	if err != nil {
		return found, err
	}
	d.runner, err = newRunner(profiler.Config{
		Backend:     found.Backend,
		MemoryLimit: facts.MemoryBytes, // a variant larger than the computer ends itself, not the computer
		Timeout:     silence,
	})
	return found, err
}

// aside does work while nobody measures on this computer.
func (d *daemon) aside(ctx context.Context, work func() error) error {
	hold, _, err := d.runner.Lock().Shared(ctx)
	if err != nil {
		return err
	}
	defer hold.Release()
	return work()
}

// openAgents makes the agent of this computer and, when asked for, the port
// for others.
func (d *daemon) openAgents(o options) (err error) {
	if !o.noLocal {
		bootID, err := targets.BootID("/")
		if err != nil {
			d.log.Warn("cannot read the boot id", "error", err)
		}
		d.local = &agent.Agent{
			Peer: d.dispatcher, Measurer: agent.NewBoard(d.runner, "/"), Target: localTarget, Kind: targets.KindLocal,
			Session: newID(), BootID: bootID, Log: d.log,
			Facts: func(ctx context.Context) targets.Facts { return agent.Facts(ctx, "/", version) },
		}
	}
	if o.agentListen != "" {
		d.agents, err = listenAgents(o.agentListen, d.dispatcher.Handler())
	}
	return err
}

// errDone ends a daemon's work without fault.
var errDone = errors.New("done")

// run works until ctx ends or a part fails; then everything is ended in order:
// requests, studies and measurements, the store.
func (d *daemon) run(ctx context.Context) error {
	serving, stopServing := errgroup.WithContext(context.WithoutCancel(ctx))
	serving.Go(d.web.Serve)
	if d.agents != nil {
		serving.Go(d.agents.serve)
	}
	group, working := errgroup.WithContext(ctx)
	group.Go(func() error { return d.tuner.Run(working) })
	group.Go(func() error { return d.dispatcher.Run(working) })
	if d.local != nil {
		group.Go(func() error { return d.local.Run(working) })
	}
	group.Go(func() error { // a listener that breaks ends the daemon
		select {
		case <-working.Done():
			return context.Cause(working)
		case <-stopServing.Done():
			return context.Cause(stopServing)
		}
	})
	notify("READY=1")
	group.Go(func() error {
		watchdog(working, func(ctx context.Context) error { _, err := d.store.Revision(ctx); return err })
		return nil
	})
	<-working.Done()
	notify("STOPPING=1")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := d.web.Shutdown(end)
	if d.agents != nil {
		err = errors.Join(err, d.agents.shutdown(end))
	}
	worked := group.Wait()
	err = errors.Join(err, serving.Wait())
	if ctx.Err() != nil { // told to end: what ended by it is no fault
		worked = nil
	}
	return errors.Join(worked, err)
}

// close releases what openDaemon opened.
func (d *daemon) close() error {
	var errs []error
	if d.contents != nil {
		errs = append(errs, d.contents.Close())
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	if d.release != nil {
		errs = append(errs, d.release())
	}
	return errors.Join(errs...)
}

// banner says on stderr where the dashboard is.
func (d *daemon) banner(a *app) {
	url, valid := d.web.Link()
	fmt.Fprintf(a.stderr, "dashboard  %s\n", url)
	fmt.Fprintf(a.stderr, "           (one login within %.0f s; later: fettle open)\n", valid.Seconds())
	fmt.Fprintf(a.stderr, "state      %s\n", d.state.dir)
	if d.agents == nil {
		fmt.Fprintf(a.stderr, "targets    this computer, as %q; boards: off\n", localTarget)
	}
}
