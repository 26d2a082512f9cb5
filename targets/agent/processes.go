package agent

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
)

// inProcess is the number of repetitions that one process makes. Repetitions
// of one process agree with each other better than processes do: where its
// memory came to lie, and what the neighbours did meanwhile, is the same for
// all of them. An interval from one process would promise too much, so the
// repetitions of an attempt are spread over several.
const inProcess = 2

// maxWidth is the half width of the median's 95 % interval, as a share of the
// median, at which repeating ends.
const maxWidth = 0.02

// profile times a workload in several processes: at least as many as hold
// MinRepeats repetitions, at most as many as hold MaxRepeats, ending early once
// the interval of the median is narrow or MaxTime has passed. The part that
// energy is read in is run by the first.
func (b *Board) profile(ctx context.Context, p job.Profile, on func(job.Message)) (profiler.ProfileResult, error) {
	w := p.Workload
	n := min(inProcess, max(1, w.MaxRepeats))
	least := max(1, (w.MinRepeats+n-1)/n)
	most := max(least, w.MaxRepeats/n)
	p.Workload.MinRepeats, p.Workload.MaxRepeats = n, n
	var all profiler.ProfileResult
	for i := 1; ; i++ {
		one, err := b.runner.Profile(ctx, p, on)
		all.Wait += one.Wait
		all.Measure += one.Measure
		if err != nil {
			return all, err
		}
		merge(&all, one, n)
		if i >= most || i >= least && (narrow(all.Measurements) || all.Measure > w.MaxTime) {
			return all, nil
		}
		p.EnergySeconds = 0
		p.Seed++ // other tokens
	}
}

// merge adds what one process measured, n repetitions of everything that is
// measured in each, as one group of samples.
func merge(all *profiler.ProfileResult, one profiler.ProfileResult, n int) {
	for _, m := range one.Measurements {
		if len(m.Samples)%n == 0 && len(m.Samples) >= n {
			m.Group = len(m.Samples)
		}
		i := slices.IndexFunc(all.Measurements, func(x study.Measurement) bool { return x.Metric == m.Metric })
		if i < 0 {
			all.Measurements = append(all.Measurements, m)
			continue
		}
		sum := &all.Measurements[i]
		sum.Samples = append(sum.Samples, m.Samples...)
		for _, w := range m.Warnings {
			if !slices.Contains(sum.Warnings, w) {
				sum.Warnings = append(sum.Warnings, w)
			}
		}
	}
	c := &all.Conditions
	if c.Started == (time.Time{}) {
		c.Started, c.Runtime = one.Conditions.Started, one.Conditions.Runtime
		c.Missing = maps.Clone(one.Conditions.Missing)
		all.PrefillTokens, all.DecodeTokens = one.PrefillTokens, one.DecodeTokens
	}
	c.OtherCPU = append(c.OtherCPU, one.Conditions.OtherCPU...)
	c.Repeated += one.Conditions.Repeated
	c.MajorFaults += one.Conditions.MajorFaults
}

// narrow reports whether what the workload is about is known well enough: the
// time of a generated token, or of a prompt's where none is generated.
func narrow(measured []study.Measurement) bool {
	for _, metric := range []string{"latency.decode", "latency.prefill"} {
		for _, m := range measured {
			if m.Metric == metric {
				s, ok := study.Summarise(m, study.DefaultStatistic)
				return ok && s.N > 1 && (s.High-s.Low)/2 <= maxWidth*s.Value
			}
		}
	}
	return false
}
