package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

// resolve finds a study by its id, or by its name: the newest of that name.
func (a *API) resolve(r *http.Request) (study.Study, error) {
	return a.find(r.Context(), chi.URLParam(r, "id"))
}

func (a *API) find(ctx context.Context, ref string) (study.Study, error) {
	st, err := a.Store.Study(ctx, ref)
	if err == nil || fault.KindOf(err) != fault.NotFound {
		return st, err
	}
	all, err := a.Store.Studies(ctx)
	if err != nil {
		return study.Study{}, err
	}
	var found *study.Study
	for i, s := range all {
		if s.Spec.Name == ref && (found == nil || s.Created.After(found.Created)) {
			found = &all[i]
		}
	}
	if found == nil {
		return study.Study{}, fault.New(fault.NotFound, "cannot find the study %q", ref).Trying("fettle study list")
	}
	return *found, nil
}

func (a *API) studies(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Store.Studies(r.Context())
	if err != nil {
		return err
	}
	online, err := a.onlineTargets(r.Context())
	if err != nil {
		return err
	}
	out := client.Studies{Studies: []client.StudyView{}}
	for _, st := range all {
		view, err := a.view(r.Context(), st, online)
		if err != nil {
			return err
		}
		out.Studies = append(out.Studies, view)
	}
	return write(w, http.StatusOK, out)
}

func (a *API) study(w http.ResponseWriter, r *http.Request) error {
	st, err := a.resolve(r)
	if err != nil {
		return err
	}
	return a.answerStudy(w, r, http.StatusOK, st)
}

func (a *API) answerStudy(w http.ResponseWriter, r *http.Request, status int, st study.Study) error {
	online, err := a.onlineTargets(r.Context())
	if err != nil {
		return err
	}
	view, err := a.view(r.Context(), st, online)
	if err != nil {
		return err
	}
	return write(w, status, view)
}

func (a *API) view(ctx context.Context, st study.Study, online map[string]bool) (client.StudyView, error) {
	snap, err := a.lanes.of(ctx, a.Store, st)
	if err != nil {
		return client.StudyView{}, err
	}
	v := client.StudyView{
		Study:  st,
		Counts: map[study.State]int{},
		Units:  snap.units(st.Spec),
		Rev:    snap.rev,
	}
	for _, p := range snap.points {
		v.Counts[p.state]++
	}
	for _, ref := range st.Spec.Targets {
		v.Lanes = append(v.Lanes, a.lane(st, ref.Name, snap, online[ref.Name]))
	}
	return v, nil
}

func (a *API) createStudy(w http.ResponseWriter, r *http.Request) error {
	var spec study.Spec
	if err := read(r, &spec); err != nil {
		return err
	}
	st, err := a.Tuner.Create(r.Context(), spec)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/studies/"+st.ID)
	return a.answerStudy(w, r, http.StatusCreated, st)
}

func (a *API) stopStudy(w http.ResponseWriter, r *http.Request) error {
	return a.steer(w, r, a.Tuner.Stop)
}

func (a *API) resumeStudy(w http.ResponseWriter, r *http.Request) error {
	return a.steer(w, r, a.Tuner.Resume)
}

func (a *API) steer(w http.ResponseWriter, r *http.Request, do func(context.Context, string) error) error {
	st, err := a.resolve(r)
	if err != nil {
		return err
	}
	if err := do(r.Context(), st.ID); err != nil {
		return err
	}
	if st, err = a.Store.Study(r.Context(), st.ID); err != nil {
		return err
	}
	return a.answerStudy(w, r, http.StatusOK, st)
}

// explainTime is how long an explanation may wait and work.
const explainTime = 10 * time.Minute

func (a *API) explain(w http.ResponseWriter, r *http.Request) error {
	st, err := a.resolve(r)
	if err != nil {
		return err
	}
	// It may wait for a measurement to end: longer than the server's limits.
	deadline := http.NewResponseController(w)
	if err := errors.Join(deadline.SetReadDeadline(time.Time{}), deadline.SetWriteDeadline(time.Now().Add(explainTime))); err != nil {
		return err
	}
	x, err := a.Tuner.Explain(r.Context(), st.ID, r.URL.Query().Get("target"))
	if err != nil {
		return err
	}
	names := make([]string, len(st.Spec.Objectives))
	for i, o := range st.Spec.Objectives {
		names[i] = o.Metric
	}
	return write(w, http.StatusOK, client.Explanation{Study: st.ID, Units: study.Units(names), Explanation: x})
}

// offline is how long a target may be silent before it counts as offline.
const offline = 40 * time.Second

// online reports whether a target was heard of lately, or measures under a
// lease that still holds.
func (a *API) online(ctx context.Context, name string, seen time.Time) (bool, *study.Attempt, error) {
	running, err := a.Store.RunningAttempt(ctx, name)
	if err != nil {
		return false, nil, err
	}
	now := time.Now()
	return now.Sub(seen) < offline || running != nil && now.Before(running.Expires), running, nil
}

func (a *API) onlineTargets(ctx context.Context) (map[string]bool, error) {
	all, err := a.Store.Targets(ctx)
	if err != nil {
		return nil, err
	}
	on := map[string]bool{}
	for _, t := range all {
		if on[t.Name], _, err = a.online(ctx, t.Name, t.LastSeen); err != nil {
			return nil, err
		}
	}
	return on, nil
}
