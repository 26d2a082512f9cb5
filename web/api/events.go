package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

// Limits of event streams.
const (
	pace        = 250 * time.Millisecond // at most one batch in this time
	ping        = 15 * time.Second       // a comment, so that both ends notice a dead connection
	hold        = 30 * time.Second       // the longest that a measurement holds events back
	holdCheck   = 500 * time.Millisecond // how often a held stream asks whether the measurement is over
	batch       = 500                    // events read from the store at once
	farBehind   = 10000                  // a client this many revisions behind starts anew
	perLogin    = 8                      // streams of one login
	perSocket   = 64                     // streams on the unix socket
	streamWrite = 10 * time.Second       // a client that takes nothing for so long is dropped
)

// streams counts the event streams that are open and ends them together.
type streams struct {
	closing <-chan struct{}
	mu      sync.Mutex
	open    map[string]int // by login; "" is the socket
}

func newStreams(ctx context.Context) *streams {
	return &streams{closing: ctx.Done(), open: map[string]int{}}
}

// enter takes a place for one more stream of a caller.
func (s *streams) enter(c *Caller) (leave func(), err error) {
	limit := perLogin
	if c.Socket {
		limit = perSocket
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return nil, fault.New(fault.Interrupted, "cannot stream events: the daemon is stopping")
	default:
	}
	if s.open[c.Login] >= limit {
		return nil, fault.New(fault.Limited, "cannot open more than %d event streams", limit).Trying("close some tabs of the dashboard")
	}
	s.open[c.Login]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[c.Login]--; s.open[c.Login] == 0 {
			delete(s.open, c.Login)
		}
	}, nil
}

// events streams changes. The id of each is its revision: a client that comes
// back with the last id it saw (Last-Event-ID, or since) loses and doubles
// nothing. The first event of a client that names none is "hello" with the
// revision the stream starts after; "resync" tells a client to read everything
// again and goes on from there.
func (a *API) events(w http.ResponseWriter, r *http.Request) error {
	at := r.Header.Get("Last-Event-ID") // newer than the URL, which the browser repeats
	if at == "" {
		at = r.URL.Query().Get("since")
	}
	since, err := revision(at)
	if err != nil {
		return err
	}
	var only string
	if ref := r.URL.Query().Get("study"); ref != "" {
		st, err := a.find(r.Context(), ref)
		if err != nil {
			return err
		}
		only = st.ID
	}
	leave, err := a.streams.enter(callerOf(r))
	if err != nil {
		return err
	}
	defer leave()
	changed, stop := a.Store.Watch() // before the first read, so that nothing falls between
	defer stop()
	now, err := a.Store.Revision(r.Context())
	if err != nil {
		return err
	}
	s := stream{api: a, w: w, control: http.NewResponseController(w), only: only, since: since}
	if err := s.begin(at == "", now); err != nil {
		return nil //nolint:nilerr // the client has gone; there is nobody to tell
	}
	s.run(r.Context(), changed)
	return nil
}

// stream is one client's event stream.
type stream struct {
	api     *API
	w       http.ResponseWriter
	control *http.ResponseController
	only    string // a study's id, or "" for everything
	since   int64  // the last event that was sent
}

// begin sends the headers and where the stream starts.
func (s *stream) begin(fresh bool, now int64) error {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	if err := s.control.SetReadDeadline(time.Time{}); err != nil { // it would end the request
		return err
	}
	kind := ""
	switch {
	case fresh:
		kind = "hello"
	case s.since > now || now-s.since > farBehind: // another database, or too long ago
		kind = string(client.Resync)
	}
	if kind == "" {
		return s.send("retry: 1000\n\n")
	}
	s.since = now
	return s.send(fmt.Sprintf("retry: 1000\nid: %d\nevent: %s\ndata: {\"seq\":%d}\n\n", now, kind, now))
}

// run sends what changed until the client or the daemon goes.
func (s *stream) run(ctx context.Context, changed <-chan struct{}) {
	alive := time.NewTicker(ping)
	defer alive.Stop()
	for {
		more, err := s.batch(ctx)
		if err != nil {
			return
		}
		if !s.rest(ctx, pace) {
			return
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.api.streams.closing:
			return
		case <-alive.C:
			if s.send(": ping\n\n") != nil {
				return
			}
		case <-changed:
			if !s.quiet(ctx) {
				return
			}
		}
	}
}

// batch sends the next events and reports whether there may be more.
func (s *stream) batch(ctx context.Context) (more bool, err error) {
	events, err := s.api.Store.Events(ctx, s.since, s.only, batch)
	if err != nil {
		if ctx.Err() == nil {
			s.api.log.Error("cannot read events", "error", err)
		}
		return false, err
	}
	if len(events) == 0 {
		return false, nil
	}
	var text []byte
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			return false, err
		}
		text = fmt.Appendf(text, "id: %d\nevent: change\ndata: %s\n\n", e.Seq, data)
		s.since = e.Seq
	}
	return len(events) == batch, s.send(string(text))
}

// quiet waits while this computer measures, so that a browser that redraws
// does not disturb; it gives up after a while, so that a person sees progress.
func (s *stream) quiet(ctx context.Context) bool {
	for end := time.Now().Add(hold); s.api.Host.Busy() && time.Now().Before(end); {
		if !s.rest(ctx, holdCheck) {
			return false
		}
	}
	return true
}

// rest waits; false means that the stream is over.
func (s *stream) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.api.streams.closing:
	}
	return false
}

func (s *stream) send(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
