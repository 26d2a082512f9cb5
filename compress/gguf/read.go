package gguf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
)

// Sizes of the smallest metadata entry and the smallest tensor entry, in
// bytes: they bound the counts that a file of some size can have.
const (
	smallestKV     = 8 + 1 + 4 + 1
	smallestTensor = 8 + 4 + 8 + 4 + 8
)

// Read reads the metadata and the tensor list of a file of size bytes. Errors
// of the content are of type *Error.
func Read(r io.ReaderAt, size int64) (*File, error) {
	c := &cursor{r: r, size: size, limit: min(size, MaxHead)}
	tensors, entries, err := c.counts()
	if err != nil {
		return nil, err
	}
	f := &File{Align: DefaultAlign}
	if f.Meta, err = c.meta(entries); err != nil {
		return nil, err
	}
	if f.Align, err = f.Meta.align(c.at("general.alignment")); err != nil {
		return nil, err
	}
	if f.Tensors, err = c.tensors(tensors); err != nil {
		return nil, err
	}
	return f, c.place(f)
}

// cursor walks over the head of a file.
type cursor struct {
	r     io.ReaderAt
	size  int64
	limit int64 // of the head
	pos   int64
	buf   []byte           // the first bytes of the file
	keys  map[string]int64 // metadata key → where its entry starts
	names map[string]int64 // tensor name → where its entry starts
}

func fail(at int64, format string, args ...any) error {
	return &Error{Offset: at, Reason: fmt.Sprintf(format, args...)}
}

// take returns the next n bytes; what names them in errors. The bytes are
// valid until the next call.
func (c *cursor) take(n uint64, what string) ([]byte, error) {
	if n > uint64(c.limit-c.pos) {
		if c.limit < c.size {
			return nil, fail(c.pos, "%s needs %d bytes, but metadata and tensor list may have %d in all", what, n, int64(MaxHead))
		}
		return nil, fail(c.pos, "%s needs %d bytes, but the file ends %d bytes on", what, n, c.size-c.pos)
	}
	end := c.pos + int64(n)
	if end > int64(len(c.buf)) {
		if err := c.fill(end); err != nil {
			return nil, err
		}
	}
	b := c.buf[c.pos:end]
	c.pos = end
	return b, nil
}

// fill reads on until at least the byte before end is in the buffer.
func (c *cursor) fill(end int64) error {
	have := int64(len(c.buf))
	want := min(c.limit, max(end, 2*have, 64<<10))
	c.buf = slices.Grow(c.buf, int(want-have))[:want]
	n, err := c.r.ReadAt(c.buf[have:], have)
	if int64(n) == want-have {
		return nil
	}
	c.buf = c.buf[:have]
	if err == nil || errors.Is(err, io.EOF) {
		return fail(have+int64(n), "the file ends here, but should have %d bytes", c.size)
	}
	return err
}

func (c *cursor) u32(what string) (uint32, error) {
	b, err := c.take(4, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) u64(what string) (uint64, error) {
	b, err := c.take(8, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// text reads a string of lowest to highest bytes.
func (c *cursor) text(what string, lowest, highest uint64) (string, error) {
	at := c.pos
	n, err := c.u64("the length of " + what)
	if err != nil {
		return "", err
	}
	if n < lowest || n > highest {
		return "", fail(at, "%s has %d bytes, want %d to %d", what, n, lowest, highest)
	}
	b, err := c.take(n, what)
	return string(b), err
}

// count reads a number of things of at least smallest bytes each.
func (c *cursor) count(what string, smallest int64) (int, error) {
	at := c.pos
	n, err := c.u64("the number of " + what)
	if err != nil {
		return 0, err
	}
	if n > MaxEntries {
		return 0, fail(at, "%d %s are more than %d", n, what, MaxEntries)
	}
	if int64(n) > (c.limit-c.pos)/smallest {
		return 0, fail(at, "%d %s do not fit into the %d bytes that follow", n, what, c.size-c.pos)
	}
	return int(n), nil
}

func (c *cursor) counts() (tensors, entries int, err error) {
	magic, err := c.take(4, "the magic GGUF")
	if err != nil {
		return 0, 0, err
	}
	if string(magic) != "GGUF" {
		return 0, 0, fail(0, "not a GGUF file: it starts with %s", quote(string(magic)))
	}
	version, err := c.u32("the version")
	if err != nil {
		return 0, 0, err
	}
	if version != 3 {
		return 0, 0, fail(4, "GGUF version %d, want 3", version)
	}
	if tensors, err = c.count("tensors", smallestTensor); err != nil {
		return 0, 0, err
	}
	entries, err = c.count("metadata entries", smallestKV)
	return tensors, entries, err
}

func (c *cursor) meta(n int) (Meta, error) {
	m := make(Meta, 0, n)
	c.keys = make(map[string]int64, n)
	for range n {
		at := c.pos
		key, err := c.text("a metadata key", 1, MaxKey)
		if err != nil {
			return nil, err
		}
		if _, twice := c.keys[key]; twice {
			return nil, fail(at, "metadata key %s stands twice", quote(key))
		}
		c.keys[key] = at
		kv, err := c.value(key)
		if err != nil {
			return nil, err
		}
		m = append(m, kv)
	}
	return m, nil
}

// value reads the kind and the value of an entry.
func (c *cursor) value(key string) (KV, error) {
	kv := KV{Key: key}
	at := c.pos
	kind, err := c.u32("the kind of " + quote(key))
	if err != nil {
		return kv, err
	}
	kv.Kind = Kind(kind)
	if kv.Kind == KindArray {
		return c.array(kv)
	}
	if kv.Kind.size() == 0 {
		return kv, fail(at, "metadata key %s has the unknown kind %d", quote(key), kind)
	}
	kv.raw, err = c.elements(quote(key), kv.Kind, 1)
	return kv, err
}

func (c *cursor) array(kv KV) (KV, error) {
	at := c.pos
	elem, err := c.u32("the element kind of " + quote(kv.Key))
	if err != nil {
		return kv, err
	}
	kv.Elem = Kind(elem)
	if kv.Elem == KindArray {
		return kv, fail(at, "metadata key %s is an array of arrays", quote(kv.Key))
	}
	size := kv.Elem.size()
	if size == 0 {
		return kv, fail(at, "metadata key %s has elements of the unknown kind %d", quote(kv.Key), elem)
	}
	at = c.pos
	n, err := c.u64("the length of " + quote(kv.Key))
	if err != nil {
		return kv, err
	}
	if n > uint64((c.limit-c.pos)/size) {
		return kv, fail(at, "metadata key %s has %d elements, which do not fit into the %d bytes that follow", quote(kv.Key), n, c.size-c.pos)
	}
	kv.Count = int64(n)
	kv.raw, err = c.elements(quote(kv.Key), kv.Elem, kv.Count)
	return kv, err
}

// elements returns a copy of the bytes of n values, checked.
func (c *cursor) elements(what string, k Kind, n int64) ([]byte, error) {
	start := c.pos
	if k == KindString {
		for range n {
			if _, err := c.skipText(what); err != nil {
				return nil, err
			}
		}
		return bytes.Clone(c.buf[start:c.pos]), nil
	}
	b, err := c.take(uint64(n*k.size()), what) // n*size fits: n came from a division by size
	if err != nil {
		return nil, err
	}
	if k == KindBool {
		if i := slices.IndexFunc(b, func(x byte) bool { return x > 1 }); i >= 0 {
			return nil, fail(start+int64(i), "%s holds a boolean that is neither 0 nor 1", what)
		}
	}
	return bytes.Clone(b), nil
}

func (c *cursor) skipText(what string) ([]byte, error) {
	n, err := c.u64("the length of a string of " + what)
	if err != nil {
		return nil, err
	}
	return c.take(n, "a string of "+what)
}

// at returns where the entry of a key starts.
func (c *cursor) at(key string) int64 { return c.keys[key] }

// align returns the alignment that m sets; at is named in the error.
func (m Meta) align(at int64) (int64, error) {
	kv, ok := m.Lookup(AlignmentKey)
	if !ok {
		return DefaultAlign, nil
	}
	if kv.Kind != KindUint32 {
		return 0, fail(at, "%s is of kind %d, want a 32-bit unsigned integer", AlignmentKey, kv.Kind)
	}
	n := binary.LittleEndian.Uint32(kv.raw)
	if bits.OnesCount32(n) != 1 || n > MaxAlign {
		return 0, fail(at, "%s is %d, want a power of two up to %d", AlignmentKey, n, MaxAlign)
	}
	return int64(n), nil
}

func (c *cursor) tensors(n int) ([]Tensor, error) {
	list := make([]Tensor, 0, n)
	c.names = make(map[string]int64, n)
	for range n {
		at := c.pos
		t, err := c.tensor()
		if err != nil {
			return nil, err
		}
		if _, twice := c.names[t.Name]; twice {
			return nil, fail(at, "tensor %s stands twice", quote(t.Name))
		}
		c.names[t.Name] = at
		list = append(list, t)
	}
	return list, nil
}

// tensor reads one entry of the tensor list. Offset is from the start of the
// data until place makes it one from the start of the file.
func (c *cursor) tensor() (Tensor, error) {
	var t Tensor
	at := c.pos
	var err error
	if t.Name, err = c.text("a tensor name", 1, MaxName); err != nil {
		return t, err
	}
	what := "tensor " + quote(t.Name)
	dims, err := c.u32(what)
	if err != nil {
		return t, err
	}
	if dims < 1 || dims > MaxDims {
		return t, fail(at, "%s has %d dimensions, want 1 to %d", what, dims, MaxDims)
	}
	for range dims {
		d, err := c.u64(what)
		if err != nil {
			return t, err
		}
		if d > math.MaxInt64 {
			return t, fail(at, "%s has a dimension of %d", what, d)
		}
		t.Dims = append(t.Dims, int64(d))
	}
	number, err := c.u32(what)
	if err != nil {
		return t, err
	}
	t.Type = Type(number)
	if reason := t.unsound(); reason != "" {
		return t, fail(at, "%s", reason)
	}
	off, err := c.u64(what)
	if err != nil {
		return t, err
	}
	if off > uint64(c.size) {
		return t, fail(at, "%s starts at byte %d of the data, but the file has %d bytes in all", what, off, c.size)
	}
	t.Offset = int64(off)
	return t, nil
}

// unsound says why a tensor cannot be: its type, its dimensions or its size.
// It returns "" if it can.
func (t Tensor) unsound() string {
	what := "tensor " + quote(t.Name)
	if !t.Type.Known() {
		return fmt.Sprintf("%s has the unknown type %d", what, uint32(t.Type))
	}
	if len(t.Dims) < 1 || len(t.Dims) > MaxDims {
		return fmt.Sprintf("%s has %d dimensions, want 1 to %d", what, len(t.Dims), MaxDims)
	}
	n := uint64(1)
	for _, d := range t.Dims {
		if d <= 0 {
			return fmt.Sprintf("%s has a dimension of %d", what, d)
		}
		high, low := bits.Mul64(n, uint64(d))
		if high != 0 || low > math.MaxInt64 {
			return fmt.Sprintf("%s has more elements than a file can hold: %v", what, t.Dims)
		}
		n = low
	}
	if !t.Type.Fits(t.Dims[0]) {
		return fmt.Sprintf("%s has rows of %d elements, which blocks of %d (type %s) do not fill", what, t.Dims[0], t.Type.BlockLength(), t.Type)
	}
	b := blocks[t.Type]
	if high, low := bits.Mul64(n/uint64(b.length), uint64(b.bytes)); high != 0 || low > math.MaxInt64-MaxAlign {
		return fmt.Sprintf("%s has more bytes than a file can hold: %v of type %s", what, t.Dims, t.Type)
	}
	return ""
}

// place turns offsets into offsets from the start of the file and checks that
// every tensor lies in the file, aligned, and apart from the others.
func (c *cursor) place(f *File) error {
	base := Pad(c.pos, f.Align)
	for i := range f.Tensors {
		t := &f.Tensors[i]
		at, what := c.names[t.Name], "tensor "+quote(t.Name)
		if t.Offset%f.Align != 0 {
			return fail(at, "%s starts at byte %d of the data, which is not a multiple of %d", what, t.Offset, f.Align)
		}
		t.Offset += base // cannot overflow: both are at most a file and a head
		if t.Offset > c.size || t.Bytes() > c.size-t.Offset {
			return fail(at, "%s needs bytes %d to %d, but the file has %d", what, t.Offset, uint64(t.Offset)+uint64(t.Bytes()), c.size)
		}
	}
	order := slices.Clone(f.Tensors)
	slices.SortFunc(order, func(a, b Tensor) int { return cmp.Compare(a.Offset, b.Offset) })
	for i := 1; i < len(order); i++ {
		if before := order[i-1]; order[i].Offset < before.Offset+before.Bytes() {
			return fail(c.names[order[i].Name], "tensors %s and %s overlap", quote(before.Name), quote(order[i].Name))
		}
	}
	return nil
}
