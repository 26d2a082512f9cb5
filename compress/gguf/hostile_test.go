package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// raw builds files that a Layout would refuse.
type raw struct{ bytes.Buffer }

func (r *raw) u32(v uint32) *raw { binary.Write(r, binary.LittleEndian, v); return r }
func (r *raw) u64(v uint64) *raw { binary.Write(r, binary.LittleEndian, v); return r }
func (r *raw) text(s string) *raw {
	r.u64(uint64(len(s))).WriteString(s)
	return r
}

func (r *raw) start(tensors, entries uint64) *raw {
	r.WriteString("GGUF")
	return r.u32(3).u64(tensors).u64(entries)
}

func (r *raw) tensor(name string, typ Type, off uint64, dims ...uint64) *raw {
	r.text(name).u32(uint32(len(dims)))
	for _, d := range dims {
		r.u64(d)
	}
	return r.u32(uint32(typ)).u64(off)
}

// data ends the head and appends n bytes.
func (r *raw) data(n int) *raw {
	r.Write(make([]byte, Pad(int64(r.Len()), DefaultAlign)-int64(r.Len())+int64(n)))
	return r
}

type hostile struct {
	name   string
	file   []byte
	offset int64
	reason string
}

// one is a file with one tensor and 64 bytes of data.
func one(typ Type, off uint64, dims ...uint64) []byte {
	return new(raw).start(1, 0).tensor("t", typ, off, dims...).data(64).Bytes()
}

// entry is a file whose only entry has the key k.
func entry(kind Kind, value func(*raw)) []byte {
	r := new(raw).start(0, 1).text("k").u32(uint32(kind))
	value(r)
	return r.data(0).Bytes()
}

func aligned(kind Kind, value uint32) []byte {
	return new(raw).start(0, 1).text(AlignmentKey).u32(uint32(kind)).u32(value).data(0).Bytes()
}

// hostiles holds a file for each way a GGUF reader has been broken.
func hostiles() []hostile {
	return []hostile{
		{"empty", nil, 0, "the file ends"},
		{"another format", []byte("PK\x03\x04" + strings.Repeat("x", 60)), 0, "not a GGUF file"},
		{"version 2", append([]byte("GGUF\x02\x00\x00\x00"), make([]byte, 16)...), 4, "GGUF version 2"},
		{"number of tensors wraps", new(raw).start(math.MaxUint64, 0).data(0).Bytes(), 8, "tensors are more than"},
		{"more tensors than bytes", new(raw).start(60000, 0).data(0).Bytes(), 8, "do not fit"},
		{"more entries than bytes", new(raw).start(0, 60000).data(0).Bytes(), 16, "do not fit"},
		{"empty key", new(raw).start(0, 1).text("").u32(4).u32(1).data(0).Bytes(), 24, "has 0 bytes"},
		{"key of an exabyte", new(raw).start(0, 1).u64(1 << 60).data(32).Bytes(), 24, "want 1 to 65535"},
		{"key twice", new(raw).start(0, 2).text("k").u32(4).u32(1).text("k").u32(4).u32(1).data(0).Bytes(), 24 + 17, "stands twice"},
		{"unknown kind", entry(13, func(r *raw) { r.u32(0) }), 33, "unknown kind 13"},
		{"string of an exabyte", entry(KindString, func(r *raw) { r.u64(1 << 60) }), 45, "needs 1152921504606846976 bytes"},
		{"array of an exabyte", entry(KindArray, func(r *raw) { r.u32(uint32(KindUint64)).u64(1 << 61) }), 41, "do not fit"},
		{"array of strings without end", entry(KindArray, func(r *raw) { r.u32(uint32(KindString)).u64(1 << 40) }), 41, "do not fit"},
		{"array of arrays", entry(KindArray, func(r *raw) { r.u32(uint32(KindArray)).u64(1).u32(4).u64(0) }), 37, "array of arrays"},
		{"boolean 7", entry(KindBool, func(r *raw) { r.WriteByte(7) }), 37, "neither 0 nor 1"},
		{"alignment of another kind", aligned(KindInt32, 32), 24, "is of kind 5"},
		{"alignment 0", aligned(KindUint32, 0), 24, "power of two"},
		{"alignment 48", aligned(KindUint32, 48), 24, "power of two"},
		{"alignment of 2 GiB", aligned(KindUint32, 1<<31), 24, "power of two"},
		{"no dimension", one(F32, 0), 24, "has 0 dimensions"},
		{"five dimensions", one(F32, 0, 1, 1, 1, 1, 1), 24, "has 5 dimensions"},
		{"dimension 0", one(F32, 0, 4, 0), 24, "dimension of 0"},
		{"dimension 2^63", one(F32, 0, 1<<63), 24, "has a dimension of"},
		{"dimension 2^42+1", one(F32, 0, 1<<42+1, 1<<42), 24, "more elements"},
		{"largest dimension times two", one(F32, 0, math.MaxInt64, 2, 1, 1), 24, "more elements"},
		{"bytes wrap", one(F32, 0, 1<<62), 24, "more bytes than a file can hold"},
		{"padded size wraps", one(25-1, 0, math.MaxInt64-15), 24, "more bytes than a file can hold"},
		{"larger than the file", one(F32, 0, 1<<20), 24, "the file has"},
		{"an exabyte in a small file", one(Q4_0, 0, 1<<40, 1<<18), 24, "the file has"},
		{"removed type", one(4, 0, 32), 24, "unknown type 4"},
		{"type of the future", one(1000, 0, 32), 24, "unknown type 1000"},
		{"row that fills no block", one(Q4_K, 0, 128), 24, "do not fill"},
		{"offset behind the file", one(F32, 1<<40, 4), 24, "starts at byte"},
		{"offset wraps", one(F32, math.MaxUint64-31, 4), 24, "starts at byte"},
		{"offset not aligned", one(F32, 4, 4), 24, "not a multiple of 32"},
		{"name of 64 bytes", new(raw).start(1, 0).tensor(strings.Repeat("n", 64), F32, 0, 4).data(64).Bytes(), 24, "want 1 to 63"},
		{"name twice", new(raw).start(2, 0).tensor("t", F32, 0, 4).tensor("t", F32, 32, 4).data(64).Bytes(), 24 + 33, "stands twice"},
		{"overlap", new(raw).start(2, 0).tensor("a", F32, 0, 16).tensor("b", F32, 32, 4).data(64).Bytes(), 24 + 33, "overlap"},
	}
}

func TestReadRefusesHostileFiles(t *testing.T) {
	for _, h := range hostiles() {
		t.Run(h.name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(h.file), int64(len(h.file)))
			var bad *Error
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if bad.Offset != h.offset || !strings.Contains(bad.Reason, h.reason) {
				t.Errorf("got %q at %d, want %q at %d", bad.Reason, bad.Offset, h.reason, h.offset)
			}
		})
	}
}

func TestHostileFilesCostNothing(t *testing.T) {
	for _, h := range hostiles() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		Read(bytes.NewReader(h.file), int64(len(h.file)))
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		// The time is far above what is needed even on a busy machine; a loop
		// over a claimed count would take hours.
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 || took > 10*time.Second {
			t.Errorf("%s: %d bytes allocated in %s", h.name, got, took)
		}
	}
}

func TestReadKeepsControlCharactersOutOfErrors(t *testing.T) {
	nasty := "\x1b]0;owned\x07\x00\u202e"
	r := new(raw).start(1, 0).tensor(nasty, F32, 4, 4).data(64).Bytes()
	_, err := Read(bytes.NewReader(r), int64(len(r)))
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\x07\x00\u202e") {
		t.Errorf("got %q, want an error without control characters", err)
	}
}

func TestReadRefusesTruncationAtEveryByte(t *testing.T) {
	whole := small(t)
	end := 0 // of the last tensor's data; the padding behind it may be missing
	f, err := Read(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range f.Tensors {
		end = max(end, int(x.Offset+x.Bytes()))
	}
	for n := range end {
		_, err := Read(bytes.NewReader(whole[:n]), int64(n))
		var bad *Error
		if !errors.As(err, &bad) {
			t.Fatalf("%d of %d bytes: got %v, want an *Error", n, len(whole), err)
		}
		if bad.Offset < 0 || bad.Offset > int64(n) {
			t.Errorf("%d of %d bytes: error at byte %d", n, len(whole), bad.Offset)
		}
	}
}

func TestReadNoticesThatTheFileShrank(t *testing.T) {
	whole := small(t)
	for n := range whole {
		_, err := Read(bytes.NewReader(whole[:n]), int64(len(whole)))
		var bad *Error
		if !errors.As(err, &bad) || bad.Offset != int64(n) {
			t.Fatalf("%d of %d bytes: got %v, want an *Error there", n, len(whole), err)
		}
	}
}

func TestReadLimitsTheHead(t *testing.T) {
	size := int64(MaxHead) + 1<<20
	f, err := os.Create(t.TempDir() + "/large.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := new(raw).start(0, 1).text("k").u32(uint32(KindString)).u64(MaxHead)
	if _, err := f.Write(r.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	_, err = Read(f, size)
	if err == nil || !strings.Contains(err.Error(), "metadata and tensor list may have") {
		t.Errorf("got %v, want a refusal of the size", err)
	}
}
