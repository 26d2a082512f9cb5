package web_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web"
	"github.com/fettle-edge/fettle/web/client"
)

// local serves a backend on a unix socket and returns a client of it.
func local(t *testing.T, f *fake) *client.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	serve(t, f, func(c *web.Config) { c.Socket = path })
	c := client.New(path)
	t.Cleanup(c.Close)
	return c
}

func TestStudies(t *testing.T) {
	f, st := demo(40, study.StudyRunning)
	older := st
	older.ID, older.Created = "older", st.Created.Add(-time.Hour)
	f.addStudy(older)
	c := local(t, f)
	all, err := c.Studies(t.Context())
	if err != nil || len(all.Studies) != 2 {
		t.Fatalf("Studies = %v, %v", all, err)
	}
	v, err := c.Study(t.Context(), "demo") // two have the name: the newest
	if err != nil || v.ID != st.ID {
		t.Fatalf("by name: %s, %v", v.ID, err)
	}
	sum := 0
	for _, n := range v.Counts {
		sum += n
	}
	lane := v.Lanes[0]
	if sum != 40 || lane.Trials != 40 || lane.Finished != 40 || lane.Budget != 40 || !lane.Online || lane.Complete != v.Counts[study.Complete] {
		t.Errorf("counts %v, lane %+v", v.Counts, lane)
	}
	if v.Units["quality.kld"] != "nat/token" || v.Units["latency.decode"] != "s/token" || v.Units["memory.peak"] != "B" {
		t.Errorf("units %v", v.Units)
	}
	base := lane.Baseline["latency.decode"].Value
	best := lane.Best["latency.decode"]
	if !(best.Value > 0 && best.Value < base) || !slices.Contains(lane.Front, best.Trial) {
		t.Errorf("best %+v, baseline %v", best, base)
	}
	if _, err := c.Study(t.Context(), "nobody"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown study: %v", err)
	}
}

// TestFrontIsNondominated checks the fronts against the definition.
func TestFrontIsNondominated(t *testing.T) {
	f, st := demo(40, study.StudyComplete)
	c := local(t, f)
	trials, err := c.Trials(t.Context(), st.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	beats := func(a, b study.Trial) bool {
		better := false
		for _, o := range st.Spec.Objectives {
			x, y := a.Values[o.Metric].Value, b.Values[o.Metric].Value
			if x > y {
				return false
			}
			better = better || x < y
		}
		return better
	}
	front := trials.Fronts["local"]
	for _, a := range trials.Trials {
		dominated := slices.ContainsFunc(trials.Trials, func(b study.Trial) bool { return b.State == study.Complete && beats(b, a) })
		if want := a.State == study.Complete && !dominated; slices.Contains(front, a.Number) != want {
			t.Errorf("trial %d (%s): on the front %v, want %v", a.Number, a.State, !want, want)
		}
	}
	points, err := c.Front(t.Context(), st.ID)
	if err != nil || len(points.Front) != len(front) {
		t.Fatalf("Front has %d points, want %d; %v", len(points.Front), len(front), err)
	}
	for i, p := range points.Front {
		low, high := p.Intervals["latency.decode"][0], p.Intervals["latency.decode"][1]
		if p.Trial != front[i] || p.Values["latency.decode"] < low || p.Values["latency.decode"] > high {
			t.Errorf("point %+v", p)
		}
		if i > 0 && p.Values["quality.kld"] < points.Front[i-1].Values["quality.kld"] {
			t.Errorf("the front is not in order of its first objective")
		}
	}
}

// TestTrialsSince reads what changed and only that.
func TestTrialsSince(t *testing.T) {
	f, st := demo(10, study.StudyRunning)
	c := local(t, f)
	first, err := c.Trials(t.Context(), st.ID, 0)
	if err != nil || len(first.Trials) != 10 {
		t.Fatalf("%d trials, %v", len(first.Trials), err)
	}
	none, err := c.Trials(t.Context(), st.ID, first.Rev)
	if err != nil || len(none.Trials) != 0 || none.Rev != first.Rev {
		t.Fatalf("nothing changed, but %d trials came; %v", len(none.Trials), err)
	}
	f.step(st, 0, 10)
	moved := first.Trials[4]
	moved.State = study.Cancelled
	f.put(moved)
	f.reads = 0
	got, err := c.Trials(t.Context(), st.ID, first.Rev)
	if err != nil || len(got.Trials) != 2 || got.Trials[0].Number != 4 || got.Trials[1].Number != 10 {
		t.Fatalf("changed: %v, %v", got.Trials, err)
	}
	if f.reads != 4 { // two for the answer, two for the fronts: not all eleven
		t.Errorf("%d trials were read", f.reads)
	}
	v, err := c.Study(t.Context(), st.ID)
	if err != nil || v.Counts[study.Cancelled] != 1 || slices.Contains(v.Lanes[0].Front, 4) {
		t.Errorf("after a cancel: %v, front %v, %v", v.Counts, v.Lanes[0].Front, err)
	}
}

func TestTrial(t *testing.T) {
	f, st := demo(20, study.StudyComplete)
	c := local(t, f)
	v, err := c.Trial(t.Context(), st.ID, 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Attempts) != 1 || len(v.Attempts[0].Result.Measurements[0].Samples) != 6*32 || len(v.Chunks) != 16 || v.Command == "" {
		t.Errorf("trial 5 has %d attempts, %d chunks, command %q", len(v.Attempts), len(v.Chunks), v.Command)
	}
	if v.Quality.Context != 256 || v.Variant != v.Recipe.Variant(demoModel.Digest) {
		t.Errorf("key %+v, variant %s", v.Quality, v.Variant)
	}
	if _, err := c.Trial(t.Context(), st.ID, 999); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown trial: %v", err)
	}
	m, err := c.Model(t.Context(), demoModel.Digest)
	if err != nil || m.Ranking == nil || len(m.Tensors) != 1 {
		t.Errorf("Model = %+v, %v", m, err)
	}
	ts, err := c.Targets(t.Context())
	if err != nil || len(ts.Targets) != 1 || !ts.Targets[0].Online || ts.Targets[0].Busy != "" {
		t.Errorf("Targets = %+v, %v", ts, err)
	}
}

func TestSteer(t *testing.T) {
	f, st := demo(2, study.StudyRunning)
	c := local(t, f)
	v, err := c.StopStudy(t.Context(), "demo")
	if err != nil || v.State != study.StudyStopped {
		t.Errorf("StopStudy: %s, %v", v.State, err)
	}
	v, err = c.ResumeStudy(t.Context(), st.ID)
	if err != nil || v.State != study.StudyRunning {
		t.Errorf("ResumeStudy: %s, %v", v.State, err)
	}
	created, err := c.CreateStudy(t.Context(), demoSpec("second", "local"))
	if err != nil || created.Spec.Name != "second" || len(created.Spec.Knobs) != 10 {
		t.Errorf("CreateStudy: %+v, %v", created.Spec, err)
	}
	_, err = c.CreateStudy(t.Context(), study.Spec{})
	if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || len(e.Problems) != 1 || e.Problems[0].Path != "name" {
		t.Errorf("an empty study: %v", err)
	}
	if _, err := c.StopStudy(t.Context(), "nobody"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown study: %v", err)
	}
}

func TestExport(t *testing.T) {
	f, st := demo(5, study.StudyComplete)
	s := serve(t, f)
	cookie := login(t, s)
	trial := f.trials[st.ID][3]
	resp, body := request(t, http.MethodGet, s.URL()+"/api/v1/studies/demo/trials/3/model.gguf", "", "Cookie", cookie)
	if resp.StatusCode != 200 || resp.ContentLength != trial.Prediction.FileBytes || int64(len(body)) != trial.Prediction.FileBytes {
		t.Errorf("%s with %d bytes, want %d", resp.Status, len(body), trial.Prediction.FileBytes)
	}
	if got := resp.Header.Get("Content-Disposition"); got != `attachment; filename="demo-3.gguf"` {
		t.Errorf("disposition %s", got)
	}
	c := client.Dial(s.URL(), cookie)
	defer c.Close()
	var b bytes.Buffer
	if n, err := c.Export(t.Context(), "demo", 3, &b); err != nil || n != trial.Prediction.FileBytes {
		t.Errorf("Export: %d, %v", n, err)
	}
	if m, err := c.Manifest(t.Context(), "demo", 3); err != nil || string(m) != `{"trial":3}` {
		t.Errorf("Manifest: %s, %v", m, err)
	}
	f.export = func(io.Writer) error { return fault.New(fault.Conflict, "cannot export: a piece is gone") }
	if _, err := c.Export(t.Context(), "demo", 3, &b); fault.KindOf(err) != fault.Conflict {
		t.Errorf("an export that cannot start: %v", err)
	}
	f.export = func(w io.Writer) error {
		_, err := w.Write(make([]byte, 100_000))
		return errors.Join(err, errors.New("disk gone"))
	}
	if _, err := c.Export(t.Context(), "demo", 3, io.Discard); fault.KindOf(err) != fault.Unreachable {
		t.Errorf("an export that breaks off looks like: %v", err)
	}
}

// TestHostileName puts everything into a download's name that could break out.
func TestHostileName(t *testing.T) {
	f, st := demo(2, study.StudyComplete)
	f.studies[0].Spec.Name = "a\"b\r\nSet-Cookie: x=1;../../é" + strings.Repeat("n", 100)
	s := serve(t, f)
	resp, _ := request(t, http.MethodGet, s.URL()+"/api/v1/studies/"+st.ID+"/trials/1/model.gguf", "", "Cookie", login(t, s))
	got := resp.Header.Get("Content-Disposition")
	if !strings.HasPrefix(got, `attachment; filename="a-b--Set-Cookie--x-1-------`) || len(got) > 110 || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("disposition %q", got)
	}
}

func TestAssets(t *testing.T) {
	f, _ := demo(1, study.StudyRunning)
	s := serve(t, f)
	resp, page := request(t, http.MethodGet, s.URL()+"/studies/any", "")
	if resp.Header.Get("Cache-Control") != "no-store" || !strings.Contains(page, `<script type="module"`) {
		t.Errorf("the page: %s\n%s", resp.Header, page)
	}
	if strings.Contains(page, "{{") || strings.Contains(page, "style=") || strings.Contains(page, "onload=") {
		t.Errorf("the page holds what it should not:\n%s", page)
	}
	var total int
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		_, rest, found := strings.Cut(lines.Text(), `"/a/`)
		if !found {
			continue
		}
		path, _, _ := strings.Cut(rest, `"`)
		resp, body := request(t, http.MethodGet, s.URL()+"/a/"+path, "", "Accept-Encoding", "gzip")
		if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") || resp.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %s %v", path, resp.Status, resp.Header)
		}
		if !strings.Contains(lines.Text(), `type="module"`) { // preloaded already
			total += len(body)
		}
	}
	t.Logf("first load: %d bytes compressed", total)
	if total > 300_000 || total < 100_000 {
		t.Errorf("the first load has %d bytes compressed, want at most 300 kB (and more than nothing)", total)
	}
	lost, body := request(t, http.MethodGet, s.URL()+"/nowhere", "", "Accept", "text/html")
	if lost.StatusCode != http.StatusNotFound || body != page {
		t.Errorf("a path that is not there got %s", lost.Status)
	}
	plain, _ := request(t, http.MethodGet, s.URL()+"/", "", "Accept-Encoding", "gzip;q=0")
	if plain.Header.Get("Content-Encoding") != "" {
		t.Error("compressed although the client refuses it")
	}
}
