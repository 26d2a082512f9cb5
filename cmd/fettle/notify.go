package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// notify tells a service manager about the daemon by the protocol of
// sd_notify(3). Without one it does nothing.
func notify(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	if address[0] == '@' { // an abstract socket
		address = "\x00" + address[1:]
	}
	c, err := net.Dial("unixgram", address)
	if err != nil {
		return // the manager finds out by its own time-out
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}

// watchdog tells the service manager that alive answers, twice in each of its
// intervals, until ctx ends.
func watchdog(ctx context.Context, alive func(context.Context) error) {
	µs, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || µs <= 0 {
		return
	}
	tick := time.NewTicker(time.Duration(µs) * time.Microsecond / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if alive(ctx) == nil {
				notify("WATCHDOG=1")
			}
		}
	}
}
