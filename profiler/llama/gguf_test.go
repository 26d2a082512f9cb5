package llama

import (
	"encoding/binary"
	"os"
	"testing"
)

// tensorInfo is what a GGUF file says of a tensor.
type tensorInfo struct {
	name   string
	dims   []int64
	typ    uint32
	offset int64 // in the file
}

func (x tensorInfo) bytes(t *testing.T, lib *Library) int64 {
	t.Helper()
	row, err := lib.RowBytes(Type(x.typ), x.dims[0])
	if err != nil {
		t.Fatal(err)
	}
	return row * x.dims[1]
}

// readTensors reads the list of tensors of a well-formed GGUF file. It trusts
// the file: it is for files of our own.
func readTensors(t *testing.T, path string) []tensorInfo {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := 8
	u32 := func() uint32 { at += 4; return binary.LittleEndian.Uint32(b[at-4:]) }
	u64 := func() int64 { at += 8; return int64(binary.LittleEndian.Uint64(b[at-8:])) }
	text := func() string { n := int(u64()); at += n; return string(b[at-n : at]) }
	sizes := []int{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}
	var skip func(typ uint32)
	skip = func(typ uint32) {
		switch typ {
		case 8:
			text()
		case 9:
			elem, n := u32(), u64()
			for range n {
				skip(elem)
			}
		default:
			at += sizes[typ]
		}
	}
	tensors, keys := u64(), u64()
	for range keys {
		text()
		skip(u32())
	}
	list := make([]tensorInfo, tensors)
	for i := range list {
		x := &list[i]
		x.name = text()
		for range u32() {
			x.dims = append(x.dims, u64())
		}
		x.typ = u32()
		x.offset = u64()
	}
	data := int64(at+31) / 32 * 32
	for i := range list {
		list[i].offset += data
	}
	return list
}
