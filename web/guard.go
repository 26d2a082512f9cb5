package web

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/study/fault"
)

// policy lets the page load its own files and nothing else: no inline script
// or style, no other site, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// secure adds the headers of every response.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// guard stands before everything that a browser can reach. The list of hosts
// stops DNS rebinding (a page of another site whose name suddenly means this
// computer is same-origin to the browser); the cross-origin protection stops
// what other sites send without rebinding.
func guard(next http.Handler, hosts []string) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, fault.New(fault.Forbidden, "cannot take a request that another site's page makes"))
	}))
	inner := origin.Handler(next)
	return secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(hosts, hostname(r.Host)) {
			refuse(w, fault.New(fault.Misdirected, "cannot answer for the host %q", clip(r.Host)).Trying("fettle serve --allowed-host NAME, if the name is yours"))
			return
		}
		inner.ServeHTTP(w, r)
	}))
}

// hostname is a Host header without its port, in lower case. The port does not
// matter: an ssh tunnel may have any.
func hostname(host string) string {
	host = strings.ToLower(host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return host
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

func refuse(w http.ResponseWriter, err error) {
	body, status := fault.Encode(err)
	w.Header().Set("Content-Type", fault.ContentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is not our fault
}
