package api

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *API) page(w http.ResponseWriter, r *http.Request) error {
	a.Page.ServeHTTP(w, r)
	return nil
}

func (a *API) assets(w http.ResponseWriter, r *http.Request) error {
	a.Assets.ServeHTTP(w, r)
	return nil
}

func (a *API) login(w http.ResponseWriter, r *http.Request) error {
	var in client.Login
	if err := read(r, &in); err != nil {
		return err
	}
	if err := a.Access.LogIn(w, r, in.Code); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) link(w http.ResponseWriter, r *http.Request) error {
	url, valid := a.Access.Link()
	return write(w, http.StatusCreated, client.Link{URL: url, Seconds: int(valid.Seconds())})
}

func (a *API) info(w http.ResponseWriter, r *http.Request) error {
	info := a.Host.Info(r.Context())
	info.Holding = a.Host.Busy()
	if !callerOf(r).Socket {
		info.Incoming = ""
	}
	return write(w, http.StatusOK, info)
}

func (a *API) doctor(w http.ResponseWriter, r *http.Request) error {
	return write(w, http.StatusOK, client.Doctor{Checks: a.Host.Doctor(r.Context())})
}

func (a *API) schema(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(a.Schema) // a client that has gone is not our fault
	return nil
}

func (a *API) vocabulary(w http.ResponseWriter, r *http.Request) error {
	out := client.Vocabulary{}
	for _, m := range study.MetricRegistry() {
		out.Metrics = append(out.Metrics, client.Metric{Name: m.Name, Unit: m.Unit, Better: m.Better, Source: m.Source, Help: m.Help})
	}
	for _, k := range study.KnobRegistry() {
		out.Knobs = append(out.Knobs, client.Knob{Name: k.Name, Part: k.Part, Help: k.Help})
	}
	return write(w, http.StatusOK, out)
}

func (a *API) targets(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Store.Targets(r.Context())
	if err != nil {
		return err
	}
	out := client.Targets{Targets: []client.TargetView{}}
	for _, t := range all {
		on, running, err := a.online(r.Context(), t.Name, t.LastSeen)
		if err != nil {
			return err
		}
		v := client.TargetView{Target: t, Online: on}
		if running != nil {
			v.Busy = client.TrialRef(running.Study, running.Trial)
		}
		out.Targets = append(out.Targets, v)
	}
	return write(w, http.StatusOK, out)
}

func (a *API) models(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Store.Models(r.Context())
	if err != nil {
		return err
	}
	if all == nil {
		all = []study.Model{}
	}
	return write(w, http.StatusOK, client.Models{Models: all})
}

func (a *API) model(w http.ResponseWriter, r *http.Request) error {
	digest, err := study.ParseDigest(chi.URLParam(r, "digest"))
	if err != nil {
		return fault.New(fault.NotFound, "cannot find the model: %v", err).Trying("fettle model list")
	}
	m, err := a.Store.Model(r.Context(), digest)
	if err != nil {
		return err
	}
	v := client.ModelView{Model: m}
	var ranking study.Ranking
	known, err := a.Store.Fact(r.Context(), digest, FactRanking, &ranking)
	if err != nil {
		return err
	}
	if known {
		v.Ranking = &ranking
	}
	if v.Tensors, err = a.Contents.Tensors(r.Context(), digest); err != nil {
		return err
	}
	return write(w, http.StatusOK, v)
}

func (a *API) adopt(w http.ResponseWriter, r *http.Request) error {
	var in client.Adopt
	if err := read(r, &in); err != nil {
		return err
	}
	if !plainName(in.Incoming) {
		return fault.New(fault.Invalid, "cannot take %q: it is not a plain file name", in.Incoming)
	}
	got, err := a.Contents.Adopt(r.Context(), in.Incoming, in.Name, in.Model)
	if err != nil {
		return err
	}
	return write(w, http.StatusCreated, got)
}

// plainName reports whether s names a file inside a folder and nothing else.
func plainName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 255 && !strings.ContainsAny(s, "/\\\x00")
}
