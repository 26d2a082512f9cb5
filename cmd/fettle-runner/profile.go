package main

import (
	"errors"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/profiler/llama"
	"github.com/fettle-edge/fettle/profiler/quality"
	"github.com/fettle-edge/fettle/study"
)

// profiling times a workload by llama-bench's definition: random tokens, only
// the last of a batch asks for logits, every decode is followed by a
// synchronize before the clock is read.
type profiling struct {
	session *session
	lib     *llama.Library
	work    study.Workload
	model   *llama.Model
	ctx     *llama.Context
	batch   *llama.Batch
	random  *rand.Rand

	peakAnon, peakFile int64
}

func (s *session) profile(lib *llama.Library, j job.Profile) error {
	w := j.Workload
	if w.PromptTokens < 1 || w.GenerateTokens < 0 || w.WarmUp < 0 {
		return errors.New("cannot profile a workload without a prompt")
	}
	// A garbage collection would be timed with what it interrupts; what is
	// allocated between two repetitions is a few kilobytes.
	debug.SetGCPercent(-1)
	p := &profiling{session: s, lib: lib, work: w, random: rand.New(rand.NewPCG(uint64(j.Seed), 0))}
	floor, err := readMemory()
	if err != nil {
		return err
	}
	if err := p.pause(job.PhaseIdleBefore); err != nil {
		return err
	}
	load, err := p.load(j)
	if err != nil {
		return err
	}
	defer p.close()
	faults, err := p.timed()
	if err != nil {
		return err
	}
	end, err := readMemory()
	if err != nil {
		return err
	}
	closing := job.Profiled{
		Load: []float64{load.Seconds()}, PeakRSS: end.peak, PeakAnon: p.peakAnon, PeakFile: p.peakFile,
		Floor: floor.peak, MajorFaults: faults,
	}
	if j.EnergySeconds > 0 {
		if closing.PrefillTokens, closing.DecodeTokens, err = p.consume(j.EnergySeconds); err != nil {
			return err
		}
	}
	if err := p.pause(job.PhaseIdleAfter); err != nil {
		return err
	}
	return s.send(job.Message{Profiled: &closing})
}

// timed warms up and makes the timed repetitions; it returns the major page
// faults of these.
func (p *profiling) timed() (faults int64, err error) {
	if err := p.phase(job.PhaseWarmUp); err != nil {
		return 0, err
	}
	begin := read()
	for range p.work.WarmUp {
		if _, err := p.repetition(); err != nil {
			return 0, err
		}
	}
	if err := p.phase(job.PhaseMeasure); err != nil {
		return 0, err
	}
	_, before, err := usage()
	if err != nil {
		return 0, err
	}
	if err := p.measure(begin); err != nil {
		return 0, err
	}
	_, after, err := usage()
	return after - before, err
}

func (p *profiling) phase(name string) error {
	return p.session.send(job.Message{Phase: &job.Phase{Name: name}})
}

// pause announces a phase in which nothing is computed.
func (p *profiling) pause(name string) error {
	if err := p.phase(name); err != nil {
		return err
	}
	return p.session.proceed()
}

// load loads the model and makes the context, timed.
func (p *profiling) load(j job.Profile) (time.Duration, error) {
	if err := p.phase(job.PhaseLoad); err != nil {
		return 0, err
	}
	run := j.Run
	run.Context = max(p.work.Context, p.work.PromptTokens+p.work.GenerateTokens)
	start := time.Now()
	var err error
	if p.model, err = p.lib.LoadModel(j.Model); err != nil {
		return 0, err
	}
	if p.ctx, err = p.model.NewContext(run); err != nil {
		return 0, err
	}
	took := time.Since(start)
	p.batch = p.lib.NewBatch(run.Context)
	return took, p.sampleMemory()
}

func (p *profiling) close() {
	p.batch.Free()
	p.ctx.Free()
	p.model.Free()
}

// measure makes MaxRepeats repetitions; whoever starts runners decides by the
// rest of the protocol how many. They are judged in blocks of at least
// minWindow, because a shorter interval says nothing about other load; a
// disturbed block is thrown away and repeated, at most maxTries times, then
// kept as disturbed.
//
// Where a block has to be shorter (the last one, or a short workload that is
// repeated a few times only), the undisturbed time before it is judged with it;
// begin is the reading before the warm-up.
func (p *profiling) measure(begin reading) error {
	want := max(1, p.work.MaxRepeats)
	quiet := []reading{begin} // since when nothing was disturbed: the starts of blocks
	for kept, tries := 0, 0; kept < want; {
		quiet = append(quiet, read())
		block, to, err := p.block(want - kept)
		if err != nil {
			return err
		}
		share := otherCPU(window(quiet, to), to)
		again := share > maxOther && tries < maxTries
		if err := p.report(block, share, again); err != nil {
			return err
		}
		if share > maxOther {
			quiet = nil
		}
		if again {
			tries++
			continue
		}
		tries = 0
		kept += len(block)
	}
	return nil
}

// window returns the latest reading that is at least minWindow before to, or
// the first.
func window(readings []reading, to reading) reading {
	for _, r := range slices.Backward(readings) {
		if to.wall.Sub(r.wall) >= minWindow {
			return r
		}
	}
	return readings[0]
}

// block runs repetitions until they have lasted minWindow, at most n.
func (p *profiling) block(n int) (block []job.Repetition, end reading, err error) {
	start := time.Now()
	for len(block) < n && (len(block) == 0 || time.Since(start) < minWindow) {
		r, err := p.repetition()
		if err != nil {
			return nil, end, err
		}
		block = append(block, r)
	}
	return block, read(), nil
}

// report sends the repetitions of a block, which were judged together.
func (p *profiling) report(block []job.Repetition, share float64, discarded bool) error {
	for i := range block {
		block[i].OtherCPU = share
		block[i].Disturbed = share > maxOther
		block[i].Discarded = discarded
		if err := p.session.send(job.Message{Repetition: &block[i]}); err != nil {
			return err
		}
	}
	return nil
}

// repetition runs the workload once in an empty context.
func (p *profiling) repetition() (job.Repetition, error) {
	p.ctx.Clear(false)
	prompt := p.tokens(p.work.PromptTokens, true)
	answer := p.tokens(p.work.GenerateTokens, false)
	var r job.Repetition
	cpu, _, err := usage()
	if err != nil {
		return r, err
	}
	start := time.Now()
	took, err := p.prefill(prompt)
	if err != nil {
		return r, err
	}
	r.Prefill = took.Seconds() / float64(len(prompt))
	if quality.Top(p.ctx.LastLogits()) < 0 {
		return r, nonFinite()
	}
	r.FirstToken = time.Since(start).Seconds()
	if r.Decode, err = p.decode(answer, len(prompt)); err != nil {
		return r, err
	}
	r.Seconds = time.Since(start).Seconds()
	cpuEnd, _, err := usage()
	if err != nil {
		return r, err
	}
	r.CPUSeconds = (cpuEnd - cpu).Seconds()
	return r, p.sampleMemory()
}

// prefill decodes the prompt and asks for the logits of its last token.
func (p *profiling) prefill(prompt []int32) (time.Duration, error) {
	p.batch.Reset()
	for i, t := range prompt {
		p.batch.Add(t, i, i == len(prompt)-1)
	}
	var views []llama.View
	for lo := 0; lo < len(prompt); lo += llama.MaxBatch {
		views = append(views, p.batch.View(lo, min(len(prompt), lo+llama.MaxBatch)))
	}
	stamps, err := p.ctx.DecodeEach(views)
	if err != nil {
		return 0, err
	}
	return time.Duration(stamps[len(views)] - stamps[0]), nil
}

// decode computes an answer token by token, from a position on. It returns the
// seconds of each.
func (p *profiling) decode(answer []int32, position int) ([]float64, error) {
	p.batch.Reset()
	views := make([]llama.View, len(answer))
	for i, t := range answer {
		p.batch.Add(t, position+i, true)
		views[i] = p.batch.View(i, i+1)
	}
	stamps, err := p.ctx.DecodeEach(views)
	if err != nil {
		return nil, err
	}
	seconds := make([]float64, len(answer))
	for i := range seconds {
		seconds[i] = float64(stamps[i+1]-stamps[i]) / 1e9
	}
	return seconds, nil
}

// tokens draws n random tokens; the first of a text is BOS if the vocabulary
// adds it.
func (p *profiling) tokens(n int, begin bool) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = p.random.Int32N(int32(p.model.Vocabulary()))
	}
	if bos, add := p.model.BOS(); begin && add {
		tokens[0] = bos
	}
	return tokens
}

// sampleMemory keeps the highest resident memory seen between computations.
func (p *profiling) sampleMemory() error {
	m, err := readMemory()
	if err != nil {
		return err
	}
	p.peakAnon, p.peakFile = max(p.peakAnon, m.anon), max(p.peakFile, m.file)
	return nil
}
