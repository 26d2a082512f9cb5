package profiler

import (
	"context"
	"strings"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

// ProfileResult is what a Profile job brought.
type ProfileResult struct {
	Measurements []study.Measurement
	// Conditions holds what the runner knows: when the job started, its
	// runtime, the load by others, repeated repetitions, major page faults
	// while measuring. The caller adds what only sensors know.
	Conditions study.Conditions
	// Tokens computed in the phases prefill and decode, for the energy of one.
	PrefillTokens, DecodeTokens int

	Wait    time.Duration // for the host
	Measure time.Duration // from then on
}

// Warnings of a measurement.
const (
	WarnDisturbed = "disturbed" // other processes took more than 5 % of the CPUs, three times in a row
)

// MissingOtherCPU is the key in Conditions.Missing of a computer that does not
// tell how busy it is.
const MissingOtherCPU = "other_cpu"

// Profile times a workload. It has the host for itself. on is called with every
// message; the job goes on from the phases whose name begins with idle when on
// returns, so that whoever reads sensors there decides how long they last. on
// may be nil.
func (r *Runner) Profile(ctx context.Context, p job.Profile, on func(job.Message)) (ProfileResult, error) {
	hold, waited, err := r.lock.Exclusive(ctx)
	count(ctx, waited)
	if err != nil {
		return ProfileResult{Wait: waited}, unlocked(ctx, err)
	}
	defer hold.Release()
	start := time.Now()
	t := tally{generate: p.Workload.GenerateTokens}
	j := job.Job{Profile: &p, Paced: true, Limits: job.Limits{Files: openFiles + len(p.Model)}}
	err = r.do(ctx, j, func(c *child, m job.Message) error {
		if err := t.add(m); err != nil {
			return err
		}
		if on != nil {
			on(m)
		}
		if m.Phase != nil && (strings.HasPrefix(m.Phase.Name, "idle")) {
			c.proceed()
		}
		return nil
	})
	result := ProfileResult{Wait: waited, Measure: time.Since(start)}
	if err = complete(err, t.closed != nil && len(t.kept) > 0); err != nil {
		return result, err
	}
	result.Measurements = t.measurements()
	result.Conditions = t.conditions(start)
	result.PrefillTokens, result.DecodeTokens = t.closed.PrefillTokens, t.closed.DecodeTokens
	return result, nil
}

// tally collects the messages of a Profile job.
type tally struct {
	generate int // tokens of a repetition
	runtime  job.Runtime
	kept     []job.Repetition
	repeated int
	closed   *job.Profiled
}

func (t *tally) add(m job.Message) error {
	switch {
	case m.Runtime != nil:
		t.runtime = *m.Runtime
	case m.Repetition != nil && m.Repetition.Discarded:
		t.repeated++
	case m.Repetition != nil && len(m.Repetition.Decode) == t.generate:
		t.kept = append(t.kept, *m.Repetition)
	case m.Profiled != nil && t.closed == nil:
		t.closed = m.Profiled
	case m.Phase != nil:
	default:
		return unexpected()
	}
	return nil
}

// measurements are the samples of every metric of the job.
func (t *tally) measurements() []study.Measurement {
	var first, prefill, decode []float64
	var warnings []string
	for _, r := range t.kept {
		first = append(first, r.FirstToken)
		prefill = append(prefill, r.Prefill)
		decode = append(decode, r.Decode...)
		if r.Disturbed {
			warnings = []string{WarnDisturbed}
		}
	}
	all := []study.Measurement{
		{Metric: "latency.first_token", Samples: first, Warnings: warnings},
		{Metric: "latency.prefill", Samples: prefill, Warnings: warnings},
		{Metric: "latency.decode", Samples: decode, Group: t.generate, Warnings: warnings},
		{Metric: "latency.load", Samples: t.closed.Load},
		{Metric: "memory.peak", Samples: []float64{float64(t.closed.PeakRSS)}},
		{Metric: "memory.peak_anon", Samples: []float64{float64(t.closed.PeakAnon)}},
		{Metric: "memory.floor", Samples: []float64{float64(t.closed.Floor)}},
	}
	measured := all[:0]
	for _, m := range all {
		if len(m.Samples) == 0 {
			continue // such as decode of a workload that generates nothing
		}
		info, _, _ := study.LookupMetric(m.Metric)
		m.Unit = info.Unit
		measured = append(measured, m)
	}
	return measured
}

func (t *tally) conditions(started time.Time) study.Conditions {
	c := study.Conditions{
		Started:     started,
		Runtime:     t.runtime.RuntimeInfo,
		Repeated:    t.repeated,
		MajorFaults: t.closed.MajorFaults,
	}
	for _, r := range t.kept {
		if r.OtherCPU < 0 {
			c.OtherCPU = nil
			c.Missing = map[string]string{MissingOtherCPU: "cannot read /proc/stat"}
			break
		}
		c.OtherCPU = append(c.OtherCPU, r.OtherCPU)
	}
	return c
}
