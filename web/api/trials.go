package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *API) trials(w http.ResponseWriter, r *http.Request) error {
	st, err := a.resolve(r)
	if err != nil {
		return err
	}
	since, err := revision(r.URL.Query().Get("since"))
	if err != nil {
		return err
	}
	snap, err := a.lanes.of(r.Context(), a.Store, st)
	if err != nil {
		return err
	}
	changed, err := a.Store.Trials(r.Context(), st.ID, since)
	if err != nil {
		return err
	}
	if changed == nil {
		changed = []study.Trial{}
	}
	return write(w, http.StatusOK, client.Trials{
		Rev:    snap.rev,
		Trials: changed,
		Fronts: snap.fronts,
		Units:  snap.units(st.Spec),
	})
}

// revision reads a revision that a client has seen; "" is 0.
func revision(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	rev, err := strconv.ParseInt(s, 10, 64)
	if err != nil || rev < 0 {
		return 0, fault.New(fault.Invalid, "cannot read the revision %q", s).Trying("use a number that an earlier answer gave")
	}
	return rev, nil
}

// one finds the study and the trial that a path names.
func (a *API) one(r *http.Request) (study.Study, study.Trial, error) {
	st, err := a.resolve(r)
	if err != nil {
		return study.Study{}, study.Trial{}, err
	}
	n, err := strconv.Atoi(chi.URLParam(r, "n"))
	if err != nil || n < 0 {
		return study.Study{}, study.Trial{}, fault.New(fault.NotFound, "cannot find the trial %q", chi.URLParam(r, "n")).Trying("fettle trial list %s", st.Spec.Name)
	}
	t, err := a.Store.Trial(r.Context(), st.ID, n)
	return st, t, err
}

func (a *API) trial(w http.ResponseWriter, r *http.Request) error {
	st, t, err := a.one(r)
	if err != nil {
		return err
	}
	snap, err := a.lanes.of(r.Context(), a.Store, st)
	if err != nil {
		return err
	}
	v := client.TrialView{
		Trial:   t,
		OnFront: slices.Contains(snap.fronts[t.Target], t.Number),
		Variant: t.Recipe.Variant(st.Spec.Model.Digest),
		Units:   study.Units(slices.Concat(st.Spec.MetricNames(), slices.Collect(maps.Keys(t.Values)))),
	}
	if len(t.Pieces) > 0 {
		v.Command = a.Exporter.Command(t)
	}
	if v.Attempts, err = a.Store.Attempts(r.Context(), st.ID, t.Number); err != nil {
		return err
	}
	if v.Attempts == nil {
		v.Attempts = []study.Attempt{}
	}
	if v.Quality, v.Chunks, err = a.quality(r.Context(), t); err != nil {
		return err
	}
	return write(w, http.StatusOK, v)
}

func (a *API) quality(ctx context.Context, t study.Trial) (study.QualityKey, []study.ChunkScore, error) {
	key, err := a.Tuner.QualityKey(ctx, t)
	if err != nil {
		return key, nil, err
	}
	chunks, err := a.Store.Scores(ctx, key)
	if chunks == nil {
		chunks = []study.ChunkScore{}
	}
	return key, chunks, err
}

func (a *API) front(w http.ResponseWriter, r *http.Request) error {
	st, err := a.resolve(r)
	if err != nil {
		return err
	}
	snap, err := a.lanes.of(r.Context(), a.Store, st)
	if err != nil {
		return err
	}
	out := client.Front{Study: st.ID, Units: snap.units(st.Spec), Front: []client.FrontPoint{}}
	for _, ref := range st.Spec.Targets {
		for _, n := range snap.fronts[ref.Name] {
			t, err := a.Store.Trial(r.Context(), st.ID, n)
			if err != nil {
				return err
			}
			out.Front = append(out.Front, frontPoint(t))
		}
	}
	return write(w, http.StatusOK, out)
}

func frontPoint(t study.Trial) client.FrontPoint {
	p := client.FrontPoint{
		Trial:     t.Number,
		Target:    t.Target,
		Text:      t.Recipe.Text,
		Values:    make(map[string]float64, len(t.Values)),
		Intervals: make(map[string][2]float64, len(t.Values)),
	}
	for name, s := range t.Values {
		p.Values[name] = s.Value
		p.Intervals[name] = [2]float64{s.Low, s.High}
	}
	return p
}

func (a *API) exportManifest(w http.ResponseWriter, r *http.Request) error {
	st, t, err := a.one(r)
	if err != nil {
		return err
	}
	body, err := a.Exporter.Manifest(r.Context(), t)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", attachment(st, t, ".manifest.json"))
	_, _ = w.Write(body) // a client that has gone is not our fault
	return nil
}

func (a *API) exportModel(w http.ResponseWriter, r *http.Request) error {
	st, t, err := a.one(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", attachment(st, t, ".gguf"))
	h.Set("Content-Length", strconv.FormatInt(t.Prediction.FileBytes, 10))
	out := &download{ResponseWriter: w, deadline: http.NewResponseController(w)}
	err = a.Exporter.Export(r.Context(), t, out)
	if err != nil && out.sent == 0 {
		return err
	}
	if err != nil || out.sent != t.Prediction.FileBytes {
		if r.Context().Err() == nil {
			a.log.Error("cannot finish an export", "study", st.ID, "trial", t.Number, "sent", out.sent, "want", t.Prediction.FileBytes, "error", err)
		}
		panic(http.ErrAbortHandler) // a broken connection tells the client, a short success would not
	}
	return nil
}

// stall is how long a client may take nothing before a stream is cut.
const stall = 30 * time.Second

// download gives every write a deadline of its own in place of one for all.
type download struct {
	http.ResponseWriter
	deadline *http.ResponseController
	sent     int64
}

func (d *download) Write(b []byte) (int, error) {
	if err := d.deadline.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return 0, err
	}
	n, err := d.ResponseWriter.Write(b)
	d.sent += int64(n)
	return n, err
}

// attachment names a download after its study and trial; only letters, digits,
// dots, dashes and underscores of the study's name get into it.
func attachment(st study.Study, t study.Trial, suffix string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, st.Spec.Name)
	return fmt.Sprintf(`attachment; filename="%.60s-%d%s"`, name, t.Number, suffix)
}
