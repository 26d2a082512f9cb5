package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets/wire"
)

// maxMessage bounds a message of an agent. A report holds every raw sample:
// some tens of bytes each.
const maxMessage = 8 << 20

// Handler serves a Dispatcher to agents over HTTP, on a mux of its own: no
// route of the dashboard is reachable here.
func (d *Dispatcher) Handler() http.Handler {
	r := chi.NewRouter()
	r.Post("/agent/v1/hello", call(d.Hello))
	r.Post("/agent/v1/poll", call(d.Poll))
	r.Post("/agent/v1/renew", call(d.Renew))
	r.Post("/agent/v1/report", call(func(ctx context.Context, m wire.Report) (struct{}, error) {
		return struct{}{}, d.Report(ctx, m)
	}))
	r.Get("/agent/v1/pieces/{digest}", d.piece)
	return r
}

// call makes a handler of a function from one message to another.
func call[In, Out any](do func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(&in)
		if err != nil {
			fail(w, fault.New(fault.Invalid, "cannot read the agent's message").Because(err))
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the agent is gone if this fails; its lease tells
	}
}

// piece sends a piece's file; http.ServeContent does ranges.
func (d *Dispatcher) piece(w http.ResponseWriter, r *http.Request) {
	digest, err := study.ParseDigest(chi.URLParam(r, "digest"))
	if err != nil {
		fail(w, fault.New(fault.Invalid, "cannot find a piece by this name").Because(err))
		return
	}
	path, err := d.cfg.Path(digest)
	if err != nil {
		fail(w, err)
		return
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		fail(w, fault.New(fault.NotFound, "cannot find piece %s", digest.Short()))
		return
	}
	if err != nil {
		fail(w, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("ETag", `"sha256-`+string(digest)+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

func fail(w http.ResponseWriter, err error) {
	body, status := fault.Encode(err)
	w.Header().Set("Content-Type", fault.ContentType)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
