package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// memory is what /proc/self/status says, in bytes.
type memory struct {
	data int64 // VmData: private and writable
	peak int64 // VmHWM
	anon int64 // RssAnon
	file int64 // RssFile
}

func readMemory() (memory, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return memory{}, err
	}
	return parseMemory(b)
}

func parseMemory(status []byte) (m memory, err error) {
	fields := map[string]*int64{"VmData": &m.data, "VmHWM": &m.peak, "RssAnon": &m.anon, "RssFile": &m.file}
	for line := range bytes.Lines(status) {
		name, rest, _ := strings.Cut(string(line), ":")
		dst, ok := fields[name]
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("cannot read %s of /proc/self/status: %w", name, err)
		}
		*dst = kb << 10
		delete(fields, name)
	}
	if len(fields) > 0 {
		return m, errors.New("cannot find the memory of this process in /proc/self/status")
	}
	return m, nil
}

// usage is what this process has used so far.
func usage() (cpu time.Duration, majorFaults int64, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Majflt, nil
}

// tick is the unit of /proc/stat (USER_HZ is 100 on every platform of ours).
const tick = 10 * time.Millisecond

// busyTime returns the CPU time that all CPUs together have spent on
// something, steal included, and the number of CPUs.
func busyTime() (busy time.Duration, cpus int, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	return parseStat(b)
}

func parseStat(stat []byte) (busy time.Duration, cpus int, err error) {
	for s := bufio.NewScanner(bytes.NewReader(stat)); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) == 0 || !strings.HasPrefix(f[0], "cpu") {
			break // the CPUs come first
		}
		if f[0] != "cpu" {
			cpus++
			continue
		}
		if len(f) < 9 {
			return 0, 0, fmt.Errorf("cannot read /proc/stat: %d fields", len(f))
		}
		// user nice system idle iowait irq softirq steal; guest time is in user.
		for _, i := range []int{1, 2, 3, 6, 7, 8} {
			n, err := strconv.ParseInt(f[i], 10, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("cannot read /proc/stat: %w", err)
			}
			busy += time.Duration(n) * tick
		}
	}
	if cpus == 0 {
		return 0, 0, errors.New("cannot find a CPU in /proc/stat")
	}
	return busy, cpus, nil
}
