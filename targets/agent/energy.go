package agent

import (
	"context"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/profiler/meter"
	"github.com/fettle-edge/fettle/study"
)

// How long energy is measured, beside what the sensor's period asks for: the
// window rule wants 20 periods of work between two idle phases of two periods
// each (docs/MEASUREMENT.md).
const (
	leastWindow = 2 * time.Second
	leastIdle   = 500 * time.Millisecond
)

// energyWindow reads an energy counter along the phases of a Profile job.
type energyWindow struct {
	ctx     context.Context // of the attempt: ends idling early
	source  meter.Source    // nil without a sensor
	info    meter.Info
	meter   *meter.Meter
	missing string // why there is no energy
}

func newEnergyWindow(ctx context.Context, root meter.Root) *energyWindow {
	source, sensor := meter.Energy(root)
	e := &energyWindow{ctx: ctx, source: source, missing: sensor.Missing}
	if source != nil {
		e.info = source.Info()
	}
	return e
}

// seconds is how long the runner has to work for the window; 0 without a
// sensor.
func (e *energyWindow) seconds() float64 {
	if e.source == nil {
		return 0
	}
	return max(leastWindow, 40*e.info.Period).Seconds() // 20 for each of prompt and answer
}

// phase follows the job. It returns from an idle phase only after that has
// been measured.
func (e *energyWindow) phase(m job.Message) {
	if e.source == nil || m.Phase == nil {
		return
	}
	switch m.Phase.Name {
	case job.PhaseIdleLoaded:
		started, err := meter.Start(e.source, job.PhaseIdleLoaded)
		if err != nil {
			e.source, e.missing = nil, err.Error()
			return
		}
		e.meter = started
		e.idle()
	case job.PhasePrefill, job.PhaseDecode:
		if e.meter != nil {
			e.meter.Mark(m.Phase.Name)
		}
	case job.PhaseIdleAfter:
		if e.meter != nil {
			e.meter.Mark(job.PhaseIdleAfter)
			e.idle()
		}
	}
}

func (e *energyWindow) idle() {
	timer := time.NewTimer(max(leastIdle, 2*e.info.Period))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.ctx.Done():
	}
}

// measurements ends the window and returns energy per token of prompt and of
// answer; none where it could not be measured, which missing then explains.
func (e *energyWindow) measurements(prefilled, decoded int) []study.Measurement {
	if e.meter == nil {
		return nil
	}
	record, err := e.meter.Stop()
	if err != nil {
		e.missing = err.Error()
		return nil
	}
	var out []study.Measurement
	for _, part := range []struct {
		metric, phase string
		tokens        int
	}{
		{"energy.prefill", job.PhasePrefill, prefilled},
		{"energy.decode", job.PhaseDecode, decoded},
	} {
		if part.tokens == 0 {
			continue
		}
		c, err := record.Consumption(job.PhaseIdleLoaded, part.phase, job.PhaseIdleAfter)
		if err != nil {
			e.missing = err.Error()
			continue
		}
		info, _, _ := study.LookupMetric(part.metric)
		out = append(out, study.Measurement{
			Metric: part.metric, Unit: info.Unit, Samples: []float64{c.Net / float64(part.tokens)}, Boundary: c.Boundary, Warnings: c.Warnings,
			Energy: &study.Energy{Source: c.Source, WindowS: c.Window.Seconds(), GrossJ: c.Gross, NetJ: c.Net,
				IdleW: [2]float64{c.IdleBefore, c.IdleAfter}, Tokens: part.tokens},
		})
	}
	return out
}
