package meter

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/fettle-edge/fettle/profiler/meter/internal/tree"
)

// files makes a tree of "name=text" lines.
func files(lines ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, line := range lines {
		name, text, _ := strings.Cut(line, "=")
		m[name] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	return m
}

func TestSnapshotOfLaptop(t *testing.T) {
	s := Take(At(laptop(t)))
	if s.Thermometer != "thermal:x86_pkg_temp" || s.Celsius != 49 { // acpitz reads -44 °C
		t.Errorf("hottest is %v °C by %q", s.Celsius, s.Thermometer)
	}
	if s.Battery == nil || s.Battery.Status != "Discharging" || s.Battery.Watts != 4.83 {
		t.Errorf("battery %+v, want 4.83 W, discharging", s.Battery)
	}
	want := map[string]int64{"cooling_device0 (Processor)": 0, "cooling_device2 (intel_powerclamp)": -1}
	if fmt.Sprint(s.Throttle.Caps) != fmt.Sprint(want) {
		t.Errorf("cooling devices %v, want %v", s.Throttle.Caps, want)
	}
	// What the tree does not have is missing, never taken from this computer.
	for _, key := range []string{MissingClock, MissingGovernor, MissingThrottle, MissingLoad, MissingMemory} {
		if s.Missing[key] == "" {
			t.Errorf("%s: no reason given", key)
		}
	}
	if why, missing := s.Missing[MissingTemperature]; missing {
		t.Errorf("temperature is missing: %s", why)
	}
	if s.Load1 != 0 || s.AvailableMem != 0 || s.ClockHz != nil || s.Governor != "" {
		t.Errorf("made up: %+v", s)
	}
}

func TestSnapshot(t *testing.T) {
	s := Take(Over(files(
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor=powersave",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq=1400000",
		"sys/devices/system/cpu/cpu2/cpufreq/scaling_governor=performance",
		"sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq=2000000",
		"sys/devices/system/cpu/cpu10/cpufreq/scaling_governor=performance",
		"sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq=3600000",
		"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count=3",
		"sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count=7",
		"sys/devices/system/cpu/cpu10/thermal_throttle/package_throttle_count=7",
		"sys/class/thermal/cooling_device0/type=pwm-fan",
		"sys/class/thermal/cooling_device0/cur_state=4",
		"sys/class/thermal/cooling_device1/type=cpufreq-cpu0",
		"sys/class/thermal/cooling_device1/cur_state=2",
		"proc/loadavg=0.13 0.43 0.26 1/94 11594",
		"proc/meminfo=MemTotal: 8000 kB\nMemAvailable: 4000 kB\nSwapTotal: 2000 kB\nSwapFree: 1500 kB",
		"proc/vmstat=pswpin 4\npswpout 12",
	)))
	if s.Governor != "performance,powersave" || !slices.Equal(s.ClockHz, []float64{1.4e9, 2e9, 3.6e9}) {
		t.Errorf("governor %q, clocks %v", s.Governor, s.ClockHz)
	}
	if s.Load1 != 0.13 || s.AvailableMem != 4000*1024 || s.SwapTotal != 2000*1024 || s.SwapUsed != 500*1024 || s.SwappedOut != 12 {
		t.Errorf("load and memory: %+v", s)
	}
	if s.Throttle.Highest() != 7 || len(s.Throttle.Caps) != 1 {
		t.Errorf("throttle %+v", s.Throttle)
	}
	if len(s.Missing) != 1 || s.Missing[MissingTemperature] == "" {
		t.Errorf("missing %q, want the temperature alone", s.Missing)
	}
}

func TestThrottleSince(t *testing.T) {
	before := Throttle{
		Events: map[string]int64{"cpu0/core": 5, "cpu1/core": 2, "cpu2/core": 9},
		Caps:   map[string]int64{"clamp": -1, "processor": 0, "capped": 3},
	}
	if lines := before.Since(before); lines != nil {
		t.Errorf("nothing changed, but %q", lines)
	}
	after := Throttle{
		Events: map[string]int64{"cpu0/core": 5, "cpu1/core": 6, "cpu2/core": 1, "cpu3/core": 4}, // cpu2 and cpu3 were off for a while
		Caps:   map[string]int64{"clamp": 0, "processor": 2, "capped": 3, "new": 1},
	}
	want := []string{"cpu1/core rose by 4", "processor went from 0 to 2"}
	if lines := after.Since(before); !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}

func TestThermometers(t *testing.T) {
	zone := func(n int, kind, milli string) []string {
		folder := fmt.Sprintf("sys/class/thermal/thermal_zone%d", n)
		return []string{folder + "/type=" + kind, folder + "/temp=" + milli}
	}
	join := func(parts ...[]string) fstest.MapFS { return files(slices.Concat(parts...)...) }
	chip := []string{
		"sys/class/hwmon/hwmon0/name=k10temp", "sys/class/hwmon/hwmon0/temp1_input=61500",
		"sys/class/hwmon/hwmon0/temp1_label=Tctl",
		"sys/class/hwmon/hwmon1/name=nvme", "sys/class/hwmon/hwmon1/temp1_input=78000",
		"sys/class/hwmon/hwmon1/temp1_label=Composite",
	}
	tests := []struct {
		name    string
		files   fstest.MapFS
		want    string
		celsius float64
	}{
		{"hottest", join(zone(0, "cpu", "40000"), zone(1, "gpu", "52345")), "thermal:gpu", 52.345},
		{"constants", join(zone(0, "cpu", "27000"), zone(1, "PMIC-Die", "100000")), "thermal:cpu", 27},
		{"impossible", join(zone(0, "cpu", "-44000"), zone(1, "gpu", "-256000"), zone(2, "x", "127000")), "", 0},
		{"border", join(zone(0, "cpu", "125000")), "thermal:cpu", 125},
		{"not a number", join(zone(0, "cpu", "")), "", 0},
		{"hwmon too", join(zone(0, "acpitz", "16800"), chip), "hwmon:k10temp/Tctl", 61.5},
		{"nothing", fstest.MapFS{}, "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := Over(test.files)
			celsius, name := hottestOf(r, thermometers(r))
			if name != test.want || celsius != test.celsius {
				t.Errorf("got %v by %q, want %v by %q", celsius, name, test.celsius, test.want)
			}
			sensor := Temperature(r)
			if sensor.Source != test.want || (sensor.Source == "") != (sensor.Missing != "" && sensor.Try != "") {
				t.Errorf("got %+v", sensor)
			}
		})
	}
	// A zone that answers EAGAIN is left out.
	r := Over(failing{join(zone(0, "cpu", "40000"), zone(1, "cv0", "90000")), "thermal_zone1/temp", syscall.EAGAIN})
	if celsius, name := hottestOf(r, thermometers(r)); celsius != 40 || name != "thermal:cpu" {
		t.Errorf("got %v by %q", celsius, name)
	}
}

func TestBatteryByCurrentAndVoltage(t *testing.T) {
	s := Take(Over(files("sys/class/power_supply/BAT1/status=Full",
		"sys/class/power_supply/BAT1/current_now=500000", "sys/class/power_supply/BAT1/voltage_now=12000000")))
	if s.Battery == nil || *s.Battery != (Battery{Name: "BAT1", Status: "Full", Watts: 6}) {
		t.Errorf("got %+v", s.Battery)
	}
}

func TestSnapshotOfThisComputer(t *testing.T) {
	s := Take(At("/"))
	if s.AvailableMem <= 0 && s.Missing[MissingMemory] == "" {
		t.Error("no memory available, and no reason")
	}
	present := map[string]bool{
		MissingTemperature: s.Thermometer != "", MissingClock: len(s.ClockHz) > 0,
		MissingGovernor: s.Governor != "", MissingThrottle: len(s.Throttle.Events) > 0,
	}
	for key, there := range present {
		if why, missing := s.Missing[key]; missing == there || missing && why == "" {
			t.Errorf("%s: there %v, missing %v (%s)", key, there, missing, why)
		}
	}
	if s.Thermometer != "" && (s.Celsius < coldest || s.Celsius > hottest) {
		t.Errorf("%v °C", s.Celsius)
	}
}

func TestUnpackMakesLinks(t *testing.T) {
	dir := laptop(t)
	tree.Write(t, dir, "sys/devices/virtual/thermal/thermal_zone0/temp", "51000\n")
	if n, err := At(dir).ReadInt("sys/class/thermal/thermal_zone0/temp"); err != nil || n != 51000 {
		t.Errorf("by the link: %d, %v", n, err)
	}
}
