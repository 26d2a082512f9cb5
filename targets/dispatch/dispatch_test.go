package dispatch_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/agent"
	"github.com/fettle-edge/fettle/targets/dispatch"
	"github.com/fettle-edge/fettle/targets/wire"
)

// site is a dispatcher on a real store, with a clock that tests move.
type site struct {
	*dispatch.Dispatcher
	store  *store.Store
	pieces string
	now    atomic.Int64
	ids    atomic.Int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := &site{store: db, pieces: t.TempDir()}
	s.now.Store(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixNano())
	s.Dispatcher = dispatch.New(dispatch.Config{
		Store: db,
		Path:  func(d study.Digest) (string, error) { return filepath.Join(s.pieces, string(d)), nil },
		Now:   s.clock, NewID: func() string { return fmt.Sprint("attempt", s.ids.Add(1)) },
		TTL: time.Minute, Linger: 50 * time.Millisecond, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	return s
}

func (s *site) clock() time.Time      { return time.Unix(0, s.now.Load()).UTC() }
func (s *site) later(d time.Duration) { s.now.Add(int64(d)) }
func (s *site) piece(content string) study.PieceRef {
	d := study.DigestOf([]byte(content))
	_ = os.WriteFile(filepath.Join(s.pieces, string(d)), []byte(content), 0o600)
	return study.PieceRef{Digest: d, Bytes: int64(len(content))}
}

// ready puts a study with one trial that waits for target into the store.
func (s *site) ready(t *testing.T, target string) study.Trial {
	t.Helper()
	ctx := t.Context()
	st := study.Study{ID: "s", Spec: study.Spec{Name: "s", Workload: study.Workload{PromptTokens: 7}, Search: study.SearchSpec{Seed: 3}}}
	must(t, s.store.CreateStudy(ctx, s.clock(), st))
	must(t, s.store.SetStudyState(ctx, s.clock(), "s", study.StudyRunning, ""))
	tr, err := s.store.Propose(ctx, s.clock(), study.Trial{Study: "s", Target: target, Recipe: study.Recipe{Format: "x/1", Model: []byte(`{}`), Run: study.RunOptions{Threads: 2}}})
	must(t, err)
	for _, move := range []study.Transition{study.Build, study.Evaluate, study.Queue} {
		tr, err = s.store.Move(ctx, s.clock(), "s", tr.Number, move, func(tr *study.Trial) { tr.Pieces = []study.PieceRef{s.piece("tensor")} })
		must(t, err)
	}
	return tr
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("error %v, want kind %s", err, want)
	}
}

// peers are the dispatcher itself and the same behind HTTP: both keep the
// contract of wire.Peer.
func peers(t *testing.T, s *site) map[string]wire.Peer {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return map[string]wire.Peer{"local": s.Dispatcher, "http": agent.NewClient(server.URL, t.TempDir())}
}

func hello(session string) wire.Hello {
	return wire.Hello{Version: wire.Version, Target: "pi", Kind: targets.KindRaspberryPi, BootID: "b", Session: session, Facts: targets.Facts{CPU: "A76", Cores: 4}}
}

func TestOneAttempt(t *testing.T) {
	for _, name := range []string{"local", "http"} {
		t.Run(name, func(t *testing.T) {
			ctx, s := t.Context(), newSite(t)
			p := peers(t, s)[name]
			w, err := p.Hello(ctx, hello("one"))
			must(t, err)
			if w.TTL != time.Minute || w.Version != wire.Version {
				t.Errorf("welcome %+v", w)
			}
			poll := wire.Poll{Target: "pi", Session: "one"}
			if got, err := p.Poll(ctx, poll); err != nil || got != nil {
				t.Fatalf("without work: %+v, %v", got, err)
			}
			tr := s.ready(t, "pi")
			got, err := p.Poll(ctx, poll)
			must(t, err)
			if got == nil || got.Lease.Trial != tr.Number || got.Workload.PromptTokens != 7 || got.Run.Threads != 2 || got.Seed != 3 || len(got.Pieces) != 1 {
				t.Fatalf("work %+v", got)
			}
			path, err := p.Piece(ctx, got.Lease, got.Pieces[0])
			must(t, err)
			if b, err := os.ReadFile(path); err != nil || string(b) != "tensor" {
				t.Errorf("piece %q, %v", b, err)
			}
			if again, err := p.Poll(ctx, poll); err != nil || again != nil {
				t.Errorf("a busy target gets more work: %+v, %v", again, err)
			}
			s.later(50 * time.Second)
			_, err = p.Renew(ctx, got.Lease)
			must(t, err)
			stale := got.Lease
			stale.Fence--
			_, err = p.Renew(ctx, stale)
			wantKind(t, err, fault.Conflict)
			report := wire.Report{Lease: got.Lease, Result: study.Result{Measurements: []study.Measurement{{Metric: "latency.decode", Unit: "s/token", Samples: []float64{1, 2}}}}}
			wantKind(t, p.Report(ctx, wire.Report{Lease: stale, Result: report.Result}), fault.Conflict)
			must(t, p.Report(ctx, report))
			must(t, p.Report(ctx, report)) // the network may have lost the answer
			attempts, err := s.store.Attempts(ctx, "s", tr.Number)
			must(t, err)
			if len(attempts) != 1 || attempts[0].State != study.AttemptReported || len(attempts[0].Result.Measurements[0].Samples) != 2 {
				t.Errorf("attempts %+v", attempts)
			}
		})
	}
}

func TestRestartedAgentInterruptsItsAttempt(t *testing.T) {
	ctx, s := t.Context(), newSite(t)
	_, err := s.Hello(ctx, hello("one"))
	must(t, err)
	tr := s.ready(t, "pi")
	got, err := s.Poll(ctx, wire.Poll{Target: "pi", Session: "one"})
	must(t, err)
	_, err = s.Hello(ctx, hello("one")) // the same session: facts have changed, no restart
	must(t, err)
	_, err = s.Renew(ctx, got.Lease)
	must(t, err)
	_, err = s.Hello(ctx, hello("two"))
	must(t, err)
	_, err = s.Renew(ctx, got.Lease)
	wantKind(t, err, fault.Conflict)
	attempts, err := s.store.Attempts(ctx, "s", tr.Number)
	must(t, err)
	if a := attempts[0]; a.State != study.AttemptLost || a.Result == nil || a.Result.Failure.Reason != study.ReasonInterrupted {
		t.Errorf("attempt %+v", a)
	}
	_, err = s.Poll(ctx, wire.Poll{Target: "pi", Session: "one"})
	wantKind(t, err, fault.Conflict) // two agents must not measure on one board
}

func TestLeaseThatIsNotRenewedIsLost(t *testing.T) {
	ctx, s := t.Context(), newSite(t)
	_, err := s.Hello(ctx, hello("one"))
	must(t, err)
	tr := s.ready(t, "pi")
	got, err := s.Poll(ctx, wire.Poll{Target: "pi", Session: "one"})
	must(t, err)
	s.later(61 * time.Second)
	lost, err := s.store.ExpireLeases(ctx, s.clock())
	must(t, err)
	if len(lost) != 1 || lost[0].Trial != tr.Number {
		t.Fatalf("lost %+v", lost)
	}
	wantKind(t, s.Report(ctx, wire.Report{Lease: got.Lease}), fault.Conflict)
}

func TestForeignAgents(t *testing.T) {
	ctx, s := t.Context(), newSite(t)
	for _, p := range peers(t, s) {
		h := hello("one")
		h.Version = 99
		_, err := p.Hello(ctx, h)
		wantKind(t, err, fault.Invalid)
		_, err = p.Poll(ctx, wire.Poll{Target: "nobody", Session: "x"})
		wantKind(t, err, fault.NotFound)
	}
}

// cutter is a server that breaks off transfers, and may lie.
type cutter struct {
	http.Handler
	cuts int
	lie  bool
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.Path, "/pieces/") {
		c.Handler.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	c.Handler.ServeHTTP(rec, r)
	body := rec.Body.Bytes()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	if c.lie && len(body) > 0 {
		body[len(body)/2] ^= 1
	}
	w.WriteHeader(rec.Code)
	if c.cuts > 0 {
		c.cuts--
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}

func TestPieceOverABadNetwork(t *testing.T) {
	s := newSite(t)
	ref := s.piece(strings.Repeat("weights ", 10000))
	c := &cutter{Handler: s.Handler(), cuts: 2}
	server := httptest.NewServer(c)
	defer server.Close()
	cache := t.TempDir()
	client := agent.NewClient(server.URL, cache)
	path, err := client.Piece(t.Context(), study.Lease{}, ref)
	must(t, err)
	b, err := os.ReadFile(path)
	must(t, err)
	if study.DigestOf(b) != ref.Digest {
		t.Error("the piece is not what was asked for")
	}
	c.lie = true
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	other := s.piece(strings.Repeat("other ", 10000))
	if path, err := client.Piece(ctx, study.Lease{}, other); err == nil {
		t.Errorf("a piece with a flipped bit was taken: %s", path)
	}
	if _, err := os.Stat(filepath.Join(cache, string(other.Digest))); err == nil {
		t.Error("a wrong piece lies under its digest")
	}
	if _, err := client.Piece(t.Context(), study.Lease{}, study.PieceRef{Digest: "../../etc/passwd", Bytes: 1}); err == nil {
		t.Error("a name that is no digest was fetched")
	}
}
