package llama

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Type is a number of enum ggml_type.
type Type int32

// The types that a tensor can be read from.
const (
	F32  Type = 0
	F16  Type = 1
	BF16 Type = 30
)

// typeNames are the types that tensors can be converted to. None of them needs
// an importance matrix.
var typeNames = map[string]Type{
	"F32": F32, "F16": F16, "BF16": BF16,
	"Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8,
	"Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14,
	"IQ4_NL": 20, "IQ4_XS": 23,
}

// TypeOf returns the type that llama.cpp calls by this name.
func TypeOf(name string) (Type, error) {
	t, ok := typeNames[name]
	if !ok {
		return 0, fmt.Errorf("cannot convert the type %q", name)
	}
	return t, nil
}

// Readable reports whether tensors of this type can be converted to another.
func (t Type) Readable() bool { return slices.Contains([]Type{F32, F16, BF16}, t) }

// RowBytes returns the bytes of a row of n elements. It is an error if blocks
// of the type do not divide the row: ggml_quantize_chunk does not check it.
func (l *Library) RowBytes(t Type, n int64) (int64, error) {
	if n < 1 || n > 1<<31 {
		return 0, fmt.Errorf("cannot convert rows of %d elements", n)
	}
	if block := l.fn.blockLength(int32(t)); n%block != 0 {
		return 0, fmt.Errorf("cannot cut a row of %d elements into blocks of %d", n, block)
	}
	return int64(l.fn.rowSize(int32(t), n)), nil
}

// ToFloat decodes elements of a readable type from src. It may be called from
// several goroutines.
func (l *Library) ToFloat(dst []float32, src []byte, from Type) {
	switch from {
	case F32:
		for i := range dst {
			dst[i] = f32(src[4*i:])
		}
	case F16:
		if n := halves(dst, src); n < len(dst) {
			l.fn.halfToFloat(&src[2*n : 2*len(dst)][0], &dst[n], int64(len(dst)-n))
		}
	case BF16:
		l.fn.bfloatToFloat(&src[:2*len(dst)][0], &dst[0], int64(len(dst)))
	}
	cleanUpper()
}

// QuantiseRows encodes rows of rowLen elements. dst must have their bytes
// (RowBytes). It may be called from several goroutines.
func (l *Library) QuantiseRows(dst []byte, src []float32, rowLen int64, to Type) error {
	rows := int64(len(src)) / rowLen
	n := l.fn.quantizeChunk(int32(to), &src[0], &dst[0], 0, rows, rowLen, nil)
	cleanUpper()
	if n != uintptr(len(dst)) {
		return fmt.Errorf("ggml_quantize_chunk wrote %d bytes, want %d", n, len(dst))
	}
	return nil
}

func f32(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
