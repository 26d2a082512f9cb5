package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/api"
)

// How long things are good for.
const (
	codeLife  = time.Minute
	loginIdle = 12 * time.Hour
	renewAge  = 10 * time.Minute // a cookie older than this is renewed when it is used
	maxCodes  = 100              // links that wait to be used
)

// access implements api.Access. Codes live in memory: after a restart a new
// link is needed. Logins live in their cookies, signed, so they outlive it.
type access struct {
	base   string // URL of the dashboard
	cookie string // its name; with the port, so that two daemons do not log each other out
	key    []byte
	tries  *limiter

	mu    sync.Mutex
	codes map[[sha256.Size]byte]time.Time // digest of a code → when it ends
}

func newAccess(addr *net.TCPAddr, key []byte) (*access, error) {
	if len(key) < 32 {
		return nil, fmt.Errorf("the session key has %d bytes, want at least 32", len(key))
	}
	port := strconv.Itoa(addr.Port)
	return &access{
		base:   "http://" + net.JoinHostPort(addr.IP.String(), port),
		cookie: "fettle_" + port,
		key:    key,
		tries:  newLimiter(),
		codes:  map[[sha256.Size]byte]time.Time{},
	}, nil
}

type socketKey struct{}

// onSocket marks the context of a connection to the unix socket.
func onSocket(ctx context.Context) context.Context {
	return context.WithValue(ctx, socketKey{}, true)
}

// Link makes a one-time link. The code is in the fragment, which browsers send
// to nobody.
func (a *access) Link() (string, time.Duration) {
	code := rand.Text()
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for digest, end := range a.codes {
		if now.After(end) || len(a.codes) >= maxCodes {
			delete(a.codes, digest)
		}
	}
	a.codes[sha256.Sum256([]byte(code))] = now.Add(codeLife)
	return a.base + "/#login=" + code, codeLife
}

// LogIn exchanges a code for a cookie; the code is used up. Looking up its
// digest takes the same time however much of a wrong code is right.
func (a *access) LogIn(w http.ResponseWriter, r *http.Request, code string) error {
	if !a.tries.allow(r.RemoteAddr, time.Now()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(refill.Seconds())))
		return fault.New(fault.Limited, "cannot log in: too many tries").Trying("wait a minute, then fettle open")
	}
	digest := sha256.Sum256([]byte(code))
	a.mu.Lock()
	end, ok := a.codes[digest]
	delete(a.codes, digest)
	a.mu.Unlock()
	if !ok || time.Now().After(end) {
		return fault.New(fault.Unlogged, "cannot log in: the link was used already or is older than %.0f seconds", codeLife.Seconds()).Trying("fettle open")
	}
	a.grant(w, rand.Text(), time.Now())
	return nil
}

// Caller knows a connection to the socket and a cookie of ours.
func (a *access) Caller(w http.ResponseWriter, r *http.Request) *api.Caller {
	if r.Context().Value(socketKey{}) != nil {
		return &api.Caller{Socket: true}
	}
	c, err := r.Cookie(a.cookie)
	if err != nil {
		return nil
	}
	id, issued, err := a.open(c.Value)
	if err != nil {
		return nil
	}
	age := time.Since(issued)
	if age > loginIdle || age < -time.Minute {
		return nil
	}
	if age > renewAge {
		a.grant(w, id, time.Now())
	}
	return &api.Caller{Login: id}
}

func (a *access) grant(w http.ResponseWriter, id string, now time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name:     a.cookie,
		Value:    a.seal(id, now),
		Path:     "/",
		MaxAge:   int(loginIdle.Seconds()),
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
}

// A cookie is base64 of: time of issue (8 bytes, big endian, seconds), the
// login's id, HMAC-SHA-256 over both.

func (a *access) seal(id string, issued time.Time) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(issued.Unix()))
	text = append(text, id...)
	return base64.RawURLEncoding.EncodeToString(append(text, a.sign(text)...))
}

var errCookie = errors.New("not a cookie of this daemon")

func (a *access) open(value string) (id string, issued time.Time, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(raw) < 8+sha256.Size {
		return "", time.Time{}, errCookie
	}
	text, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(mac, a.sign(text)) {
		return "", time.Time{}, errCookie
	}
	return string(text[8:]), time.Unix(int64(binary.BigEndian.Uint64(text)), 0), nil
}

func (a *access) sign(text []byte) []byte {
	m := hmac.New(sha256.New, a.key)
	m.Write([]byte("login 1\n"))
	m.Write(text)
	return m.Sum(nil)
}
