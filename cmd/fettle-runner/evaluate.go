package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/profiler/llama"
	"github.com/fettle-edge/fettle/profiler/quality"
	"github.com/fettle-edge/fettle/study"
)

// evaluation scores chunks of a text by llama-perplexity's definition.
type evaluation struct {
	model  *llama.Model
	ctx    *llama.Context
	batch  *llama.Batch
	job    job.Evaluate
	tokens []int32 // of all chunks up to the last one asked for
	bos    int32
	addBOS bool

	base    base
	records []quality.Record   // of the chunk at hand
	scores  []quality.Position // of the chunk at hand
}

// base is where the original's log-probabilities are read or written.
type base interface {
	// fetch fills the records that a chunk is compared with.
	fetch(chunk int, recs []quality.Record) error
	// store keeps the records that a chunk has filled.
	store(recs []quality.Record) error
	// finish makes what was stored final.
	finish() error
	// close frees everything; what is not final is gone.
	close()
}

func (s *session) evaluate(lib *llama.Library, j job.Evaluate) error {
	if j.First < 0 || j.Chunks < 1 || j.Save && j.First != 0 || j.Run.Context < 4 || j.Base == "" {
		return fmt.Errorf("cannot evaluate chunks %d to %d of %d tokens", j.First, j.First+j.Chunks-1, j.Run.Context)
	}
	m, err := lib.LoadModel(j.Model)
	if err != nil {
		return err
	}
	defer m.Free()
	e := &evaluation{model: m, job: j}
	e.bos, e.addBOS = m.BOS()
	if e.tokens, err = e.tokenise(); err != nil {
		return err
	}
	if err := e.openBase(); err != nil {
		return err
	}
	defer e.base.close()
	if e.ctx, err = m.NewContext(j.Run); err != nil {
		return err
	}
	defer e.ctx.Free()
	e.batch = lib.NewBatch(min(llama.MaxBatch, j.Run.Context))
	defer e.batch.Free()

	for chunk := j.First; chunk < j.First+j.Chunks; chunk++ {
		score, err := e.chunk(chunk)
		if err != nil {
			return err
		}
		if err := s.send(job.Message{Chunk: &score}); err != nil {
			return err
		}
		if chunk+1 < j.First+j.Chunks {
			if err := s.proceed(); err != nil {
				return err
			}
		}
	}
	return e.base.finish()
}

// tokenise reads the text and cuts off what no asked chunk needs.
func (e *evaluation) tokenise() ([]int32, error) {
	text, err := os.ReadFile(e.job.Text)
	if err != nil {
		return nil, err
	}
	tokens, err := e.model.Tokenize(string(text))
	if err != nil {
		return nil, err
	}
	n := e.job.Run.Context
	if have, want := len(tokens)/n, e.job.First+e.job.Chunks; have < want {
		return nil, fmt.Errorf("cannot evaluate %d chunks of %d tokens: the text has %d tokens, enough for %d chunks", want, n, len(tokens), have)
	}
	return tokens[:(e.job.First+e.job.Chunks)*n], nil
}

// openBase opens the file to compare with, or begins the file to save.
func (e *evaluation) openBase() error {
	h := quality.Header{Context: e.job.Run.Context, Vocabulary: e.model.Vocabulary(), Tokens: e.tokens}
	e.records = h.NewRecords()
	e.scores = make([]quality.Position, len(e.records))
	var err error
	if e.job.Save {
		e.base, err = createBase(e.job.Base, h)
	} else {
		e.base, err = openBase(e.job.Base, h, e.job.First)
	}
	return err
}

// chunk scores one chunk of the text.
func (e *evaluation) chunk(chunk int) (study.ChunkScore, error) {
	n := e.job.Run.Context
	tokens := e.tokens[chunk*n:][:n]
	if err := e.base.fetch(chunk, e.records); err != nil {
		return study.ChunkScore{}, err
	}
	e.ctx.Clear(true)
	first := quality.First(n)
	for lo := 0; lo < n; lo += llama.MaxBatch {
		hi := min(n, lo+llama.MaxBatch)
		e.batch.Reset()
		for pos := lo; pos < hi; pos++ {
			t := tokens[pos]
			if pos == 0 && e.addBOS {
				t = e.bos
			}
			e.batch.Add(t, pos, pos >= first)
		}
		if err := e.ctx.Decode(e.batch); err != nil {
			return study.ChunkScore{}, err
		}
		if from := max(lo, first); from < hi {
			// The last token of the chunk has no successor.
			if err := e.score(e.ctx.Logits(hi-from), tokens[from:min(hi+1, n)], from-first); err != nil {
				return study.ChunkScore{}, err
			}
		}
	}
	if err := e.base.store(e.records); err != nil {
		return study.ChunkScore{}, err
	}
	return e.sum(chunk, tokens[first+1:]), nil
}

// score scores consecutive positions from number at of the chunk on. Row i of
// logits is scored against tokens[i+1].
func (e *evaluation) score(logits []float32, tokens []int32, at int) error {
	vocabulary := e.model.Vocabulary()
	rows := len(tokens) - 1
	errs := make([]error, e.job.Run.Threads)
	var next atomic.Int64
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < rows; i = int(next.Add(1)) - 1 {
				row := logits[i*vocabulary:][:vocabulary]
				score := quality.Compare
				if e.job.Save {
					score = quality.Encode
				}
				if e.scores[at+i], errs[w] = score(row, tokens[i+1], e.records[at+i]); errs[w] != nil {
					return
				}
			}
		})
	}
	workers.Wait()
	if err := errors.Join(errs...); errors.Is(err, quality.ErrNonFinite) {
		return &study.Failure{Infeasible: true, Reason: study.ReasonNonFinite, Detail: "the variant gives " + quality.ErrNonFinite.Error()}
	}
	return nil
}

// sum adds up the scores of a chunk in order, so that the result does not
// depend on the number of threads.
func (e *evaluation) sum(chunk int, scored []int32) study.ChunkScore {
	c := study.ChunkScore{Chunk: chunk, Count: len(e.scores)}
	for i, p := range e.scores {
		c.NLL += p.NLL
		c.NLL2 += p.NLL * p.NLL
		c.KLD += p.KLD
		c.KLD2 += p.KLD * p.KLD
		if p.Same {
			c.Same1++
		}
		c.Bytes += e.model.PieceBytes(scored[i])
	}
	return c
}

// oldBase is a file to compare with.
type oldBase struct {
	file *os.File
	h    quality.Header
}

// openBase checks that the file was made from the same text for the chunks
// from first on.
func openBase(path string, want quality.Header, first int) (base, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b := &oldBase{file: f}
	if err := b.check(want, first); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func (b *oldBase) check(want quality.Header, first int) error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	if b.h, err = quality.ReadHeader(b.file, info.Size()); err != nil {
		return err
	}
	if b.h.Context != want.Context || b.h.Vocabulary != want.Vocabulary || b.h.Chunks() < want.Chunks() {
		return fmt.Errorf("cannot compare with %d chunks of %d tokens of a vocabulary of %d: want %d of %d of %d",
			b.h.Chunks(), b.h.Context, b.h.Vocabulary, want.Chunks(), want.Context, want.Vocabulary)
	}
	from := first * want.Context
	if !slices.Equal(b.h.Tokens[from:len(want.Tokens)], want.Tokens[from:]) {
		return errors.New("cannot compare: the base was made from another text")
	}
	return nil
}

func (b *oldBase) fetch(chunk int, recs []quality.Record) error {
	return b.h.ReadChunk(b.file, chunk, recs)
}
func (b *oldBase) store([]quality.Record) error { return nil }
func (b *oldBase) finish() error                { return nil }
func (b *oldBase) close()                       { b.file.Close() }

// newBase is a file being made. It gets its name when it is complete.
type newBase struct {
	file *os.File
	w    *bufio.Writer
	path string
}

// createBase begins a file under a temporary name that is always the same, so
// that a killed runner leaves no more than one behind; two runners that make
// the same file are kept apart by a lock.
func createBase(path string, h quality.Header) (base, error) {
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	b := &newBase{file: f, w: bufio.NewWriterSize(f, 1<<20), path: path}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write %s: another runner is at it", path)
	}
	if err := f.Truncate(0); err != nil {
		b.close()
		return nil, err
	}
	if err := h.Write(b.w); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *newBase) fetch(int, []quality.Record) error { return nil }
func (b *newBase) store(recs []quality.Record) error { return quality.WriteChunk(b.w, recs) }

func (b *newBase) finish() error {
	if err := b.w.Flush(); err != nil {
		return err
	}
	if err := b.file.Sync(); err != nil {
		return err
	}
	return os.Rename(b.file.Name(), b.path)
}

func (b *newBase) close() {
	os.Remove(b.file.Name()) // gone already if it was finished
	b.file.Close()
}
