// Package wire is the contract between the daemon and an agent: the messages,
// and the Peer that carries them. An agent dials; the daemon never does.
//
// Every call is idempotent: the same message twice has the same effect and
// the same answer as once. A lease is fenced by a number that only grows; a
// message with an older fence is refused with a fault of kind conflict, and the
// agent then kills its runner and drops what it has.
package wire

import (
	"context"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
)

// Version is the protocol version. History:
//
//	1  2026-11: hello, poll, renew, piece, report
const Version = 1

// Hello introduces an agent. It is sent at every start and whenever the facts
// change.
type Hello struct {
	Version int           `json:"version"`
	Target  string        `json:"target"`  // the name the agent serves
	Kind    string        `json:"kind"`    // of the target; "" leaves what the daemon knows
	BootID  string        `json:"boot_id"` // changes when the board restarts
	Session string        `json:"session"` // changes when the agent restarts
	Facts   targets.Facts `json:"facts"`
}

// Welcome answers a Hello.
type Welcome struct {
	Version int           `json:"version"`
	TTL     time.Duration `json:"ttl_ns"` // of leases
}

// Poll asks for work. The agent sends it only when no runner of its is alive:
// it is the proof of idleness without which a target gets no new work.
type Poll struct {
	Target  string `json:"target"`
	Session string `json:"session"`
}

// Work is one attempt to make.
type Work struct {
	Lease    study.Lease      `json:"lease"`
	Pieces   []study.PieceRef `json:"pieces"` // files of the variant in order
	Run      study.RunOptions `json:"run"`
	Workload study.Workload   `json:"workload"`
	Seed     int64            `json:"seed"`
}

// Report closes an attempt.
type Report struct {
	Lease  study.Lease  `json:"lease"`
	Result study.Result `json:"result"`
}

// Peer is the daemon as an agent sees it. Implementations are safe for
// concurrent use. Contexts bound each call; a call that fails for reasons of
// the network is tried again by the agent, never by the Peer.
type Peer interface {
	// Hello registers the agent. A fault of kind invalid means that the
	// versions do not fit.
	Hello(ctx context.Context, h Hello) (Welcome, error)

	// Poll waits until there is work for the target or a while has passed;
	// then it returns nil without error.
	Poll(ctx context.Context, p Poll) (*Work, error)

	// Renew extends the lease; call it every TTL/3. A fault of kind conflict
	// means that the lease is lost.
	Renew(ctx context.Context, l study.Lease) (study.Lease, error)

	// Piece returns the path of a local file that holds the piece and stays
	// until the attempt is reported. The local daemon hands out its own file;
	// over HTTP it is fetched, verified against its digest and cached.
	Piece(ctx context.Context, l study.Lease, p study.PieceRef) (path string, err error)

	// Report delivers the result. Delivering it again is a success.
	Report(ctx context.Context, r Report) error
}
