//go:build bench

package bench

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// busy is the CPU time that all CPUs have spent on something.
func busy(t *testing.T) time.Duration {
	t.Helper()
	line, _, _ := strings.Cut(stat(t), "\n")
	var ticks int64
	for i, f := range strings.Fields(line) {
		switch i { // user nice system irq softirq steal
		case 1, 2, 3, 6, 7, 8:
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// cpus is the number of CPUs that are on.
func cpus(t *testing.T) int {
	t.Helper()
	return strings.Count(stat(t), "\ncpu")
}

func stat(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
