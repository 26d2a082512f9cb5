package meter

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// CPUTime is what all CPUs have spent since boot, in ticks of 1/100 s.
type CPUTime struct {
	Busy  int64 // running anything, not idle and not waiting
	Steal int64 // taken by other guests of the host
	Total int64 // all of it
}

// ticks is the kernel's USER_HZ, the unit of /proc/stat on every architecture
// that Fettle runs on.
const ticks = 100

// ReadCPUTime reads the first line of proc/stat: user, nice, system, idle,
// iowait, irq, softirq, steal; guest time is part of user.
func ReadCPUTime(r Root) (CPUTime, error) {
	text, err := r.ReadString("proc/stat")
	if err != nil {
		return CPUTime{}, err
	}
	line, _, _ := strings.Cut(text, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return CPUTime{}, fmt.Errorf("/proc/stat begins with %.40q", line)
	}
	var n [8]int64
	for i := range n {
		if n[i], err = strconv.ParseInt(f[i+1], 10, 64); err != nil {
			return CPUTime{}, fmt.Errorf("/proc/stat begins with %.40q", line)
		}
	}
	idle := n[3] + n[4]
	t := CPUTime{Steal: n[7]}
	for _, v := range n {
		t.Total += v
	}
	t.Busy = t.Total - idle - t.Steal
	return t, nil
}

// OtherLoad returns the CPU time that others took between two readings, steal
// included, as a share of all CPUs' time: 0 is quiet, 1 is everything. own is
// the CPU time of processes that do not count as others. Below a tick of
// total time nothing can be said, and ok is false.
func OtherLoad(before, after CPUTime, own time.Duration) (share float64, ok bool) {
	total := after.Total - before.Total
	if total <= 0 {
		return 0, false
	}
	busy := after.Busy - before.Busy + after.Steal - before.Steal
	others := float64(busy) - own.Seconds()*ticks
	return min(max(others/float64(total), 0), 1), true
}

// Quiet says how quiet a computer has to be before something is measured. The
// zero value of a field is its default.
type Quiet struct {
	Limit    float64       // highest share of CPU time of other processes; 0.05
	Window   time.Duration // over which it is measured; 250 ms
	Patience time.Duration // how long to wait for it; 5 s
}

func (q Quiet) withDefaults() Quiet {
	if q.Limit == 0 {
		q.Limit = 0.05
	}
	if q.Window == 0 {
		q.Window = 250 * time.Millisecond
	}
	if q.Patience == 0 {
		q.Patience = 5 * time.Second
	}
	return q
}

// WaitQuiet waits until other processes leave the CPU alone for one window,
// or its patience ends. It returns the share of the last window and whether
// that was quiet; if not, go on with WarnDisturbed. The error is the
// context's cause, or that the load cannot be read.
func WaitQuiet(ctx context.Context, r Root, q Quiet) (share float64, quiet bool, err error) {
	q = q.withDefaults()
	end := time.Now().Add(q.Patience)
	tick := time.NewTicker(q.Window)
	defer tick.Stop()
	before, err := ReadCPUTime(r)
	if err != nil {
		return 0, false, err
	}
	used := ownCPUTime()
	for {
		select {
		case <-ctx.Done():
			return share, false, context.Cause(ctx)
		case <-tick.C:
		}
		after, err := ReadCPUTime(r)
		if err != nil {
			return share, false, err
		}
		now := ownCPUTime()
		var ok bool
		share, ok = OtherLoad(before, after, now-used)
		if ok && share <= q.Limit {
			return share, true, nil
		}
		if !time.Now().Before(end) {
			return share, false, nil
		}
		before, used = after, now
	}
}

// ownCPUTime is the CPU time of this process.
func ownCPUTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
