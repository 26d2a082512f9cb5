package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/profiler/llama"
	"github.com/fettle-edge/fettle/study"
)

// quantise converts the tensors one after the other, the rows of each by all
// threads: one large matrix is as parallel as many small ones.
func (s *session) quantise(lib *llama.Library, q job.Quantise) error {
	c := converter{lib: lib, threads: max(1, q.Threads)}
	for i, t := range q.Tensors {
		start := time.Now()
		done, err := c.convert(t)
		if err != nil {
			return err
		}
		done.Index, done.Seconds = i, time.Since(start).Seconds()
		if err := s.send(job.Message{Quantised: &done}); err != nil {
			return err
		}
	}
	return nil
}

// converter converts tensors.
type converter struct {
	lib     *llama.Library
	threads int
}

// layout is a tensor whose numbers have been checked.
type layout struct {
	job.Tensor
	from, to       llama.Type
	inRow, outRow  int64 // bytes
	inSize, outPad int64 // bytes: of the range, of the zeros at the end
}

// check refuses a tensor that does not add up before anything is written.
func (c *converter) check(t job.Tensor, fileSize int64) (layout, error) {
	l := layout{Tensor: t}
	var err error
	if l.from, err = llama.TypeOf(t.From); err != nil {
		return l, err
	}
	if l.to, err = llama.TypeOf(t.To); err != nil {
		return l, err
	}
	if !l.from.Readable() {
		return l, fmt.Errorf("cannot convert from %s: want F32, F16 or BF16", t.From)
	}
	if l.inRow, err = c.lib.RowBytes(l.from, t.RowLength); err != nil {
		return l, err
	}
	if l.outRow, err = c.lib.RowBytes(l.to, t.RowLength); err != nil {
		return l, err
	}
	if t.Rows < 1 || t.Rows > math.MaxInt64/max(l.inRow, l.outRow) {
		return l, fmt.Errorf("cannot convert %d rows", t.Rows)
	}
	l.inSize = t.Rows * l.inRow
	if t.Offset < 0 || l.inSize > fileSize || t.Offset > fileSize-l.inSize {
		return l, fmt.Errorf("cannot convert %d bytes at offset %d: %s has %d", l.inSize, t.Offset, t.In, fileSize)
	}
	if t.Align > 1 {
		if over := (int64(len(t.Head)) + t.Rows*l.outRow) % t.Align; over > 0 {
			l.outPad = t.Align - over
		}
	}
	return l, nil
}

// convert makes the file of one tensor. If it cannot, it leaves none.
func (c *converter) convert(t job.Tensor) (job.Quantised, error) {
	in, err := os.Open(t.In)
	if err != nil {
		return job.Quantised{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return job.Quantised{}, err
	}
	l, err := c.check(t, info.Size())
	if err != nil {
		return job.Quantised{}, err
	}
	out, err := os.OpenFile(t.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return job.Quantised{}, err
	}
	w := &digester{w: out, hash: sha256.New()}
	library, err := c.write(w, in, l)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(t.Out)
		return job.Quantised{}, err
	}
	return job.Quantised{Digest: w.digest(), Bytes: w.n, Library: library.Seconds()}, nil
}

// chunkElements is how many elements are converted at a time: 512 KiB of
// float32. Smaller ones cost more in hand-overs between goroutines, larger ones
// leave the CPU's cache.
const chunkElements = 128 << 10

// part is the outcome of one chunk of rows.
type part struct {
	data []byte
	time time.Duration // inside ggml_quantize_chunk
	err  error
}

// write writes the file of a tensor: chunks of rows are read and converted by
// up to c.threads goroutines, and written and hashed here in order, meanwhile.
func (c *converter) write(w io.Writer, in io.ReaderAt, l layout) (library time.Duration, err error) {
	if _, err := w.Write(l.Head); err != nil {
		return 0, err
	}
	perChunk := max(1, chunkElements/l.RowLength)
	chunks := (l.Rows + perChunk - 1) / perChunk
	workers := min(int64(c.threads), chunks)
	// Chunk i is converted by goroutine i % workers and handed over on its
	// channel, so the channels in turn give the chunks in order. Each holds one
	// finished chunk: memory stays bounded.
	lanes := make([]chan part, workers)
	stop := make(chan struct{})
	var running sync.WaitGroup
	defer running.Wait()
	defer close(stop)
	for k := range lanes {
		lanes[k] = make(chan part, 1)
		running.Go(func() { c.lane(lanes[k], stop, in, l, perChunk, int64(k), workers) })
	}
	for i := range chunks {
		p := <-lanes[i%workers]
		if p.err != nil {
			return 0, p.err
		}
		library += p.time
		if _, err := w.Write(p.data); err != nil {
			return 0, err
		}
	}
	_, err = w.Write(make([]byte, l.outPad))
	return library / time.Duration(workers), err
}

// lane converts chunks first, first+step, … of a tensor. It ends after the
// last of them, an error, or when stop is closed.
func (c *converter) lane(out chan<- part, stop <-chan struct{}, in io.ReaderAt, l layout, perChunk, first, step int64) {
	// ggml may leave the thread's vector registers in use: see
	// llama.cleanUpper.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// While one chunk is filled, one is on the channel and one is written.
	var data [3][]byte
	for i := range data {
		data[i] = make([]byte, perChunk*l.outRow)
	}
	read := make(chan rows, 1)
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() { c.read(read, stop, in, l, perChunk, first, step) })
	for r := range read {
		p := c.chunk(data[0][:r.n*l.outRow], r, l)
		data[0], data[1], data[2] = data[1], data[2], data[0]
		select {
		case out <- p:
		case <-stop:
			return
		}
		if p.err != nil {
			return
		}
	}
}

// rows is a chunk of a tensor as it was read.
type rows struct {
	n      int64
	raw    []byte    // as they are in the file
	floats []float32 // the same; nil if they are only copied
	err    error
}

// read reads the chunks of a lane and widens them to float32, ahead of their
// conversion: for the cheaper types that takes a quarter of the time that the
// library does.
func (c *converter) read(out chan<- rows, stop <-chan struct{}, in io.ReaderAt, l layout, perChunk, first, step int64) {
	defer close(out)
	if l.from == llama.BF16 { // widened by ggml, as in lane; a thread of its own costs hand-overs
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	// While one chunk is read, one is on the channel and one is converted.
	var ring [3]rows
	for i := range ring {
		ring[i].raw = make([]byte, perChunk*l.inRow)
		if l.from != l.to {
			ring[i].floats = make([]float32, perChunk*l.RowLength)
		}
	}
	for i, row := 0, first*perChunk; row < l.Rows; i, row = i+1, row+step*perChunk {
		r := ring[i%len(ring)]
		r.n = min(perChunk, l.Rows-row)
		r.raw = r.raw[:r.n*l.inRow]
		if _, r.err = in.ReadAt(r.raw, l.Offset+row*l.inRow); r.err == nil && r.floats != nil {
			r.floats = r.floats[:r.n*l.RowLength]
			c.lib.ToFloat(r.floats, r.raw, l.from)
		}
		select {
		case out <- r:
		case <-stop:
			return
		}
		if r.err != nil {
			return
		}
	}
}

// chunk converts rows into dst.
func (c *converter) chunk(dst []byte, r rows, l layout) part {
	if r.err != nil {
		return part{err: r.err}
	}
	if r.floats == nil {
		copy(dst, r.raw)
		return part{data: dst}
	}
	start := time.Now()
	err := c.lib.QuantiseRows(dst, r.floats, l.RowLength, l.to)
	return part{data: dst, time: time.Since(start), err: err}
}

// digester hashes and counts what it writes.
type digester struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (d *digester) Write(b []byte) (int, error) {
	d.hash.Write(b)
	n, err := d.w.Write(b)
	d.n += int64(n)
	return n, err
}

func (d *digester) digest() study.Digest { return study.Digest(hex.EncodeToString(d.hash.Sum(nil))) }
