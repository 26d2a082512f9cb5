// Package gguf reads and writes GGUF v3 files. It trusts no input: every count,
// length, product and offset is checked against the real size of the file
// before it is used. Whatever the bytes are, the answer is a File or an *Error,
// and the memory used is in proportion to what the file really holds.
package gguf

import (
	"fmt"
	"io"
)

// Limits of what is read and written. GGUF itself has almost none; these are
// far above what real models have.
const (
	MaxHead      = 64 << 20 // bytes of metadata and tensor list together
	MaxEntries   = 1 << 16  // metadata entries; tensors
	MaxKey       = 65535    // bytes of a key
	MaxName      = 63       // bytes of a tensor name: ggml's GGML_MAX_NAME less the final zero
	MaxDims      = 4
	MaxAlign     = 4096
	DefaultAlign = 32
)

// AlignmentKey is the key of the alignment of tensor data; where it is missing
// the alignment is DefaultAlign.
const AlignmentKey = "general.alignment"

// Error says what is wrong with a file, and at which byte.
type Error struct {
	Offset int64 // from the start of the file
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (at byte %d)", e.Reason, e.Offset) }

// Tensor is an entry of a file's tensor list. Dims[0] is the length of a row.
type Tensor struct {
	Name   string
	Type   Type
	Dims   []int64
	Offset int64 // of its data, from the start of the file; a Layout ignores it
}

// Elements is the number of elements.
func (t Tensor) Elements() int64 {
	n := int64(1)
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// Rows is the number of rows.
func (t Tensor) Rows() int64 { return t.Elements() / t.Dims[0] }

// Bytes is the size of the data without padding.
func (t Tensor) Bytes() int64 { return t.Type.Bytes(t.Elements()) }

// File is what a file says before its tensor data.
type File struct {
	Meta    Meta
	Tensors []Tensor
	Align   int64 // of tensor data
}

// Data returns a reader of a tensor's bytes and of nothing else.
func Data(r io.ReaderAt, t Tensor) *io.SectionReader {
	return io.NewSectionReader(r, t.Offset, t.Bytes())
}

// Pad rounds n up to a multiple of align.
func Pad(n, align int64) int64 { return (n + align - 1) / align * align }

// quote shows foreign text in an error.
func quote(s string) string { return `"` + Printable(s, 80) + `"` }
