package gguf

import (
	"fmt"
	"strings"
)

// Type is a tensor type, with ggml's number.
type Type uint32

// The types that Fettle stores. Files may hold others (see Known).
const (
	F32    Type = 0
	F16    Type = 1
	Q4_0   Type = 2
	Q4_1   Type = 3
	Q5_0   Type = 6
	Q5_1   Type = 7
	Q8_0   Type = 8
	Q2_K   Type = 10
	Q3_K   Type = 11
	Q4_K   Type = 12
	Q5_K   Type = 13
	Q6_K   Type = 14
	IQ4_NL Type = 20
	IQ4_XS Type = 23
	BF16   Type = 30
)

// A row is stored in blocks of length elements, each of bytes bytes.
type block struct {
	name          string
	length, bytes int64
}

// blocks holds every type of llama.cpp v0.5.0 (ggml_blck_size, ggml_type_size);
// the missing numbers were removed from ggml.
var blocks = [...]block{
	F32: {"F32", 1, 4}, F16: {"F16", 1, 2}, BF16: {"BF16", 1, 2},
	Q4_0: {"Q4_0", 32, 18}, Q4_1: {"Q4_1", 32, 20}, Q5_0: {"Q5_0", 32, 22}, Q5_1: {"Q5_1", 32, 24}, Q8_0: {"Q8_0", 32, 34},
	Q2_K: {"Q2_K", 256, 84}, Q3_K: {"Q3_K", 256, 110}, Q4_K: {"Q4_K", 256, 144}, Q5_K: {"Q5_K", 256, 176}, Q6_K: {"Q6_K", 256, 210},
	IQ4_NL: {"IQ4_NL", 32, 18}, IQ4_XS: {"IQ4_XS", 256, 136},

	9: {"Q8_1", 32, 36}, 15: {"Q8_K", 256, 292},
	16: {"IQ2_XXS", 256, 66}, 17: {"IQ2_XS", 256, 74}, 18: {"IQ3_XXS", 256, 98}, 19: {"IQ1_S", 256, 50},
	21: {"IQ3_S", 256, 110}, 22: {"IQ2_S", 256, 82}, 29: {"IQ1_M", 256, 56},
	24: {"I8", 1, 1}, 25: {"I16", 1, 2}, 26: {"I32", 1, 4}, 27: {"I64", 1, 8}, 28: {"F64", 1, 8},
	34: {"TQ1_0", 256, 54}, 35: {"TQ2_0", 256, 66},
	39: {"MXFP4", 32, 17}, 40: {"NVFP4", 64, 36}, 41: {"Q1_0", 128, 18}, 42: {"Q2_0", 64, 18},
}

// Known reports whether the size of t is known.
func (t Type) Known() bool { return int64(t) < int64(len(blocks)) && blocks[t].length > 0 }

// String returns the name as llama.cpp's tools print it, such as Q4_K.
func (t Type) String() string {
	if t.Known() {
		return blocks[t].name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// ParseType is the inverse of String; it does not know lower case.
func ParseType(name string) (Type, bool) {
	for i, b := range blocks {
		if b.length > 0 && b.name == name {
			return Type(i), true
		}
	}
	return 0, false
}

// MarshalText writes the name.
func (t Type) MarshalText() ([]byte, error) {
	if !t.Known() {
		return nil, fmt.Errorf("%s has no name", t)
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads a name.
func (t *Type) UnmarshalText(name []byte) error {
	var ok bool
	if *t, ok = ParseType(string(name)); !ok {
		return fmt.Errorf("unknown tensor type %s", quote(string(name)))
	}
	return nil
}

// ParseCacheType is ParseType for the lower-case names by which llama.cpp
// calls the types of a key-value cache, such as q8_0.
func ParseCacheType(name string) (Type, bool) {
	if name != strings.ToLower(name) {
		return 0, false
	}
	return ParseType(strings.ToUpper(name))
}

// BlockLength is the number of elements in one block, 0 for an unknown type.
func (t Type) BlockLength() int64 {
	if !t.Known() {
		return 0
	}
	return blocks[t].length
}

// Quantised reports whether t stores blocks of several elements.
func (t Type) Quantised() bool { return t.BlockLength() > 1 }

// Float reports whether t is a type that tensors can be quantised from.
func (t Type) Float() bool { return t == F32 || t == F16 || t == BF16 }

// Fits reports whether rows of n elements can be stored in t.
func (t Type) Fits(n int64) bool { return t.Known() && n%blocks[t].length == 0 }

// Bytes is the size of n elements in t. It is 0 unless t fits n, and exact
// only for sizes that a checked tensor can have.
func (t Type) Bytes(n int64) int64 {
	if !t.Fits(n) {
		return 0
	}
	return n / blocks[t].length * blocks[t].bytes
}
