package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/fettle-edge/fettle/study/fault"
)

// agentPort serves agents on a port of its own.
type agentPort struct {
	listener net.Listener
	server   *http.Server
}

// listenAgents opens the port for agents without enrolment. Until agents are
// enrolled with keys, that is for tests on this computer alone: an address
// that is not loopback is refused.
func listenAgents(address string, h http.Handler) (*agentPort, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fault.New(fault.Invalid, "cannot serve agents on %q: without enrolment it must be a loopback address", address).Trying("127.0.0.1:8421")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fault.New(fault.Conflict, "cannot listen for agents on %s", address).Because(err)
	}
	return &agentPort{l, &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}}, nil
}

func (p *agentPort) serve() error {
	if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (p *agentPort) shutdown(ctx context.Context) error {
	// A poll lingers longer than a shutdown may take: cut what is left.
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := p.server.Shutdown(short); err != nil {
		return p.server.Close()
	}
	return nil
}
