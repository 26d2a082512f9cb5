package meter

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Throttle is the evidence that the hardware slowed itself down. Only a change
// during a window counts; the counts since boot are the baseline.
type Throttle struct {
	Events map[string]int64 // counter, such as cpu0/core_throttle_count → events since boot
	Caps   map[string]int64 // cooling device that slows a processor → its level; 0 and below are off
}

// slowing are the types of cooling devices that slow a processor down. A fan
// is none.
var slowing = []string{"Processor", "intel_powerclamp", "cpufreq-", "thermal-cpufreq-", "devfreq-"}

func readThrottle(r Root) Throttle {
	t := Throttle{Events: map[string]int64{}, Caps: map[string]int64{}}
	for _, file := range r.Glob("sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count") {
		if n, err := r.ReadInt(file); err == nil {
			cpu := path.Base(path.Dir(path.Dir(file)))
			t.Events[cpu+"/"+path.Base(file)] = n
		}
	}
	for _, folder := range r.Glob("sys/class/thermal/cooling_device*") {
		kind, err := r.ReadString(folder + "/type")
		if err != nil || !slices.ContainsFunc(slowing, func(p string) bool { return strings.HasPrefix(kind, p) }) {
			continue
		}
		if level, err := r.ReadInt(folder + "/cur_state"); err == nil {
			t.Caps[path.Base(folder)+" ("+kind+")"] = level
		}
	}
	return t
}

// Since returns what happened after an earlier reading, a line each, sorted;
// none means no throttling.
func (t Throttle) Since(before Throttle) []string {
	var lines []string
	for name, n := range t.Events {
		if was, ok := before.Events[name]; ok && n > was {
			lines = append(lines, fmt.Sprintf("%s rose by %d", name, n-was))
		}
	}
	for name, level := range t.Caps {
		if was, ok := before.Caps[name]; ok && level > 0 && level > was {
			lines = append(lines, fmt.Sprintf("%s went from %d to %d", name, was, level))
		}
	}
	slices.Sort(lines)
	return lines
}

// Highest returns the largest count since boot. Counts of processors that
// share a core repeat each other, so they are not added.
func (t Throttle) Highest() int64 {
	var highest int64
	for _, n := range t.Events {
		highest = max(highest, n)
	}
	return highest
}
