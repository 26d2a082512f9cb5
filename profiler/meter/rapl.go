package meter

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// The energy counters of x86 processors (RAPL), as the kernel's powercap
// folder shows them: zones intel-rapl:N with parts intel-rapl:N:M, on AMD too.
//
// What is added: every package, and dram where it is reported (servers), which
// is not inside the package. Never added: core and uncore, which are parts of
// the package; psys, which contains it and more, on boards that each decide
// what; intel-rapl-mmio, which is the same package read in another way and
// stands in only where intel-rapl itself is missing.
const (
	powercap = "sys/class/powercap"

	// raplPeriod is how often the hardware updates its counters.
	raplPeriod = time.Millisecond
	// raplResolution is the usual unit of the hardware's counter, 2^-14 J.
	raplResolution = 1.0 / (1 << 14)
	// raplPower is more than one zone draws for long, W. From it follows how
	// often a counter must be read so that no wrap is lost.
	raplPower = 500
)

type rapl struct {
	root  Root
	zones []*zone
}

// zone is one counter and what has been read from it.
type zone struct {
	name  string
	file  string // energy_uj
	span  int64  // max_energy_range_uj
	last  int64  // µJ
	total int64  // µJ since the first read
	begun bool
}

// openRAPL returns the counters, or nil and the reason. Every counter has
// been read once.
func openRAPL(r Root) (*rapl, Sensor) {
	if len(r.Glob(powercap)) == 0 {
		return nil, Sensor{
			Missing: "no /" + powercap + ": the kernel shows no energy counter",
			Try:     "in a virtual machine, measure on the host; else load the kernel module intel_rapl_msr",
		}
	}
	zones := raplZones(r, "intel-rapl")
	if len(zones) == 0 {
		zones = raplZones(r, "intel-rapl-mmio")
	}
	if len(zones) == 0 {
		return nil, Sensor{
			Missing: "/" + powercap + " has no package zone of RAPL",
			Try:     "load the kernel module: sudo modprobe intel_rapl_msr",
		}
	}
	source := &rapl{root: r, zones: zones}
	_, err := source.Read()
	switch {
	case errors.Is(err, fs.ErrPermission):
		files := "/" + powercap + "/intel-rapl:*/energy_uj"
		return nil, Sensor{
			Missing: "permission denied: energy_uj is readable by root only",
			Try: fmt.Sprintf(`let your group read it until the next boot: `+
				`sudo chgrp "$(id -gn)" %s && sudo chmod g+r %s`, files, files),
		}
	case err != nil:
		return nil, Sensor{Missing: reason(err), Try: "look for powercap in the kernel's log: sudo dmesg"}
	}
	return source, Sensor{}
}

// raplZones returns the zones of one control type that may be added up.
func raplZones(r Root, control string) []*zone {
	var zones []*zone
	for _, folder := range r.Glob(powercap + "/" + control + ":*") {
		name, err := r.ReadString(folder + "/name")
		if err != nil {
			continue
		}
		part := strings.Count(path.Base(folder), ":") > 1
		if !part && strings.HasPrefix(name, "package") || part && name == "dram" {
			zones = append(zones, &zone{name: name, file: folder + "/energy_uj"})
		}
	}
	return zones
}

func (s *rapl) Info() Info {
	info := Info{Boundary: BoundarySoC, Period: raplPeriod, Resolution: raplResolution}
	names := make([]string, 0, len(s.zones))
	for _, z := range s.zones {
		names = append(names, z.name)
		// Half the time to go once round, so that a wrap is never missed.
		wrap := time.Duration(float64(z.span) / 1e6 / (2 * raplPower) * float64(time.Second))
		if info.Wrap == 0 || wrap < info.Wrap {
			info.Wrap = wrap
		}
	}
	info.Name = "rapl:" + strings.Join(names, "+")
	return info
}

func (s *rapl) Read() (float64, error) {
	var sum int64
	for _, z := range s.zones {
		if err := z.read(s.root); err != nil {
			return 0, err
		}
		sum += z.total
	}
	return float64(sum) / 1e6, nil
}

func (z *zone) read(r Root) error {
	if z.span == 0 {
		span, err := r.ReadInt(path.Dir(z.file) + "/max_energy_range_uj")
		if err != nil {
			return err
		}
		if span < 1e6 { // real ones have thousands of joules
			return fmt.Errorf("/%s has a range of %d µJ", path.Dir(z.file), span)
		}
		z.span = span
	}
	now, err := r.ReadInt(z.file)
	if err != nil {
		return err
	}
	if now < 0 || now > z.span {
		return fmt.Errorf("/%s reads %d µJ, outside its range of %d", z.file, now, z.span)
	}
	if z.begun {
		z.total += advance(z.last, now, z.span)
	}
	z.last, z.begun = now, true
	return nil
}

// advance returns how far a counter that starts again after span has moved,
// if it went round at most once.
func advance(last, now, span int64) int64 {
	if now >= last {
		return now - last
	}
	return span - last + now
}
