package targets

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var sound = Facts{
	OS: "linux", Kernel: "6.1.0-25-amd64", Architecture: "amd64", MemoryBytes: 16 << 30, Governor: "performance",
	Energy: Sensor{Source: "rapl:package-0", Boundary: "soc"},
}

func wellVitals() Vitals {
	return Vitals{
		Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Built: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		Celsius: 49, Thermometer: "thermal:x86_pkg_temp", AvailableMem: 8 << 30, OtherLoad: 0.01,
		Disks: []Disk{{Folder: "/state", Free: 50 << 30, Total: 100 << 30}},
	}
}

func TestDoctorFindsNothing(t *testing.T) {
	report := Doctor(sound, wellVitals())
	var names []string
	for _, c := range report {
		names = append(names, c.Name)
		if c.Status != StatusOK || c.Detail == "" || c.Try != "" {
			t.Errorf("%+v", c)
		}
	}
	want := []string{CheckKernel, CheckTime, CheckVirtualization, CheckMemory, CheckSwap, CheckDisk, CheckPower,
		CheckGovernor, CheckLoad, CheckThrottling, CheckTemperature, CheckEnergy}
	if !slices.Equal(names, want) {
		t.Errorf("checks %q, want %q", names, want)
	}
}

func TestDoctor(t *testing.T) {
	missing := func(name string) func(*Facts, *Vitals) {
		return func(_ *Facts, v *Vitals) { v.Missing = map[string]string{name: "broken"} }
	}
	tests := []struct {
		check, status string
		change        func(*Facts, *Vitals)
		detail, try   string // parts
	}{
		{CheckKernel, StatusFail, func(f *Facts, _ *Vitals) { f.OS = "darwin" }, "darwin", "Linux"},
		{CheckKernel, StatusWarn, func(f *Facts, _ *Vitals) { f.Kernel = "4.4.0" }, "4.4.0", "4.5"},
		{CheckKernel, StatusOK, func(f *Facts, _ *Vitals) { f.Kernel = "4.9.337-tegra" }, "4.9.337", ""},
		{CheckKernel, StatusOK, func(f *Facts, _ *Vitals) { f.Kernel = "7.0-rc1" }, "7.0-rc1", ""},
		{CheckKernel, StatusWarn, func(f *Facts, _ *Vitals) { f.Kernel = "" }, "unknown", ""},
		{CheckTime, StatusFail, func(_ *Facts, v *Vitals) { v.Now = time.Unix(0, 0) }, "1970-01-01", "timedatectl"},
		{CheckVirtualization, StatusWarn, func(f *Facts, _ *Vitals) { f.Virtual = "kvm" }, "kvm: measurements share the host with neighbours", "hardware"},
		{CheckMemory, StatusWarn, func(_ *Facts, v *Vitals) { v.AvailableMem = 900 << 20 }, "900 MiB of 16.0 GiB", "close"},
		{CheckMemory, StatusFail, func(_ *Facts, v *Vitals) { v.AvailableMem = 100 << 20 }, "100 MiB", "close"},
		{CheckMemory, StatusWarn, missing(CheckMemory), "broken", ""},
		{CheckSwap, StatusWarn, func(f *Facts, v *Vitals) { f.SwapBytes, v.SwapUsed = 2<<30, 5<<20 }, "2.0 GiB on, 5 MiB used", "swapoff"},
		{CheckDisk, StatusWarn, func(_ *Facts, v *Vitals) { v.Disks[0].Free = 4 << 30 }, "4.0 GiB of 100.0 GiB free for /state", "room"},
		{CheckDisk, StatusFail, func(_ *Facts, v *Vitals) {
			v.Disks = append(v.Disks, Disk{"/cache", 1 << 20, 1 << 30}, Disk{"/tmp", 1 << 30, 2 << 30})
		}, "/cache", "room"},
		{CheckDisk, StatusWarn, missing(CheckDisk), "broken", ""},
		{CheckPower, StatusWarn, func(_ *Facts, v *Vitals) { v.Battery, v.BatteryWatts = "Discharging", 4.83 }, "4.83 W", "plug in"},
		{CheckPower, StatusOK, func(_ *Facts, v *Vitals) { v.Battery = "Not charging" }, "not charging", ""},
		{CheckGovernor, StatusWarn, func(f *Facts, _ *Vitals) { f.Governor = "powersave" }, "powersave", "scaling_governor"},
		{CheckGovernor, StatusWarn, func(f *Facts, v *Vitals) { f.Governor = ""; missing(CheckGovernor)(f, v) }, "broken", ""},
		{CheckLoad, StatusWarn, func(_ *Facts, v *Vitals) { v.OtherLoad = 0.25 }, "25 %", "stop"},
		{CheckLoad, StatusWarn, missing(CheckLoad), "broken", ""},
		{CheckThrottling, StatusWarn, func(_ *Facts, v *Vitals) { v.ThrottleEvents = 7 }, "7 times", "cooling"},
		{CheckThrottling, StatusWarn, missing(CheckThrottling), "broken", ""},
		{CheckTemperature, StatusWarn, func(_ *Facts, v *Vitals) { v.Celsius = 91.25 }, "91.2 °C", "cool"},
		{CheckTemperature, StatusWarn, func(_ *Facts, v *Vitals) { v.Thermometer = ""; missing(CheckTemperature)(nil, v) }, "broken", ""},
		{CheckEnergy, StatusWarn, func(f *Facts, _ *Vitals) {
			f.Energy = Sensor{Missing: "permission denied", Try: "sudo chmod"}
		}, "absent: permission denied", "sudo chmod"},
		{CheckEnergy, StatusWarn, func(f *Facts, _ *Vitals) { f.Energy = Sensor{} }, "not looked for", ""},
	}
	for _, test := range tests {
		t.Run(test.check+" "+test.status+" "+test.detail, func(t *testing.T) {
			f, v := sound, wellVitals()
			test.change(&f, &v)
			for _, c := range Doctor(f, v) {
				switch {
				case c.Name == test.check:
					if c.Status != test.status || !strings.Contains(c.Detail, test.detail) || !strings.Contains(c.Try, test.try) {
						t.Errorf("got %+v, want %s with %q, try %q", c, test.status, test.detail, test.try)
					}
				case c.Status != StatusOK && !(test.check == CheckMemory && c.Name == CheckSwap):
					t.Errorf("%s complains too: %+v", c.Name, c)
				}
			}
		})
	}
}

func TestDiskSpace(t *testing.T) {
	d, err := DiskSpace(t.Context(), t.TempDir())
	if err != nil || d.Total <= 0 || d.Free < 0 || d.Free > d.Total {
		t.Errorf("got %+v, %v", d, err)
	}
	if d, err := DiskSpace(t.Context(), "/no/such/folder"); err == nil {
		t.Errorf("got %+v", d)
	}
}
