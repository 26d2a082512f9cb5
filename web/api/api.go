// Package api is the daemon's HTTP API: one table of routes with who may use
// each of them, the handlers, and the stream of events. It stands on
// interfaces it declares itself (Backend); the request and response types are
// those of web/client. Every error is a problem document (package fault).
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/fettle-edge/fettle/study/fault"
)

// maxBody is the most bytes a request may send.
const maxBody = 1 << 20

// API answers requests. Its methods are safe for concurrent use.
type API struct {
	Backend
	log     *slog.Logger
	lanes   *lanes
	streams *streams
	router  chi.Router
}

// New builds the API. Event streams end when ctx does.
func New(ctx context.Context, b Backend, log *slog.Logger) *API {
	a := &API{Backend: b, log: log, lanes: newLanes(), streams: newStreams(ctx), router: chi.NewRouter()}
	for _, route := range Routes() {
		a.router.Method(route.Method, route.Path, a.handler(route))
	}
	a.router.NotFound(a.plain(a.lost))
	a.router.MethodNotAllowed(a.plain(func(w http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.Invalid, "cannot %s %s: the method is not one it has", r.Method, r.URL.Path)
	}))
	return a
}

// ServeHTTP answers one request. The caller has checked the Host header and
// the origin.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.router.ServeHTTP(w, r) }

// handler puts a route's level and limits in front of its function.
func (a *API) handler(route Route) http.HandlerFunc {
	return a.plain(func(w http.ResponseWriter, r *http.Request) error {
		if route.Level != Open {
			caller := a.Access.Caller(w, r)
			if caller == nil {
				return fault.New(fault.Unlogged, "cannot show this without a login").Trying("fettle open")
			}
			if route.Level == Socket && !caller.Socket {
				return fault.New(fault.Forbidden, "cannot do this from a browser").Trying("use the fettle command on the daemon's computer")
			}
			r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			if err := onlyJSON(r); err != nil {
				return err
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		return route.handle(a, w, r)
	})
}

// lost answers where no route is: a person gets the page, which says so.
func (a *API) lost(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
		a.Page.ServeHTTP(&notFound{ResponseWriter: w}, r)
		return nil
	}
	return fault.New(fault.NotFound, "cannot find %s", r.URL.Path).Trying("start at /")
}

// notFound makes a success a 404.
type notFound struct {
	http.ResponseWriter
	begun bool
}

func (n *notFound) Write(b []byte) (int, error) {
	if !n.begun {
		n.begun = true
		n.WriteHeader(http.StatusNotFound)
	}
	return n.ResponseWriter.Write(b)
}

// plain turns an error or a panic into a problem document.
func (a *API) plain(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p) // the connection must break: half a response was sent
			}
			a.log.Error("a handler panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			a.problem(w, r, fault.New(fault.Internal, "cannot do this because of an internal error").Trying("look at the daemon's log"))
		}()
		if err := h(w, r); err != nil {
			a.problem(w, r, err)
		}
	}
}

func (a *API) problem(w http.ResponseWriter, r *http.Request, err error) {
	body, status := fault.Encode(err)
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		a.log.Error("cannot answer", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	h := w.Header()
	h.Set("Content-Type", fault.ContentType)
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Length")
	h.Del("Content-Disposition")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is not our fault
}

type callerKey struct{}

// callerOf returns who sent the request; routes that are not Open always have
// one.
func callerOf(r *http.Request) *Caller {
	c, _ := r.Context().Value(callerKey{}).(*Caller)
	return c
}

// onlyJSON refuses what a form or a script of another site could send without
// asking first.
func onlyJSON(r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return fault.New(fault.Invalid, "cannot read a body that is not JSON").Trying("send Content-Type: application/json")
	}
	return nil
}

// read decodes the body strictly.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, extra := d.Token(); extra == io.EOF {
			return nil
		}
		return fault.New(fault.Invalid, "cannot read the body: there is more than one JSON value")
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.TooLarge, "cannot read a body of more than %d bytes", tooLarge.Limit)
	}
	return fault.New(fault.Invalid, "cannot read the body: %v", err)
}

// write answers with JSON.
func write(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is not our fault
	return nil
}
