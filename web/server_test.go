package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/web"
	"github.com/fettle-edge/fettle/web/api"
	"github.com/fettle-edge/fettle/web/client"
)

var testKey = bytes.Repeat([]byte{7}, 32)

// newServer makes a server on a free port, which nobody serves yet.
func newServer(t *testing.T, f *fake, change ...func(*web.Config)) *web.Server {
	t.Helper()
	c := web.Config{
		Listen:     "127.0.0.1:0",
		SessionKey: testKey,
		Log:        slog.New(slog.NewTextHandler(t.Output(), nil)),
		Backend:    api.Backend{Store: f, Tuner: f, Contents: f, Exporter: f, Host: f, Schema: []byte(`{"title":"study"}`)},
	}
	for _, ch := range change {
		ch(&c)
	}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs a server and stops it when the test ends.
func serve(t *testing.T, f *fake, change ...func(*web.Config)) *web.Server {
	t.Helper()
	s := newServer(t, f, change...)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() { stop(t, s, served) })
	return s
}

func stop(t *testing.T, s *web.Server, served <-chan error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// login exchanges a fresh link for a cookie ("name=value").
func login(t *testing.T, s *web.Server) string {
	t.Helper()
	resp := exchange(t, s, code(s))
	if resp.StatusCode != http.StatusNoContent || len(resp.Cookies()) != 1 {
		t.Fatalf("login answered %s with %d cookies", resp.Status, len(resp.Cookies()))
	}
	c := resp.Cookies()[0]
	return c.Name + "=" + c.Value
}

func code(s *web.Server) string {
	link, _ := s.Link()
	_, code, _ := strings.Cut(link, "#login=")
	return code
}

func exchange(t *testing.T, s *web.Server, code string) *http.Response {
	t.Helper()
	body, _ := json.Marshal(client.Login{Code: code})
	resp, _ := request(t, http.MethodPost, s.URL()+"/api/v1/login", string(body), "Content-Type", "application/json")
	return resp
}

// request sends one request with headers given as name, value, … and reads the
// answer.
func request(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}
