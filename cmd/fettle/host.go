package main

import (
	"context"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/agent"
	"github.com/fettle-edge/fettle/web/client"
)

// host is the daemon's computer as the API sees it.
type host struct {
	state   state
	runner  *profiler.Runner
	runtime study.RuntimeInfo
	url     string
}

// Info says what this daemon is.
func (h *host) Info(context.Context) client.Info {
	return client.Info{
		Version: version, StateDir: h.state.dir, Incoming: h.state.contents() + "/incoming",
		URL: h.url, Runtime: h.runtime, Holding: h.Busy(),
	}
}

// Busy reports whether some process measures on this computer.
func (h *host) Busy() bool { return h.runner.Busy() }

// Doctor checks this computer as a target and as the daemon's host.
func (h *host) Doctor(ctx context.Context) []targets.Check {
	checks := []targets.Check{{
		Name: "runtime", Status: targets.StatusOK,
		Detail: h.runtime.Name + " " + h.runtime.Version + ", backend " + h.runtime.Backend,
	}}
	return append(checks, agent.Doctor(ctx, "/", version, h.state.dir)...)
}
