package meter

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// Warnings of a measurement that this package can find.
const (
	WarnCoarse    = "coarse"     // the energy window is short for the sensor's period or resolution
	WarnIdleDrift = "idle_drift" // idle power before and after differ by more than 5 % of the net energy
	WarnBelowIdle = "below_idle" // no more power than at idle: the net energy is not positive
	WarnThrottled = "throttled"  // the hardware reported that it slowed down
	WarnSwapped   = "swapped"    // the system wrote pages to swap
	WarnDisturbed = "disturbed"  // other processes used the CPU
)

// Interval is one phase of an attempt as a source of energy saw it.
type Interval struct {
	Phase  string
	Start  time.Time
	Length time.Duration
	Joules float64
}

// Record is what a Meter saw.
type Record struct {
	Source    Info
	Intervals []Interval // one after the other, without gaps
}

// Meter reads a source at the borders of phases, and in between often enough
// that a counter's wrap is not lost. Its owner calls Stop.
type Meter struct {
	source Source
	info   Info
	done   chan struct{}
	wait   sync.WaitGroup

	mu        sync.Mutex
	intervals []Interval // the last one is open: Length and Joules hold nothing yet
	joules    float64    // at the last border
	err       error      // the first
}

// Start begins the first phase. The error says that the source cannot be
// read; then there is nothing to stop.
func Start(source Source, phase string) (*Meter, error) {
	joules, err := source.Read()
	if err != nil {
		return nil, err
	}
	m := &Meter{
		source:    source,
		info:      source.Info(),
		done:      make(chan struct{}),
		intervals: []Interval{{Phase: phase, Start: time.Now()}},
		joules:    joules,
	}
	if m.info.Wrap > 0 {
		m.wait.Go(m.poll)
	}
	return m, nil
}

// poll reads the source so that no wrap is lost.
func (m *Meter) poll() {
	tick := time.NewTicker(m.info.Wrap)
	defer tick.Stop()
	for {
		select {
		case <-m.done:
			return
		case <-tick.C:
		}
		m.mu.Lock()
		if _, err := m.source.Read(); err != nil && m.err == nil {
			m.err = err
		}
		m.mu.Unlock()
	}
}

// Mark ends the current phase and begins the next. Stop returns what went
// wrong.
func (m *Meter) Mark(phase string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.close()
	m.intervals = append(m.intervals, Interval{Phase: phase, Start: now})
}

// Stop ends the last phase. The record is worth nothing if a read failed. It
// may be called once.
func (m *Meter) Stop() (Record, error) {
	close(m.done)
	m.wait.Wait()
	m.close()
	if m.err != nil {
		return Record{}, m.err
	}
	return Record{Source: m.info, Intervals: m.intervals}, nil
}

// close ends the open interval. The time is taken after the read, which may
// have waited for the sensor.
func (m *Meter) close() time.Time {
	joules, err := m.source.Read()
	if err != nil && m.err == nil {
		m.err = err
	}
	now := time.Now()
	last := &m.intervals[len(m.intervals)-1]
	last.Length = now.Sub(last.Start)
	last.Joules = joules - m.joules
	m.joules = joules
	return now
}

// Consumption is the energy of one phase.
type Consumption struct {
	Source     string
	Boundary   string
	Window     time.Duration
	Gross      float64 // J
	Net        float64 // J above idle: Gross - (IdleBefore+IdleAfter)/2 * Window
	IdleBefore float64 // W
	IdleAfter  float64 // W
	Warnings   []string
}

// Consumption returns the energy of a phase above idle, from the phases in
// which the computer was idle before and after it. Intervals of the same
// phase are added up.
func (r Record) Consumption(before, phase, after string) (Consumption, error) {
	var idle [2]float64
	coarse := false
	for i, name := range []string{before, after} {
		joules, length := r.sum(name)
		if length <= 0 {
			return Consumption{}, fmt.Errorf("no idle phase %q was measured", name)
		}
		idle[i] = joules / length.Seconds()
		coarse = coarse || length < 2*r.Source.Period
	}
	gross, window := r.sum(phase)
	if window <= 0 {
		return Consumption{}, fmt.Errorf("no phase %q was measured", phase)
	}
	// 20 periods: measured against a simulated sensor, a shorter window is
	// off by more than 3 %.
	short := window < 20*r.Source.Period
	if gross == 0 && !short {
		return Consumption{}, fmt.Errorf("the counter %s stands still", r.Source.Name)
	}
	c := Consumption{
		Source:     r.Source.Name,
		Boundary:   r.Source.Boundary,
		Window:     window,
		Gross:      gross,
		Net:        gross - (idle[0]+idle[1])/2*window.Seconds(),
		IdleBefore: idle[0],
		IdleAfter:  idle[1],
	}
	if coarse || short || gross < 100*r.Source.Resolution {
		c.Warnings = append(c.Warnings, WarnCoarse)
	}
	if c.Net <= 0 {
		c.Warnings = append(c.Warnings, WarnBelowIdle)
	} else if math.Abs(idle[1]-idle[0])*window.Seconds() > 0.05*c.Net {
		c.Warnings = append(c.Warnings, WarnIdleDrift)
	}
	return c, nil
}

// sum adds up the intervals of a phase.
func (r Record) sum(phase string) (joules float64, length time.Duration) {
	for _, i := range r.Intervals {
		if i.Phase == phase {
			joules += i.Joules
			length += i.Length
		}
	}
	return joules, length
}
