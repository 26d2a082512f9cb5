package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"

	"github.com/fettle-edge/fettle/profiler/quality"
)

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

// oldBase is a file to compare with.
type oldBase struct {
	file *os.File
	h    quality.Header
}

func openBase(path string) (*oldBase, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	h, err := quality.ReadHeader(f, info.Size())
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &oldBase{file: f, h: h}, nil
}

// fits checks that the file has so many tokens, in chunks of the right length.
func (b *oldBase) fits(want quality.Header, tokens int) error {
	if b.h.Context != want.Context || b.h.Vocabulary != want.Vocabulary || len(b.h.Tokens) < tokens {
		return fmt.Errorf("cannot compare with %d chunks of %d tokens of a vocabulary of %d: want %d of %d of %d",
			b.h.Chunks(), b.h.Context, b.h.Vocabulary, tokens/want.Context, want.Context, want.Vocabulary)
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
