package web

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-edge/fettle/study/fault"
)

func testAccess(t *testing.T) *access {
	t.Helper()
	a, err := newAccess(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8420}, []byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *access) try(code string) (*http.Cookie, error) {
	w := httptest.NewRecorder()
	if err := a.LogIn(w, httptest.NewRequest(http.MethodPost, "/", nil), code); err != nil {
		return nil, err
	}
	return w.Result().Cookies()[0], nil
}

// visit returns whether the cookie is good and what replaces it.
func (a *access) visit(c *http.Cookie) (known bool, next *http.Cookie) {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(c)
	known = a.Caller(w, r) != nil
	for _, n := range w.Result().Cookies() {
		next = n
	}
	return known, next
}

// TestSessionLife is about how long codes and logins last.
func TestSessionLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := testAccess(t)
		link, valid := a.Link()
		code := link[strings.LastIndexByte(link, '=')+1:]
		time.Sleep(valid + time.Second)
		if _, err := a.try(code); fault.KindOf(err) != fault.Unlogged {
			t.Errorf("an old code: %v", err)
		}
		link, _ = a.Link()
		c, err := a.try(link[strings.LastIndexByte(link, '=')+1:])
		if err != nil {
			t.Fatal(err)
		}
		for range 10 { // used every 11 hours, it lasts for days
			time.Sleep(11 * time.Hour)
			known, next := a.visit(c)
			if !known || next == nil {
				t.Fatal("a login that is used ended")
			}
			c = next
		}
		if _, next := a.visit(c); next != nil {
			t.Error("a fresh cookie was replaced")
		}
		time.Sleep(12*time.Hour + time.Second)
		if known, _ := a.visit(c); known {
			t.Error("an idle login lives")
		}
	})
}

// TestLimiterRefills lets an address try again after a while.
func TestLimiterRefills(t *testing.T) {
	l, now := newLimiter(), time.Unix(1000, 0)
	tries := func() (n int) {
		for l.allow("127.0.0.1:1", now) {
			n++
		}
		return n
	}
	if n := tries(); n != 5 {
		t.Errorf("%d tries at once, want 5", n)
	}
	if !l.allow("[::1]:5", now) {
		t.Error("another address has to wait too")
	}
	now = now.Add(refill)
	if n := tries(); n != 1 {
		t.Errorf("%d tries after %v, want 1", n, refill)
	}
	now = now.Add(time.Hour)
	if n := tries(); n != 5 || len(l.full) != 1 {
		t.Errorf("%d tries after an hour, %d addresses remembered", n, len(l.full))
	}
}
