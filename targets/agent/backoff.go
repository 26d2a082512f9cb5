package agent

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits longer after every failure in a row, up to a limit, with
// jitter, so that many agents do not come back at once.
type backoff struct{ failures int }

const (
	firstWait = 200 * time.Millisecond
	maxWait   = 15 * time.Second
)

// sleep waits; it returns the cause of ctx when that ends first.
func (b *backoff) sleep(ctx context.Context) error {
	d := min(maxWait, firstWait<<min(b.failures, 10))
	b.failures++
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *backoff) reset() { b.failures = 0 }
