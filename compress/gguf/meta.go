package gguf

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// Kind is the type of a metadata value, with GGUF's number.
type Kind uint32

// The kinds.
const (
	KindUint8 Kind = iota
	KindInt8
	KindUint16
	KindInt16
	KindUint32
	KindInt32
	KindFloat32
	KindBool
	KindString
	KindArray
	KindUint64
	KindInt64
	KindFloat64
)

// size is the number of bytes of a value, at least 8 for a string, 0 for what
// is not an element.
func (k Kind) size() int64 {
	switch k {
	case KindUint8, KindInt8, KindBool:
		return 1
	case KindUint16, KindInt16:
		return 2
	case KindUint32, KindInt32, KindFloat32:
		return 4
	case KindUint64, KindInt64, KindFloat64, KindString:
		return 8
	}
	return 0
}

// KV is one metadata entry. It keeps its value as the bytes of the file, so
// that an entry that nobody changes is written as it was read.
type KV struct {
	Key   string
	Kind  Kind
	Elem  Kind  // of the elements of an array
	Count int64 // elements of an array
	raw   []byte
}

// U16 makes an entry of that kind, as do the functions below.
func U16(key string, v uint16) KV {
	return KV{Key: key, Kind: KindUint16, raw: binary.LittleEndian.AppendUint16(nil, v)}
}

// U32 makes an unsigned entry of 32 bits.
func U32(key string, v uint32) KV {
	return KV{Key: key, Kind: KindUint32, raw: binary.LittleEndian.AppendUint32(nil, v)}
}

// I32 makes a signed entry of 32 bits.
func I32(key string, v int32) KV {
	return KV{Key: key, Kind: KindInt32, raw: binary.LittleEndian.AppendUint32(nil, uint32(v))}
}

// Float makes an entry of a float of 32 bits.
func Float(key string, v float32) KV {
	return KV{Key: key, Kind: KindFloat32, raw: binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))}
}

// Text makes a string entry.
func Text(key, v string) KV {
	return KV{Key: key, Kind: KindString, raw: appendString(nil, v)}
}

// Texts makes an array of strings.
func Texts(key string, v []string) KV {
	kv := KV{Key: key, Kind: KindArray, Elem: KindString, Count: int64(len(v))}
	for _, s := range v {
		kv.raw = appendString(kv.raw, s)
	}
	return kv
}

// U32s makes an array of unsigned integers of 32 bits.
func U32s(key string, v []uint32) KV {
	kv := KV{Key: key, Kind: KindArray, Elem: KindUint32, Count: int64(len(v))}
	for _, x := range v {
		kv.raw = binary.LittleEndian.AppendUint32(kv.raw, x)
	}
	return kv
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// Meta is the metadata of a file, in order. Its methods change no receiver.
type Meta []KV

// Lookup finds an entry.
func (m Meta) Lookup(key string) (KV, bool) {
	i := slices.IndexFunc(m, func(kv KV) bool { return kv.Key == key })
	if i < 0 {
		return KV{}, false
	}
	return m[i], true
}

// With returns a copy where kv stands in the place of the entry of its key, or
// at the end.
func (m Meta) With(kv KV) Meta {
	out := slices.Clone(m)
	if i := slices.IndexFunc(out, func(old KV) bool { return old.Key == kv.Key }); i >= 0 {
		out[i] = kv
		return out
	}
	return append(out, kv)
}

// Uint returns a non-negative integer of any kind; false if the key is missing
// or holds something else.
func (m Meta) Uint(key string) (uint64, bool) {
	kv, ok := m.Lookup(key)
	if !ok || kv.Kind == KindArray {
		return 0, false
	}
	return decodeUint(kv.Kind, kv.raw)
}

// Uints returns an array of non-negative integers.
func (m Meta) Uints(key string) ([]uint64, bool) {
	kv, ok := m.Lookup(key)
	size := kv.Elem.size()
	if !ok || kv.Kind != KindArray || size == 0 || int64(len(kv.raw)) != kv.Count*size {
		return nil, false
	}
	out := make([]uint64, kv.Count)
	for i := range out {
		if out[i], ok = decodeUint(kv.Elem, kv.raw[int64(i)*size:][:size]); !ok {
			return nil, false
		}
	}
	return out, true
}

// Text returns a string; false if the key is missing or holds something else.
// The string may hold anything: see Printable.
func (m Meta) Text(key string) (string, bool) {
	kv, ok := m.Lookup(key)
	if !ok || kv.Kind != KindString {
		return "", false
	}
	return string(kv.raw[8:]), true
}

func decodeUint(k Kind, raw []byte) (uint64, bool) {
	var u uint64
	switch k.size() {
	case 1:
		u = uint64(raw[0])
	case 2:
		u = uint64(binary.LittleEndian.Uint16(raw))
	case 4:
		u = uint64(binary.LittleEndian.Uint32(raw))
	case 8:
		u = binary.LittleEndian.Uint64(raw)
	}
	switch k {
	case KindUint8, KindUint16, KindUint32, KindUint64:
		return u, true
	case KindInt8, KindInt16, KindInt32, KindInt64:
		return u, u>>(8*k.size()-1) == 0 // the sign bit
	}
	return 0, false
}

// Printable returns s for people: at most limit bytes, with control characters
// and other unprintable ones escaped, so that no terminal obeys it.
func Printable(s string, limit int) string {
	cut := len(s) > limit
	if cut {
		s = s[:limit]
	}
	q := strconv.QuoteToGraphic(s)
	q = q[1 : len(q)-1]
	if cut {
		q += "…"
	}
	return q
}
