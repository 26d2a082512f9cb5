package web_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web"
	"github.com/fettle-edge/fettle/web/api"
	"github.com/fettle-edge/fettle/web/client"
)

// fillIn makes a path of a route's pattern.
func fillIn(pattern string, st study.Study) string {
	return strings.NewReplacer("{id}", st.ID, "{n}", "3", "{digest}", string(demoModel.Digest), "*", "nothing.js").Replace(pattern)
}

var securityHeaders = map[string]string{
	"Content-Security-Policy":      "frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

func checkHeaders(t *testing.T, resp *http.Response) {
	t.Helper()
	for name, want := range securityHeaders {
		if got := resp.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q in it", name, got, want)
		}
	}
	if csp := resp.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("the policy is %q", csp)
	}
}

// TestRouteTable walks all routes: who is let in, with which headers, and that
// reading changes nothing.
func TestRouteTable(t *testing.T) {
	f, st := demo(6, study.StudyStopped)
	s := serve(t, f)
	cookie := login(t, s)
	open := 0
	for _, route := range api.Routes() {
		t.Run(route.Method+" "+route.Path, func(t *testing.T) {
			url := s.URL() + fillIn(route.Path, st)
			resp, _ := request(t, route.Method, url, "{}", "Content-Type", "application/json")
			checkHeaders(t, resp)
			switch {
			case route.Level == api.Open:
				open++
				if resp.StatusCode == http.StatusUnauthorized && route.Path != "/api/v1/login" {
					t.Errorf("an open route answered %s", resp.Status)
				}
			case resp.StatusCode != http.StatusUnauthorized:
				t.Errorf("a stranger got %s, want 401", resp.Status)
			}
			before := f.writes.Load()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, route.Method, url, strings.NewReader("{}"))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Cookie", cookie)
			known, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = known.Body.Close()
			switch {
			case route.Level == api.Login && (known.StatusCode == http.StatusUnauthorized || known.StatusCode == http.StatusForbidden):
				t.Errorf("a login got %s", known.Status)
			case route.Level == api.Socket && known.StatusCode != http.StatusForbidden:
				t.Errorf("a browser got %s on a route of the socket, want 403", known.Status)
			case route.Method == http.MethodGet && known.StatusCode != http.StatusOK && route.Path != "/a/*":
				t.Errorf("a login got %s", known.Status)
			}
			if route.Method == http.MethodGet && f.writes.Load() != before {
				t.Error("a GET changed something")
			}
		})
	}
	if open != 7 { // five pages, assets, login: a new one has to be argued for
		t.Errorf("%d routes are open to anybody, want 7", open)
	}
}

func TestHostAllowList(t *testing.T) {
	f, _ := demo(1, study.StudyRunning)
	s := serve(t, f, func(c *web.Config) { c.AllowedHosts = []string{"board.lan"} })
	port := s.URL()[strings.LastIndexByte(s.URL(), ':'):]
	for host, want := range map[string]int{
		"127.0.0.1" + port: 200, "localhost" + port: 200, "LOCALHOST": 200, "[::1]" + port: 200, "127.0.0.1:9999": 200, "board.lan": 200,
		"evil.test" + port: 421, "127.0.0.1.evil.test": 421, "192.168.1.5": 421, "localhost.": 421, "0.0.0.0": 421,
	} {
		for _, path := range []string{"/", "/api/v1/studies", "/nowhere"} {
			resp, body := rawRequest(t, s, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
			if want == 200 && path != "/" {
				if resp == 421 {
					t.Errorf("Host %q on %s got 421", host, path)
				}
				continue
			}
			if resp != want {
				t.Errorf("Host %q on %s got %d, want %d", host, path, resp, want)
			}
			if want == 421 && !strings.Contains(body, "--allowed-host") {
				t.Errorf("the refusal does not say what to do: %s", body)
			}
		}
	}
}

// rawRequest sends bytes and returns the status and all that came.
func rawRequest(t *testing.T, s *web.Server, text string) (status int, answer string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if _, err := fmt.Sscanf(b.String(), "HTTP/1.1 %d", &status); err != nil {
		t.Fatalf("not an answer: %q", b.String())
	}
	return status, b.String()
}

// TestCrossSite sends what another site's page could make a browser send.
func TestCrossSite(t *testing.T) {
	f, st := demo(1, study.StudyRunning)
	s := serve(t, f)
	cookie := login(t, s)
	url := s.URL() + "/api/v1/studies/" + st.ID + "/stop"
	tests := []struct {
		name    string
		headers []string
		want    int
	}{
		{"from another site", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"}, 403},
		{"from a sibling", []string{"Sec-Fetch-Site", "same-site", "Content-Type", "application/json"}, 403},
		{"an old browser's foreign origin", []string{"Origin", "http://evil.test", "Content-Type", "application/json"}, 403},
		{"a sandboxed frame", []string{"Origin", "null", "Content-Type", "application/json"}, 403},
		{"a form", []string{"Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}, 422},
		{"plain text", []string{"Content-Type", "text/plain"}, 422},
		{"no type", nil, 422},
	}
	for _, test := range tests {
		resp, body := request(t, http.MethodPost, url, "{}", append(test.headers, "Cookie", cookie)...)
		if resp.StatusCode != test.want {
			t.Errorf("%s: got %s: %s", test.name, resp.Status, body)
		}
		checkHeaders(t, resp)
	}
	if f.writes.Load() != 0 {
		t.Error("something was changed")
	}
	resp, body := request(t, http.MethodPost, url, "{}", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json", "Cookie", cookie)
	if resp.StatusCode != http.StatusOK || f.writes.Load() != 1 {
		t.Errorf("the page's own request got %s: %s", resp.Status, body)
	}
}

func TestLogin(t *testing.T) {
	f, _ := demo(1, study.StudyRunning)
	s := serve(t, f)
	c := code(s)
	resp := exchange(t, s, c)
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("login got %s", resp.Status)
	}
	cookie := resp.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.MaxAge != 12*3600 {
		t.Errorf("the cookie is %+v", cookie)
	}
	if again := exchange(t, s, c); again.StatusCode != http.StatusUnauthorized {
		t.Errorf("the second use of a code got %s", again.Status)
	}
	value := cookie.Name + "=" + cookie.Value
	get := func(base, cookie string) int {
		resp, _ := request(t, http.MethodGet, base+"/api/v1/info", "", "Cookie", cookie)
		return resp.StatusCode
	}
	if got := get(s.URL(), value); got != 200 {
		t.Errorf("the cookie got %d", got)
	}
	for i := range []byte(cookie.Value) { // any one character changed
		if i%7 != 0 {
			continue
		}
		forged := []byte(cookie.Value)
		forged[i] = map[bool]byte{true: 'A', false: 'B'}[forged[i] != 'A']
		if got := get(s.URL(), cookie.Name+"="+string(forged)); got != 401 {
			t.Errorf("a cookie changed at %d got %d", i, got)
		}
	}
	other := serve(t, f, func(c *web.Config) { c.SessionKey = []byte(strings.Repeat("k", 32)) })
	otherPort := other.URL()[strings.LastIndexByte(other.URL(), ':')+1:]
	if got := get(other.URL(), "fettle_"+otherPort+"="+cookie.Value); got != 401 {
		t.Errorf("a cookie of another daemon got %d", got)
	}
	restarted := serve(t, f) // the same key
	port := restarted.URL()[strings.LastIndexByte(restarted.URL(), ':')+1:]
	if got := get(restarted.URL(), "fettle_"+port+"="+cookie.Value); got != 200 {
		t.Errorf("after a restart the cookie got %d", got)
	}
}

func TestLoginRateLimit(t *testing.T) {
	f, _ := demo(1, study.StudyRunning)
	s := serve(t, f)
	for i := range 5 {
		if resp := exchange(t, s, fmt.Sprint("guess", i)); resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("guess %d got %s", i, resp.Status)
		}
	}
	resp := exchange(t, s, code(s))
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the sixth try got %s", resp.Status)
	}
}

func TestListenRefuses(t *testing.T) {
	f, _ := demo(1, study.StudyRunning)
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.168.1.5:8420", "example.org:80", "nonsense"} {
		s, err := web.New(web.Config{Listen: address, SessionKey: testKey, Backend: api.Backend{Store: f}})
		if err == nil {
			_ = s.Shutdown(t.Context())
			t.Errorf("%s was accepted", address)
		}
		if e, ok := fault.As(err); !ok || e.Kind.Exit() != 2 || !strings.HasPrefix(e.Sentence, "cannot") || e.Try == "" {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestSocket(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	f, st := demo(3, study.StudyRunning)
	path := filepath.Join(t.TempDir(), "fettle.sock")
	if err := os.WriteFile(path, nil, 0o600); err != nil { // what a killed daemon leaves
		t.Fatal(err)
	}
	t.Run("serves without a login", func(t *testing.T) {
		s := serve(t, f, func(c *web.Config) { c.Socket = path })
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket {
			t.Fatalf("the socket is %v, %v", info.Mode(), err)
		}
		c := client.New(path)
		defer c.Close()
		got, err := c.Info(t.Context())
		if err != nil || got.Incoming != "/state/incoming" {
			t.Errorf("Info = %+v, %v", got, err)
		}
		if _, err := c.Trials(t.Context(), st.Spec.Name, 0); err != nil {
			t.Error(err)
		}
		link, err := c.Link(t.Context())
		if err != nil || !strings.HasPrefix(link.URL, s.URL()+"/#login=") || link.Seconds != 60 {
			t.Errorf("Link = %+v, %v", link, err)
		}
		_, err = web.New(web.Config{Listen: "127.0.0.1:0", Socket: path, SessionKey: testKey, Backend: api.Backend{Store: f}})
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second daemon got %v", err)
		}
	})
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	_, err = client.New(path).Info(t.Context())
	if e, ok := fault.As(err); !ok || e.Kind != fault.Unreachable || e.Try != "fettle serve" {
		t.Errorf("without a daemon: %v", err)
	}
}

// TestLimits sends what is too large, too slow or not a path.
func TestLimits(t *testing.T) {
	f, st := demo(3, study.StudyRunning)
	s := serve(t, f)
	cookie := login(t, s)
	huge := `{"name":"` + strings.Repeat("x", 2<<20) + `"}`
	resp, _ := request(t, http.MethodPost, s.URL()+"/api/v1/studies", huge, "Content-Type", "application/json", "Cookie", cookie)
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 2 MiB got %s", resp.Status)
	}
	many := strings.Repeat("X-Fill: "+strings.Repeat("y", 1000)+"\r\n", 60)
	if status, _ := rawRequest(t, s, "GET / HTTP/1.1\r\nHost: localhost\r\n"+many+"\r\n"); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("60 KiB of headers got %d", status)
	}
	for _, path := range []string{
		"/a/../web.go", "/a/%2e%2e/%2e%2e/go.mod", "/a/..%2f..%2fgo.mod", "/a/js/main.js", `/a/..\..\go.mod`, "/a/%00", "/api/v1/studies/..%2f..%2fetc%2fpasswd",
		"/api/v1/studies/" + st.ID + "/trials/-1", "/api/v1/studies/" + st.ID + "/trials/99999999999999999999", "/api/v1/models/..", "/nowhere",
	} {
		status, body := rawRequest(t, s, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nCookie: "+cookie+"\r\nConnection: close\r\n\r\n")
		if status != 404 && status != 400 && status != 301 && status != 307 || strings.Contains(body, "module github.com") {
			t.Errorf("%s got %d", path, status)
		}
	}
	unix := filepath.Join(t.TempDir(), "s")
	serve(t, f, func(c *web.Config) { c.Socket = unix })
	c := client.New(unix)
	defer c.Close()
	for _, name := range []string{"../x", "a/b", `a\b`, "", ".", "..", "x\x00y", strings.Repeat("n", 300)} {
		if _, err := c.Adopt(t.Context(), client.Adopt{Incoming: name}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("adopting %q: %v", name, err)
		}
	}
	if f.writes.Load() != 0 {
		t.Error("something was adopted")
	}
}
