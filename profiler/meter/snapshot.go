package meter

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a Snapshot may lack: the keys of Missing.
const (
	MissingEnergy      = "energy" // for the owner of a Meter; a Snapshot reads no energy
	MissingTemperature = "temperature"
	MissingClock       = "clock"
	MissingGovernor    = "governor"
	MissingThrottle    = "throttling"
	MissingLoad        = "load"
	MissingMemory      = "memory"
)

// Snapshot is what holds at one moment. Whatever could not be read is zero,
// and Missing says why.
type Snapshot struct {
	Time         time.Time
	Governor     string    // of all CPUs; different ones are separated by commas
	ClockHz      []float64 // for each CPU that is on
	Celsius      float64   // of the hottest plausible sensor
	Thermometer  string    // its name, "" is none
	Load1        float64   // load average over one minute
	AvailableMem int64     // B that can be had without swapping
	SwapTotal    int64     // B
	SwapUsed     int64     // B
	SwappedOut   int64     // pages written to swap since boot
	Throttle     Throttle
	Battery      *Battery // nil is none
	Missing      map[string]string
}

// Battery is a laptop's battery. It is a condition, not a source of energy:
// its numbers change every few seconds to tens of seconds.
type Battery struct {
	Name   string  // BAT0
	Status string  // as the kernel says it: Discharging, Charging, Full, Not charging
	Watts  float64 // flowing in or out; 0 where it is not told
}

// Take reads a snapshot.
func Take(r Root) Snapshot { return take(r, thermometers(r)) }

func take(r Root, thermal []thermometer) Snapshot {
	s := Snapshot{Time: time.Now(), Missing: map[string]string{}}
	s.takeClocks(r)
	s.takeMemory(r)
	if s.Celsius, s.Thermometer = hottestOf(r, thermal); s.Thermometer == "" {
		s.Missing[MissingTemperature] = noThermometer(r)
	}
	s.Throttle = readThrottle(r)
	if len(s.Throttle.Events) == 0 {
		s.Missing[MissingThrottle] = "no counters in /sys/devices/system/cpu/cpu*/thermal_throttle; AMD and virtual processors have none"
	}
	text, err := r.ReadString("proc/loadavg")
	if err == nil {
		_, err = fmt.Sscan(text, &s.Load1)
	}
	if err != nil {
		s.Missing[MissingLoad] = reason(err)
	}
	s.Battery = readBattery(r)
	return s
}

func (s *Snapshot) takeClocks(r Root) {
	const cpufreq = "/cpufreq"
	var governors []string
	folders := r.Glob("sys/devices/system/cpu/cpu[0-9]*" + cpufreq)
	for _, folder := range folders {
		if name, err := r.ReadString(folder + "/scaling_governor"); err == nil {
			governors = append(governors, name)
		}
	}
	s.ClockHz = clocks(r, folders)
	slices.Sort(governors)
	s.Governor = strings.Join(slices.Compact(governors), ",")
	why := "no /sys/devices/system/cpu/cpu*" + cpufreq + ": the kernel does not control the clock here"
	if len(folders) > 0 {
		why = "/sys/devices/system/cpu/cpu*" + cpufreq + " cannot be read"
	}
	if s.Governor == "" {
		s.Missing[MissingGovernor] = why
	}
	if len(s.ClockHz) == 0 {
		s.Missing[MissingClock] = why
	}
}

// clocks returns the current clock, Hz, of each CPU that tells it.
func clocks(r Root, folders []string) []float64 {
	var hz []float64
	for _, folder := range folders {
		if khz, err := r.ReadInt(folder + "/scaling_cur_freq"); err == nil {
			hz = append(hz, float64(khz)*1000)
		}
	}
	return hz
}

func (s *Snapshot) takeMemory(r Root) {
	text, err := r.ReadString("proc/meminfo")
	if err != nil {
		s.Missing[MissingMemory] = reason(err)
		return
	}
	kib := numbers(text)
	available, ok := kib["MemAvailable:"]
	if !ok {
		s.Missing[MissingMemory] = "/proc/meminfo has no MemAvailable"
	}
	s.AvailableMem = available * 1024
	s.SwapTotal = kib["SwapTotal:"] * 1024
	s.SwapUsed = s.SwapTotal - kib["SwapFree:"]*1024
	if text, err := r.ReadString("proc/vmstat"); err == nil {
		s.SwappedOut = numbers(text)["pswpout"]
	}
}

// numbers reads lines of a word and a number.
func numbers(text string) map[string]int64 {
	values := map[string]int64{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 1 {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				values[f[0]] = n
			}
		}
	}
	return values
}

// readBattery returns the first battery of a computer. ACPI gives either
// power_now, µW, or current_now, µA, and voltage_now, µV.
func readBattery(r Root) *Battery {
	for _, file := range r.Glob("sys/class/power_supply/BAT*/status") {
		folder := path.Dir(file)
		status, err := r.ReadString(file)
		if err != nil {
			continue
		}
		b := &Battery{Name: path.Base(folder), Status: status}
		if uw, err := r.ReadInt(folder + "/power_now"); err == nil {
			b.Watts = float64(uw) / 1e6
		} else if ua, err := r.ReadInt(folder + "/current_now"); err == nil {
			uv, _ := r.ReadInt(folder + "/voltage_now")
			b.Watts = float64(ua) / 1e6 * float64(uv) / 1e6
		}
		return b
	}
	return nil
}
