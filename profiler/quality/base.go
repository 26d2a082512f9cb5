package quality

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Header begins a file of log-probabilities. After it come, for each chunk,
// the records of its scored positions.
type Header struct {
	Context    int     // tokens of a chunk
	Vocabulary int     // tokens
	Tokens     []int32 // of all chunks; the length is a multiple of Context
}

const (
	magic      = "_logits_"
	headerHead = int64(len(magic) + 3*4) // bytes before the tokens
	maxContext = 1 << 24
	maxTokens  = 1 << 24 // of a vocabulary
)

// Chunks is the number of chunks.
func (h Header) Chunks() int { return len(h.Tokens) / h.Context }

// First is the first scored position of a chunk: the first half only gives
// context.
func First(context int) int { return context / 2 }

// Positions is the number of scored positions of a chunk: the last token has
// no successor.
func Positions(context int) int { return context - 1 - First(context) }

// ChunkBytes is the size of a chunk's records.
func (h Header) ChunkBytes() int64 {
	return int64(Positions(h.Context)) * int64(recordLen(h.Vocabulary)) * 2
}

// Offset is where the records of a chunk begin.
func (h Header) Offset(chunk int) int64 {
	return headerHead + 4*int64(len(h.Tokens)) + int64(chunk)*h.ChunkBytes()
}

// Write writes the header.
func (h Header) Write(w io.Writer) error {
	b := append([]byte(nil), magic...)
	for _, v := range []int{h.Context, h.Vocabulary, h.Chunks()} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	for _, t := range h.Tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(t))
	}
	_, err := w.Write(b)
	return err
}

// ReadHeader reads the header of a file of log-probabilities of size bytes and
// checks that the file has room for what the header promises.
func ReadHeader(r io.ReaderAt, size int64) (Header, error) {
	head := make([]byte, headerHead)
	if _, err := r.ReadAt(head, 0); err != nil {
		return Header{}, fmt.Errorf("cannot read the head of the log-probabilities: %w", err)
	}
	if string(head[:len(magic)]) != magic {
		return Header{}, fmt.Errorf("cannot read log-probabilities: the file does not begin with %q", magic)
	}
	field := func(i int) int64 { return int64(int32(binary.LittleEndian.Uint32(head[len(magic)+4*i:]))) }
	context, vocabulary, chunks := field(0), field(1), field(2)
	if context < 2 || context > maxContext || vocabulary < 1 || vocabulary > maxTokens || chunks < 0 {
		return Header{}, fmt.Errorf("cannot read log-probabilities of %d chunks of %d tokens of a vocabulary of %d", chunks, context, vocabulary)
	}
	h := Header{Context: int(context), Vocabulary: int(vocabulary)}
	perChunk := 4*context + h.ChunkBytes() // below 2^51: no overflow so far
	if chunks > (size-headerHead)/perChunk {
		return Header{}, fmt.Errorf("cannot read log-probabilities: %d chunks of %d bytes do not fit into a file of %d", chunks, perChunk, size)
	}
	b := make([]byte, 4*context*chunks)
	if _, err := r.ReadAt(b, headerHead); err != nil && len(b) > 0 {
		return Header{}, fmt.Errorf("cannot read the tokens of the log-probabilities: %w", err)
	}
	h.Tokens = make([]int32, context*chunks)
	for i := range h.Tokens {
		h.Tokens[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return h, nil
}

// NewRecords returns records for the scored positions of a chunk, next to each
// other in one block of memory.
func (h Header) NewRecords() []Record {
	n := recordLen(h.Vocabulary)
	all := make(Record, Positions(h.Context)*n)
	recs := make([]Record, Positions(h.Context))
	for i := range recs {
		recs[i] = all[i*n:][:n:n]
	}
	return recs
}

// ReadChunk reads the records of a chunk.
func (h Header) ReadChunk(r io.ReaderAt, chunk int, recs []Record) error {
	if chunk < 0 || chunk >= h.Chunks() {
		return fmt.Errorf("cannot read chunk %d of %d", chunk, h.Chunks())
	}
	s := io.NewSectionReader(r, h.Offset(chunk), h.ChunkBytes())
	for _, rec := range recs {
		if err := binary.Read(s, binary.LittleEndian, []uint16(rec)); err != nil {
			return fmt.Errorf("cannot read the log-probabilities of chunk %d: %w", chunk, err)
		}
		scale, low, _ := rec.decode(h.Vocabulary)
		if !(scale >= 0 && scale < math.MaxFloat32) || !(low > -math.MaxFloat32 && low <= 0) {
			return fmt.Errorf("cannot read the log-probabilities of chunk %d: scale %g and minimum %g", chunk, scale, low)
		}
	}
	return nil
}

// WriteChunk writes the records of a chunk.
func WriteChunk(w io.Writer, recs []Record) error {
	for _, rec := range recs {
		if err := binary.Write(w, binary.LittleEndian, []uint16(rec)); err != nil {
			return err
		}
	}
	return nil
}
