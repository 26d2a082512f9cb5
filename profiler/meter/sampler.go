package meter

import (
	"maps"
	"sync"
	"time"

	"github.com/fettle-edge/fettle/study"
)

// Sampler watches temperature and clocks while something else measures. Its
// owner calls Stop.
type Sampler struct {
	root    Root
	thermal []thermometer
	folders []string // of cpufreq
	done    chan struct{}
	wait    sync.WaitGroup
	seen    Observation
}

// Observation is what held between Watch and Stop.
type Observation struct {
	Before, After Snapshot
	Celsius       []float64     // of the hottest sensor at each sample, After the last
	ClockHz       []study.Range // for each CPU
}

// Watch takes a snapshot and then samples at a fixed period; one second is
// enough for temperatures and costs nothing that can be measured.
func Watch(r Root, period time.Duration) *Sampler {
	s := &Sampler{
		root:    r,
		thermal: thermometers(r),
		folders: r.Glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq"),
		done:    make(chan struct{}),
	}
	s.seen.Before = take(r, s.thermal)
	s.add(s.seen.Before.Celsius, s.seen.Before.Thermometer, s.seen.Before.ClockHz)
	s.wait.Go(func() { s.run(period) })
	return s
}

func (s *Sampler) run(period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
			celsius, name := hottestOf(s.root, s.thermal)
			s.add(celsius, name, clocks(s.root, s.folders))
		}
	}
}

func (s *Sampler) add(celsius float64, thermometer string, hz []float64) {
	if thermometer != "" {
		s.seen.Celsius = append(s.seen.Celsius, celsius)
	}
	for i, f := range hz {
		if i == len(s.seen.ClockHz) {
			s.seen.ClockHz = append(s.seen.ClockHz, study.Range{Low: f, High: f})
			continue
		}
		r := &s.seen.ClockHz[i]
		r.Low, r.High = min(r.Low, f), max(r.High, f)
	}
}

// Stop ends the watch with a last snapshot. It may be called once.
func (s *Sampler) Stop() Observation {
	close(s.done)
	s.wait.Wait()
	s.seen.After = take(s.root, s.thermal)
	s.add(s.seen.After.Celsius, s.seen.After.Thermometer, s.seen.After.ClockHz)
	return s.seen
}

// Conditions returns the fields of a measurement's conditions that come from
// sensors; the others are for the caller. Nothing is shared with o.
func (o Observation) Conditions() study.Conditions {
	c := study.Conditions{
		Started:      o.Before.Time,
		Governor:     o.Before.Governor,
		ClockHz:      append([]study.Range(nil), o.ClockHz...),
		Load1:        o.Before.Load1,
		AvailableMem: o.Before.AvailableMem,
		Missing:      maps.Clone(o.Before.Missing),
	}
	if peak, ok := o.peak(); ok {
		c.Temperature = &study.Range{Low: o.Celsius[0], High: peak}
		delete(c.Missing, MissingTemperature)
	}
	return c
}

// Measurements returns the metrics that the sensors measured by themselves:
// temperature.max, or none.
func (o Observation) Measurements() []study.Measurement {
	peak, ok := o.peak()
	if !ok {
		return nil
	}
	return []study.Measurement{{Metric: "temperature.max", Unit: "°C", Samples: []float64{peak}, Warnings: o.Warnings()}}
}

func (o Observation) peak() (celsius float64, ok bool) {
	for i, c := range o.Celsius {
		if i == 0 || c > celsius {
			celsius = c
		}
	}
	return celsius, len(o.Celsius) > 0
}

// Warnings returns what every measurement of the attempt has to carry.
func (o Observation) Warnings() []string {
	var warnings []string
	if len(o.Throttling()) > 0 {
		warnings = append(warnings, WarnThrottled)
	}
	if o.After.SwappedOut > o.Before.SwappedOut {
		warnings = append(warnings, WarnSwapped)
	}
	return warnings
}

// Throttling returns the evidence that the hardware slowed down, a line each.
func (o Observation) Throttling() []string { return o.After.Throttle.Since(o.Before.Throttle) }
