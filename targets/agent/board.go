package agent

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/profiler/meter"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/targets/wire"
)

// Board measures on the computer this process runs on. It is the Measurer of
// every real agent.
type Board struct {
	runner *profiler.Runner
	root   meter.Root
}

var _ Measurer = (*Board)(nil)

// NewBoard returns a Board whose sensors are below the folder root: "/".
func NewBoard(runner *profiler.Runner, root string) *Board {
	return &Board{runner: runner, root: meter.At(root)}
}

// period is how often temperatures and clocks are looked at.
const period = time.Second

// Measure implements Measurer.
func (b *Board) Measure(ctx context.Context, w wire.Work, files []string) study.Result {
	watch := meter.Watch(b.root, period)
	energy := newEnergyWindow(ctx, b.root)
	p, err := b.profile(ctx, job.Profile{
		Model: files, Run: w.Run, Workload: w.Workload, Seed: w.Seed, EnergySeconds: energy.seconds(),
	}, energy.phase)
	seen := watch.Stop()
	joules := energy.measurements(p.PrefillTokens, p.DecodeTokens)
	r := study.Result{Wait: p.Wait, Measure: p.Measure}
	if err != nil {
		r.Failure = whoseFault(err)
		return r
	}
	c := seen.Conditions()
	c.Runtime, c.OtherCPU, c.Repeated, c.MajorFaults = p.Conditions.Runtime, p.Conditions.OtherCPU, p.Conditions.Repeated, p.Conditions.MajorFaults
	if c.Missing == nil {
		c.Missing = map[string]string{}
	}
	maps.Copy(c.Missing, p.Conditions.Missing)
	r.Measurements = append(p.Measurements, joules...)
	for i := range r.Measurements {
		r.Measurements[i].Warnings = append(r.Measurements[i].Warnings, seen.Warnings()...)
	}
	r.Measurements = append(r.Measurements, seen.Measurements()...) // these have their warnings
	if energy.missing != "" {
		c.Missing[meter.MissingEnergy] = energy.missing
	}
	r.Conditions = &c
	return r
}

// whoseFault returns the failure in err; what is not one is ours.
func whoseFault(err error) *study.Failure {
	var f *study.Failure
	if errors.As(err, &f) {
		return f
	}
	return &study.Failure{Reason: study.ReasonUnknown, Detail: err.Error()}
}

// Facts finds out what this board is.
func Facts(ctx context.Context, root, version string) targets.Facts {
	f, _ := targets.Inspect(ctx, root) // what could not be read stays empty, and doctor says so
	_, energy := meter.Energy(meter.At(root))
	f.Energy = targets.Sensor(energy)
	f.Temperature = targets.Sensor(meter.Temperature(meter.At(root)))
	f.AgentVersion = version
	return f
}
