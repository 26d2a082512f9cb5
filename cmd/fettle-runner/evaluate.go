package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

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
	if err := e.open(); err != nil {
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

// need is the number of tokens up to the last chunk asked for.
func (e *evaluation) need() int { return (e.job.First + e.job.Chunks) * e.job.Run.Context }

// open reads the text and opens the file of log-probabilities.
func (e *evaluation) open() error {
	text, err := os.ReadFile(e.job.Text)
	if err != nil {
		return err
	}
	if e.job.Save {
		err = e.begin(text)
	} else {
		err = e.resume(text)
	}
	if err != nil {
		return err
	}
	e.records = e.header().NewRecords()
	e.scores = make([]quality.Position, len(e.records))
	return nil
}

func (e *evaluation) header() quality.Header {
	return quality.Header{Context: e.job.Run.Context, Vocabulary: e.model.Vocabulary(), Tokens: e.tokens}
}

// begin takes the tokens from the text, and begins the file.
func (e *evaluation) begin(text []byte) error {
	tokens, err := e.model.Tokenize(string(text))
	if err != nil {
		return err
	}
	if len(tokens) < e.need() {
		return e.tooShort(len(tokens))
	}
	e.tokens = tokens[:e.need()]
	e.base, err = createBase(e.job.Base, e.header())
	return err
}

func (e *evaluation) tooShort(tokens int) error {
	n := e.job.Run.Context
	return fmt.Errorf("cannot evaluate %d chunks of %d tokens: the text has %d tokens, enough for %d chunks",
		e.need()/n, n, tokens, tokens/n)
}

// resume takes the tokens from the file to compare with, and checks that they
// are those of the text.
func (e *evaluation) resume(text []byte) error {
	old, err := openBase(e.job.Base)
	if err != nil {
		return err
	}
	e.base = old
	if err = old.fits(e.header(), e.need()); err == nil {
		e.tokens = old.h.Tokens[:e.need()]
		err = e.verify(text)
	}
	if err != nil {
		old.close()
		return fmt.Errorf("%s: %w", e.job.Base, err)
	}
	return nil
}

// beyond is how much more of a text is tokenised than the tokens stand for, in
// bytes: cutting a text changes no token that is so far from the cut.
const beyond = 1024

// verify checks that the tokens of the asked chunks are those of the text. It
// tokenises no more of the text than these chunks, which is nearly always
// enough to see that they are equal; if not, all of it.
func (e *evaluation) verify(text []byte) error {
	size := beyond
	for _, t := range e.tokens {
		size += e.model.PieceBytes(t)
	}
	size = min(size, len(text))
	for size < len(text) && size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	from := e.job.First * e.job.Run.Context
	var tokens []int32
	for _, part := range [][]byte{text[:size], text} {
		var err error
		if tokens, err = e.model.Tokenize(string(part)); err != nil {
			return err
		}
		if len(tokens) >= e.need() && slices.Equal(tokens[from:e.need()], e.tokens[from:]) {
			return nil
		}
	}
	if len(tokens) < e.need() {
		return e.tooShort(len(tokens))
	}
	return errors.New("cannot compare: the base was made from another text")
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
	err := errors.Join(errs...)
	if errors.Is(err, quality.ErrNonFinite) {
		return nonFinite()
	}
	return err
}

// nonFinite is the failure of a variant that computes no numbers.
func nonFinite() error {
	return &study.Failure{Infeasible: true, Reason: study.ReasonNonFinite, Detail: "the variant gives " + quality.ErrNonFinite.Error()}
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
