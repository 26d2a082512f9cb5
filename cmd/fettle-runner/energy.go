package main

import (
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
)

// consume runs the workload again for whoever reads an energy counter outside:
// prompt and answer in turn, each announced as it begins, for at least a time.
// It comes after the timed repetitions, which these messages would disturb.
func (p *profiling) consume(seconds float64) (prefilled, decoded int, err error) {
	if err := p.pause(job.PhaseIdleLoaded); err != nil {
		return 0, 0, err
	}
	length := time.Duration(seconds * float64(time.Second))
	for start := time.Now(); time.Since(start) < length; {
		p.ctx.Clear(false)
		prompt := p.tokens(p.work.PromptTokens, true)
		answer := p.tokens(p.work.GenerateTokens, false)
		if err := p.phase(job.PhasePrefill); err != nil {
			return 0, 0, err
		}
		if _, err := p.prefill(prompt); err != nil {
			return 0, 0, err
		}
		prefilled += len(prompt)
		if err := p.phase(job.PhaseDecode); err != nil {
			return 0, 0, err
		}
		if _, err := p.decode(answer, len(prompt)); err != nil {
			return 0, 0, err
		}
		decoded += len(answer)
	}
	return prefilled, decoded, nil
}
