//go:build bench

package bench

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// moment is the state of the computer's CPU clocks.
type moment struct {
	wall time.Time
	busy time.Duration // of all CPUs, steal included
	own  time.Duration // of this process and of the children it has waited for
	cpus int
}

func look(t *testing.T) moment {
	t.Helper()
	m := moment{wall: time.Now()}
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, rest, _ := strings.Cut(string(b), "\n")
	m.cpus = strings.Count("\n"+rest, "\ncpu")
	for i, f := range strings.Fields(line) {
		switch i { // user nice system irq softirq steal
		case 1, 2, 3, 6, 7, 8:
			ticks, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			m.busy += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		m.own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return m
}

// others is the share of the CPUs that others have taken since a moment.
func (m moment) others(since moment) float64 {
	all := m.wall.Sub(since.wall).Seconds() * float64(m.cpus)
	return ((m.busy - since.busy) - (m.own - since.own)).Seconds() / all
}
