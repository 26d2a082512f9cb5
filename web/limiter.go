package web

import (
	"net"
	"sync"
	"time"
)

// Tries to log in: a few at once, then one for each refill.
const (
	burst  = 5
	refill = time.Minute / 5
)

// limiter counts tries by IP address.
type limiter struct {
	mu   sync.Mutex
	full map[string]time.Time // when the address has its whole burst again
}

func newLimiter() *limiter { return &limiter{full: map[string]time.Time{}} }

// allow takes one try of an address ("ip:port") at a time; false if it has
// none left.
func (l *limiter) allow(address string, now time.Time) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for h, full := range l.full { // never more than those of the last minute
		if !full.After(now) {
			delete(l.full, h)
		}
	}
	full, ok := l.full[host]
	if !ok {
		full = now
	}
	full = full.Add(refill)
	if full.Sub(now) > burst*refill {
		return false
	}
	l.full[host] = full
	return true
}
