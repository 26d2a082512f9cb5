package llama

import (
	"fmt"
	"unsafe"

	"github.com/fettle-edge/fettle/study"
)

// MaxBatch is the largest number of tokens that are decoded at once: the
// default of llama.cpp's programs.
const MaxBatch = 2048

// pollLevel says how long idle threads of a pool spin (0 to 100); it is what
// llama-bench takes.
const pollLevel = 50

// Context is a context of a model with a thread pool of its own.
type Context struct {
	lib    *Library
	vocab  int
	handle uintptr
	pool   uintptr
	loop   loop // of DecodeEach: C writes to it, so it must not move
}

// NewContext makes a context with room for run.Context tokens, which run.Threads
// threads compute. Without a thread pool of its own, generating is up to twice
// as slow (and not what llama-bench measures). Errors are *study.Failure.
func (m *Model) NewContext(run study.RunOptions) (*Context, error) {
	l := m.lib
	kv, err := kvType(run.KV)
	if err != nil {
		return nil, &study.Failure{Infeasible: true, Reason: study.ReasonLoad, Detail: err.Error()}
	}
	if run.Context < 1 || run.Threads < 1 || run.Threads > maxThreads {
		return nil, &study.Failure{Reason: study.ReasonUnknown,
			Detail: fmt.Sprintf("cannot make a context of %d tokens for %d threads", run.Context, run.Threads)}
	}
	p := l.fn.contextDefaults()
	p.nCtx = uint32(run.Context)
	p.nBatch = MaxBatch // llama.cpp clamps it to the context
	p.nThreads, p.nThreadsBatch = int32(run.Threads), int32(run.Threads)
	p.typeK, p.typeV = kv, kv
	p.flashAttn = 0
	if run.Flash {
		p.flashAttn = 1
	}
	p.swaFull = false // as llama.cpp's programs

	l.log.take()
	c := &Context{lib: l, vocab: m.tokens}
	if c.handle = l.fn.contextNew(m.handle, p); c.handle == 0 {
		return nil, l.failed(study.ReasonLoad, "llama.cpp cannot make a context")
	}
	var pp poolParams
	l.fn.poolParamsInit(&pp, int32(run.Threads))
	pp.poll = pollLevel
	if c.pool = l.fn.poolNew(&pp); c.pool == 0 {
		l.fn.contextFree(c.handle)
		return nil, &study.Failure{Reason: study.ReasonUnknown, Detail: fmt.Sprintf("cannot start %d threads", run.Threads)}
	}
	l.fn.poolAttach(c.handle, c.pool, 0)
	return c, nil
}

// maxThreads is GGML_MAX_N_THREADS.
const maxThreads = 512

// Free frees the context, then its threads.
func (c *Context) Free() {
	c.lib.fn.contextFree(c.handle)
	c.lib.fn.poolFree(c.pool)
}

// Clear empties the key-value cache; data also zeroes its memory.
func (c *Context) Clear(data bool) {
	c.lib.fn.memoryClear(c.lib.fn.contextMemory(c.handle), data)
}

// Decode runs a batch. It may return before the work is done: the
// methods that return logits wait for it. Errors are *study.Failure.
func (c *Context) Decode(b *Batch) error {
	rc := c.lib.fn.decode(c.handle, b.c)
	cleanUpper()
	if rc != 0 {
		return c.lib.failed(study.ReasonAssertion, fmt.Sprintf("llama_decode answers %d", rc))
	}
	return nil
}

// Logits returns the logits of the n tokens of the last batch that had asked
// for them, one row of the vocabulary after the other. It is C memory, which
// the next Decode overwrites.
func (c *Context) Logits(n int) []float32 {
	p := c.lib.fn.logits(c.handle)
	cleanUpper()
	return unsafe.Slice(p, n*c.vocab)
}

// LastLogits returns the logits of the last token of the last batch.
func (c *Context) LastLogits() []float32 {
	p := c.lib.fn.logitsAt(c.handle, -1)
	cleanUpper()
	return unsafe.Slice(p, c.vocab)
}

// Batch is a batch of tokens of one sequence.
type Batch struct {
	lib    *Library
	c      batchStruct
	token  []int32
	pos    []int32
	nSeqID []int32
	seqID  []*int32
	output []int8
}

// NewBatch makes a batch that can hold n tokens.
func (l *Library) NewBatch(n int) *Batch {
	c := l.fn.batchInit(int32(n), 0, 1)
	return &Batch{
		lib:    l,
		c:      c,
		token:  unsafe.Slice(c.token, n),
		pos:    unsafe.Slice(c.pos, n),
		nSeqID: unsafe.Slice(c.nSeqID, n),
		seqID:  unsafe.Slice(c.seqID, n),
		output: unsafe.Slice(c.logits, n),
	}
}

// Free frees the C memory of the batch.
func (b *Batch) Free() { b.lib.fn.batchFree(b.c) }

// Reset empties the batch.
func (b *Batch) Reset() { b.c.nTokens = 0 }

// Add appends a token at a position; output asks for its logits. Positions of
// a sequence are consecutive.
func (b *Batch) Add(token int32, pos int, output bool) {
	i := b.c.nTokens
	b.token[i], b.pos[i], b.nSeqID[i], b.output[i] = token, int32(pos), 1, 0
	*b.seqID[i] = 0
	if output {
		b.output[i] = 1
	}
	b.c.nTokens++
}
