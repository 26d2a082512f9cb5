package targets

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/disk"

	"github.com/fettle-edge/fettle/study/fault"
)

// Vitals are what a doctor looks at besides the facts: numbers that change.
// The caller fills them in from its sensors (meter.Snapshot has most of them
// by the same names). What it could not read is in Missing, under the name of
// the check, with the reason.
type Vitals struct {
	Now            time.Time
	Built          time.Time // when this program was made: the clock cannot be before it
	Celsius        float64   // of the hottest sensor
	Thermometer    string    // its name
	ThrottleEvents int64     // since boot
	AvailableMem   int64     // B
	SwapUsed       int64     // B
	OtherLoad      float64   // share of all CPUs' time taken by other processes
	Battery        string    // status of a laptop's battery, "" if there is none
	BatteryWatts   float64   // what it gives or takes
	Disks          []Disk
	Missing        map[string]string // name of a check → why there is no number
}

// Disk is the space of the file system that holds a folder. Bytes.
type Disk struct {
	Folder string
	Free   int64 // for this user
	Total  int64
}

// DiskSpace returns the space around a folder, which must exist.
func DiskSpace(ctx context.Context, folder string) (Disk, error) {
	u, err := disk.UsageWithContext(ctx, folder)
	if err != nil {
		return Disk{}, fault.New(fault.Invalid, "cannot tell the free space of %s", folder).Because(err)
	}
	return Disk{Folder: folder, Free: int64(u.Free), Total: int64(u.Total)}, nil
}

// Names of the checks, which are also the keys of Vitals.Missing.
const (
	CheckKernel         = "kernel"
	CheckTime           = "time"
	CheckVirtualization = "virtualization"
	CheckMemory         = "memory"
	CheckSwap           = "swap"
	CheckDisk           = "disk"
	CheckPower          = "power"
	CheckGovernor       = "governor"
	CheckLoad           = "load"
	CheckThrottling     = "throttling"
	CheckTemperature    = "temperature"
	CheckEnergy         = "energy"
)

// Limits of the checks.
const (
	lowMemory  = 1 << 30   // B: small models still fit
	noMemory   = 128 << 20 // B: not even the demo's
	lowDisk    = 5 << 30   // B: pieces of a larger model
	noDisk     = 256 << 20 // B
	hotCelsius = 80        // most boards begin to throttle at 80 to 85 °C
	loudShare  = 0.05      // of all CPUs' time
)

// checks, in the order of the report.
var checks = []struct {
	name  string
	check func(Facts, Vitals) Check
}{
	{CheckKernel, checkKernel},
	{CheckTime, checkTime},
	{CheckVirtualization, checkVirtualization},
	{CheckMemory, checkMemory},
	{CheckSwap, checkSwap},
	{CheckDisk, checkDisk},
	{CheckPower, checkPower},
	{CheckGovernor, checkGovernor},
	{CheckLoad, checkLoad},
	{CheckThrottling, checkThrottling},
	{CheckTemperature, checkTemperature},
	{CheckEnergy, checkEnergy},
}

// Doctor says whether a computer can measure, and how well. warn: numbers may
// be noisy or lacking; fail: measuring will not work.
func Doctor(f Facts, v Vitals) []Check {
	report := make([]Check, 0, len(checks))
	for _, c := range checks {
		result := c.check(f, v)
		result.Name = c.name
		report = append(report, result)
	}
	return report
}

func good(format string, args ...any) Check {
	return Check{Status: StatusOK, Detail: fmt.Sprintf(format, args...)}
}

func warn(try, format string, args ...any) Check {
	return Check{Status: StatusWarn, Detail: fmt.Sprintf(format, args...), Try: try}
}

func fail(try, format string, args ...any) Check {
	return Check{Status: StatusFail, Detail: fmt.Sprintf(format, args...), Try: try}
}

func checkKernel(f Facts, _ Vitals) Check {
	if f.OS != "linux" && f.OS != "android" {
		return fail("measure on Linux", "%s: Fettle measures on Linux only", f.OS)
	}
	major, minor, known := kernelVersion(f.Kernel)
	switch {
	case !known:
		return warn("", "version %q is unknown", f.Kernel)
	case major < 4 || major == 4 && minor < 5:
		return warn("use Linux 4.5 or newer", "%s does not tell anonymous memory from files: no memory.peak_anon", f.Kernel)
	}
	return good("%s %s, %s", f.OS, f.Kernel, f.Architecture)
}

// kernelVersion reads the first two numbers of a release such as 6.18.44-rt.
func kernelVersion(release string) (major, minor int, known bool) {
	first, rest, _ := strings.Cut(release, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second[:len(second)-len(strings.TrimLeft(second, "0123456789"))])
	return major, minor, err1 == nil && err2 == nil
}

func checkTime(_ Facts, v Vitals) Check {
	now := v.Now.UTC().Format("2006-01-02 15:04:05 MST")
	if v.Now.Before(v.Built) {
		return fail("set the clock: sudo timedatectl set-ntp true",
			"%s is before this program was made (%s)", now, v.Built.UTC().Format(time.DateOnly))
	}
	return good("%s", now)
}

func checkVirtualization(f Facts, _ Vitals) Check {
	if f.Virtual == "" {
		return good("none seen")
	}
	return warn("measure on hardware of your own, or compare only numbers taken close together",
		"%s: measurements share the host with neighbours", f.Virtual)
}

func checkMemory(f Facts, v Vitals) Check {
	if why, missing := v.Missing[CheckMemory]; missing {
		return warn("", "unknown: %s", why)
	}
	const try = "close other programs"
	detail := fmt.Sprintf("%s of %s available", size(v.AvailableMem), size(f.MemoryBytes))
	switch {
	case v.AvailableMem < noMemory:
		return fail(try, "%s", detail)
	case v.AvailableMem < lowMemory:
		return warn(try, "%s", detail)
	}
	return good("%s", detail)
}

func checkSwap(f Facts, v Vitals) Check {
	if why, missing := v.Missing[CheckMemory]; missing {
		return warn("", "unknown: %s", why)
	}
	if f.SwapBytes == 0 {
		return good("off")
	}
	return warn("sudo swapoff -a", "%s on, %s used: peaks of memory can hide in swap", size(f.SwapBytes), size(v.SwapUsed))
}

func checkDisk(_ Facts, v Vitals) Check {
	if why, missing := v.Missing[CheckDisk]; missing {
		return warn("", "unknown: %s", why)
	}
	if len(v.Disks) == 0 {
		return good("no folder is in use")
	}
	status := StatusOK
	var details []string
	for _, d := range v.Disks {
		details = append(details, fmt.Sprintf("%s of %s free for %s", size(d.Free), size(d.Total), d.Folder))
		switch {
		case d.Free < noDisk:
			status = StatusFail
		case d.Free < lowDisk && status == StatusOK:
			status = StatusWarn
		}
	}
	c := Check{Status: status, Detail: strings.Join(details, "; ")}
	if status != StatusOK {
		c.Try = "make room, or choose another folder"
	}
	return c
}

func checkPower(_ Facts, v Vitals) Check {
	switch v.Battery {
	case "":
		return good("no battery")
	case "Discharging":
		return warn("plug in the power supply", "on battery (%.2f W): processors run slower to save it", v.BatteryWatts)
	}
	return good("plugged in, battery: %s", strings.ToLower(v.Battery))
}

func checkGovernor(f Facts, v Vitals) Check {
	switch f.Governor {
	case "performance":
		return good("performance")
	case "":
		why := v.Missing[CheckGovernor]
		if why == "" {
			why = "not found"
		}
		return warn("", "unknown: %s; the clock can change while measuring", why)
	}
	return warn("echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
		"%s: the clock changes with the load", f.Governor)
}

func checkLoad(_ Facts, v Vitals) Check {
	if why, missing := v.Missing[CheckLoad]; missing {
		return warn("", "unknown: %s", why)
	}
	detail := fmt.Sprintf("other processes use %.0f %% of the CPU", 100*v.OtherLoad)
	if v.OtherLoad > loudShare {
		return warn("stop other programs; measurements are repeated above 5 %", "%s", detail)
	}
	return good("%s", detail)
}

func checkThrottling(_ Facts, v Vitals) Check {
	if why, missing := v.Missing[CheckThrottling]; missing {
		return warn("", "cannot be seen: %s", why)
	}
	if v.ThrottleEvents > 0 {
		return warn("improve the cooling; attempts that throttle are marked", "%d times since boot", v.ThrottleEvents)
	}
	return good("none since boot")
}

func checkTemperature(f Facts, v Vitals) Check {
	if v.Thermometer == "" {
		return absent(f.Temperature, v.Missing[CheckTemperature])
	}
	if v.Celsius >= hotCelsius {
		return warn("let it cool down", "%.1f °C (%s)", v.Celsius, v.Thermometer)
	}
	return good("%.1f °C (%s)", v.Celsius, v.Thermometer)
}

func checkEnergy(f Facts, v Vitals) Check {
	if f.Energy.Source == "" {
		return absent(f.Energy, v.Missing[CheckEnergy])
	}
	return good("%s, boundary %s", f.Energy.Source, f.Energy.Boundary)
}

// absent reports a sensor that is not there.
func absent(s Sensor, why string) Check {
	if s.Missing != "" {
		why = s.Missing
	}
	if why == "" {
		why = "not looked for"
	}
	return warn(s.Try, "absent: %s", why)
}

// size returns a number of bytes for people.
func size(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
}
