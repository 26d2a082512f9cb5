package meter

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-edge/fettle/profiler/meter/internal/tree"
	"github.com/fettle-edge/fettle/study"
)

func TestSampler(t *testing.T) {
	dir := laptop(t)
	const cpu = "sys/devices/system/cpu/cpu0/"
	heat := func(milli, khz int) {
		tree.Write(t, dir, "sys/devices/virtual/thermal/thermal_zone0/temp", fmt.Sprint(milli))
		tree.Write(t, dir, cpu+"cpufreq/scaling_cur_freq", fmt.Sprint(khz))
	}
	heat(49000, 3000000)
	tree.Write(t, dir, cpu+"cpufreq/scaling_governor", "powersave\n")
	tree.Write(t, dir, cpu+"thermal_throttle/core_throttle_count", "41\n")
	tree.Write(t, dir, "proc/meminfo", "MemTotal: 8000 kB\nMemAvailable: 4000 kB\n")
	tree.Write(t, dir, "proc/vmstat", "pswpout 12\n")
	tree.Write(t, dir, "proc/loadavg", "0.50 0.4 0.3 1/94 1\n")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := Watch(At(dir), time.Second)
		time.Sleep(1500 * time.Millisecond)
		heat(71000, 1200000)
		time.Sleep(2 * time.Second)
		heat(55000, 2000000)
		tree.Write(t, dir, cpu+"thermal_throttle/core_throttle_count", "44\n")
		tree.Write(t, dir, "proc/vmstat", "pswpout 13\n")
		o := s.Stop()

		if want := []float64{49, 49, 71, 71, 55}; !slices.Equal(o.Celsius, want) {
			t.Errorf("temperatures %v, want %v", o.Celsius, want)
		}
		c := o.Conditions()
		if c.Temperature == nil || *c.Temperature != (study.Range{Low: 49, High: 71}) {
			t.Errorf("temperature %v, want 49 before and 71 at most", c.Temperature)
		}
		if want := []study.Range{{Low: 1.2e9, High: 3e9}}; !slices.Equal(c.ClockHz, want) {
			t.Errorf("clocks %v, want %v", c.ClockHz, want)
		}
		if !c.Started.Equal(began) || c.Governor != "powersave" || c.Load1 != 0.5 || c.AvailableMem != 4000*1024 || len(c.Missing) != 0 {
			t.Errorf("conditions %+v", c)
		}
		if want := []string{WarnThrottled, WarnSwapped}; !slices.Equal(o.Warnings(), want) {
			t.Errorf("warnings %q, want %q", o.Warnings(), want)
		}
		if want := []string{"cpu0/core_throttle_count rose by 3"}; !slices.Equal(o.Throttling(), want) {
			t.Errorf("evidence %q, want %q", o.Throttling(), want)
		}
		m := o.Measurements()
		if len(m) != 1 || m[0].Metric != "temperature.max" || !slices.Equal(m[0].Samples, []float64{71}) {
			t.Errorf("measurements %+v", m)
		}
	})
}

func TestSamplerWithoutSensors(t *testing.T) {
	s := Watch(At(t.TempDir()), time.Hour)
	o := s.Stop()
	c := o.Conditions()
	if c.Temperature != nil || c.ClockHz != nil || o.Measurements() != nil || o.Warnings() != nil {
		t.Errorf("made up: %+v", o)
	}
	for _, key := range []string{MissingTemperature, MissingClock, MissingGovernor, MissingThrottle, MissingLoad, MissingMemory} {
		if c.Missing[key] == "" {
			t.Errorf("%s: no reason given", key)
		}
	}
}

func TestConditionsOfASensorThatAnsweredLate(t *testing.T) {
	o := Observation{Before: Snapshot{Missing: map[string]string{MissingTemperature: "no answer"}}, Celsius: []float64{-3, -5}}
	c := o.Conditions()
	if c.Temperature == nil || *c.Temperature != (study.Range{Low: -3, High: -3}) || len(c.Missing) != 0 {
		t.Errorf("got %v, missing %q", c.Temperature, c.Missing)
	}
	if len(o.Before.Missing) != 1 {
		t.Error("the observation was changed")
	}
}
