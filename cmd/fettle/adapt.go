package main

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/tuner"
)

// newID returns a short random name, safe in URLs and file names.
func newID() string { return strings.ToLower(rand.Text()[:8]) }

// newRunner finds fettle-runner and the llama.cpp libraries; c says the rest.
func newRunner(c profiler.Config) (*profiler.Runner, error) {
	path, err := beside("FETTLE_RUNNER", "fettle-runner", "fettle-runner", "../libexec/fettle/fettle-runner")
	if err != nil {
		return nil, err
	}
	libraries, err := beside("FETTLE_LIBRARIES", "the llama.cpp libraries", "../build/llama", "llama", "../lib/fettle/llama")
	if err != nil {
		return nil, err
	}
	c.Path, c.Libraries = path, libraries
	return profiler.New(c)
}

// quantizer lets compress quantise through the runner.
type quantizer struct{ runner *profiler.Runner }

func (q quantizer) Quantise(ctx context.Context, tensors []compress.Tensor, done func(compress.Quantised) error) error {
	jobs := make([]job.Tensor, len(tensors))
	for i, t := range tensors {
		jobs[i] = job.Tensor(t)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var refused error // by done
	err := q.runner.Quantise(ctx, jobs, func(r job.Quantised) {
		if refused == nil {
			if refused = done(compress.Quantised{Index: r.Index, Digest: r.Digest, Bytes: r.Bytes}); refused != nil {
				cancel(refused)
			}
		}
	})
	if refused != nil {
		return refused
	}
	return err
}

// evaluator lets the tuner evaluate through the runner.
type evaluator struct{ runner *profiler.Runner }

func (e evaluator) Evaluate(ctx context.Context, q tuner.Evaluation, on func(study.ChunkScore) error) error {
	if q.Waited != nil {
		ctx = profiler.CountWait(ctx, q.Waited)
	}
	return e.runner.Evaluate(ctx, job.Evaluate{
		Model: q.Files, Run: q.Run, Text: q.Text, First: q.First, Chunks: q.Chunks, Base: q.Base, Save: q.Save,
	}, func(c study.ChunkScore) error {
		err := on(c)
		if errors.Is(err, tuner.ErrEnough) {
			return profiler.ErrEnough
		}
		return err
	})
}
