package web_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web"
	"github.com/fettle-edge/fettle/web/client"
)

// TestEventsResume restarts the server in the middle of a stream: nothing is
// lost or doubled.
func TestEventsResume(t *testing.T) {
	f, st := demo(3, study.StudyRunning)
	path := filepath.Join(t.TempDir(), "s")
	start := func() (*web.Server, chan error) {
		s, served := newServer(t, f, func(c *web.Config) { c.Socket = path }), make(chan error, 1)
		go func() { served <- s.Serve() }()
		return s, served
	}
	s, served := start()
	c := client.New(path)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const until = 12
	var got []int64
	for e, err := range c.Events(ctx, 0, "") {
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		got = append(got, e.Seq)
		switch len(got) {
		case 4: // one study and three trials: the past
			f.step(st, 0, 3)
		case 5:
			stop(t, s, served)
			for i := 4; i < 8; i++ { // while it is away
				f.step(st, 0, i)
			}
			s, served = start()
		case 9:
			for i := 8; i < 11; i++ {
				f.step(st, 0, i)
			}
		}
		if len(got) == until {
			break
		}
	}
	stop(t, s, served)
	for i, seq := range got {
		if seq != int64(i)+1 {
			t.Fatalf("events %v", got)
		}
	}
}

func TestEventsOfOneStudy(t *testing.T) {
	f, st := demo(2, study.StudyRunning)
	other := st
	other.ID, other.Spec.Name = "other", "other"
	f.addStudy(other)
	c := local(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for e, err := range c.Events(ctx, 0, "other") {
		if err != nil || e.Study != "other" {
			t.Fatalf("%+v, %v", e, err)
		}
		if e.Kind == study.EventTrial {
			break
		}
		f.step(st, 0, 2)
		f.step(other, 0, 0)
	}
	for _, err := range c.Events(ctx, 0, "nobody") {
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("an unknown study: %v", err)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	for _, err := range c.Events(ctx, 0, "") {
		end()
		if err != nil && fault.KindOf(err) != fault.Interrupted {
			t.Errorf("a cancelled stream: %v", err)
		}
	}
}

// TestEventsResync asks for events of a database that is not there any more.
func TestEventsResync(t *testing.T) {
	f, _ := demo(2, study.StudyRunning)
	c := local(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for e, err := range c.Events(ctx, 1_000_000, "") {
		if err != nil || e.Kind != client.Resync || e.Seq != 3 {
			t.Errorf("%+v, %v", e, err)
		}
		break
	}
}

// TestEventsHeldWhileMeasuring sees an event wait until this computer is quiet.
func TestEventsHeldWhileMeasuring(t *testing.T) {
	f, st := demo(1, study.StudyRunning)
	c := local(t, f)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var changed, got time.Time
	for e, err := range c.Events(ctx, 1, "") { // the baseline's event comes first
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq == 2 {
			f.busy.Store(true)
			f.step(st, 0, 1)
			changed = time.Now()
			time.AfterFunc(1200*time.Millisecond, func() { f.busy.Store(false) })
			continue
		}
		got = time.Now()
		break
	}
	if held := got.Sub(changed); held < time.Second || held > 10*time.Second {
		t.Errorf("the event came after %v, want about 1.2 s", held)
	}
}

// TestEventStreamLimits opens more streams than a login may have, and sees
// that ended ones leave nothing behind.
func TestEventStreamLimits(t *testing.T) {
	f, _ := demo(2, study.StudyRunning)
	s := serve(t, f)
	cookie := login(t, s)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	before := runtime.NumGoroutine()
	for round := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 9 {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/api/v1/events", nil)
			req.Header.Set("Cookie", cookie)
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			want := 200
			if i == 8 {
				want = 429
			}
			if resp.StatusCode != want {
				t.Errorf("round %d, stream %d: %s, want %d", round, i, resp.Status, want)
			}
		}
		cancel()
		settle(t, func() bool { return watching(f) == 0 }, func() string { return fmt.Sprint(watching(f), " watchers are left") })
	}
	transport.CloseIdleConnections()
	settle(t, func() bool { return runtime.NumGoroutine() <= before+2 }, func() string {
		return fmt.Sprintf("%d goroutines, %d before", runtime.NumGoroutine(), before)
	})
}

func watching(f *fake) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.watchers)
}

// settle waits until a condition holds.
func settle(t *testing.T, ok func() bool, what func() string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal(what())
		}
	}
}

// TestEventsOutliveReadTimeout is about the deadlines of the server: a stream
// lives on after them, and its silence is broken by pings.
func TestEventsOutliveReadTimeout(t *testing.T) {
	t.Parallel()
	f, st := demo(1, study.StudyRunning)
	s := serve(t, f)
	resp, cancel := stream(t, s, login(t, s))
	defer cancel()
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		buf := make([]byte, 4096)
		for {
			n, err := resp.Body.Read(buf)
			if err != nil {
				return
			}
			lines <- string(buf[:n])
		}
	}()
	var all strings.Builder
	end, late := time.After(60*time.Second), time.After(32*time.Second) // the read time-out is 30 s
	for !strings.Contains(all.String(), `"trial":1`) {
		select {
		case text, ok := <-lines:
			if !ok {
				t.Fatalf("the stream ended after:\n%s", all.String())
			}
			all.WriteString(text)
		case <-late:
			f.step(st, 0, 1)
		case <-end:
			t.Fatalf("nothing came but:\n%s", all.String())
		}
	}
	if n := strings.Count(all.String(), ": ping"); n < 1 {
		t.Errorf("no ping in 32 s:\n%s", all.String())
	}
}

// stream opens an event stream with a cookie.
func stream(t *testing.T, s *web.Server, cookie string) (*http.Response, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/api/v1/events", nil)
	req.Header.Set("Cookie", cookie)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	return resp, func() {
		cancel()
		_ = resp.Body.Close()
	}
}

// TestClientGivesUp sees a client whose daemon never comes back end with a
// sentence, in time that does not pass.
func TestClientGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client.New(filepath.Join(t.TempDir(), "nobody"))
		defer c.Close()
		start := time.Now()
		var last error
		for _, err := range c.Events(t.Context(), 0, "") {
			last = err
		}
		if e, ok := fault.As(last); !ok || e.Kind != fault.Unreachable || e.Try != "fettle serve" {
			t.Errorf("it ended with %v", last)
		}
		if took := time.Since(start); took < 10*time.Second || took > time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
