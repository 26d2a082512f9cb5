package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Layout is a file to be written. Tensor data follow each other in the order
// of the list, each padded with zeros to the alignment that Meta sets, as
// llama.cpp demands. Equal layouts and data give equal bytes.
type Layout struct {
	Meta    Meta
	Tensors []Tensor
}

// align is the alignment; Head reports a wrong one.
func (l Layout) align() int64 {
	if n, err := l.Meta.align(0); err == nil {
		return n
	}
	return DefaultAlign
}

// Size is the size of the whole file in bytes.
func (l Layout) Size() int64 {
	n := Pad(l.headSize(), l.align())
	for _, t := range l.Tensors {
		n += Pad(t.Bytes(), l.align())
	}
	return n
}

func (l Layout) headSize() int64 {
	n := int64(4 + 4 + 8 + 8)
	for _, kv := range l.Meta {
		n += 8 + int64(len(kv.Key)) + 4 + int64(len(kv.raw))
		if kv.Kind == KindArray {
			n += 4 + 8
		}
	}
	for _, t := range l.Tensors {
		n += 8 + int64(len(t.Name)) + 4 + 8*int64(len(t.Dims)) + 4 + 8
	}
	return n
}

// Head returns the bytes of the file before the data of its first tensor, with
// padding. It refuses what Read would refuse.
func (l Layout) Head() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	align := l.align()
	b := make([]byte, 0, Pad(l.headSize(), align))
	b = append(b, "GGUF"...)
	b = binary.LittleEndian.AppendUint32(b, 3)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(l.Tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(l.Meta)))
	for _, kv := range l.Meta {
		b = appendString(b, kv.Key)
		b = binary.LittleEndian.AppendUint32(b, uint32(kv.Kind))
		if kv.Kind == KindArray {
			b = binary.LittleEndian.AppendUint32(b, uint32(kv.Elem))
			b = binary.LittleEndian.AppendUint64(b, uint64(kv.Count))
		}
		b = append(b, kv.raw...)
	}
	off := int64(0)
	for _, t := range l.Tensors {
		b = appendString(b, t.Name)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Dims)))
		for _, d := range t.Dims {
			b = binary.LittleEndian.AppendUint64(b, uint64(d))
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Type))
		b = binary.LittleEndian.AppendUint64(b, uint64(off))
		off += Pad(t.Bytes(), align)
	}
	return append(b, make([]byte, Pad(int64(len(b)), align)-int64(len(b)))...), nil
}

func (l Layout) check() error {
	if _, err := l.Meta.align(0); err != nil {
		return err
	}
	if len(l.Meta) > MaxEntries || len(l.Tensors) > MaxEntries || l.headSize() > MaxHead {
		return fmt.Errorf("metadata and tensor list are too large: %d entries, %d tensors, %d bytes", len(l.Meta), len(l.Tensors), l.headSize())
	}
	seen := make(map[string]bool, len(l.Meta)+len(l.Tensors))
	for _, kv := range l.Meta {
		if len(kv.Key) == 0 || len(kv.Key) > MaxKey || seen[kv.Key] {
			return fmt.Errorf("metadata key %s is empty, too long or stands twice", quote(kv.Key))
		}
		seen[kv.Key] = true
	}
	clear(seen)
	for _, t := range l.Tensors {
		if len(t.Name) == 0 || len(t.Name) > MaxName || seen[t.Name] {
			return fmt.Errorf("tensor name %s is empty, too long or stands twice", quote(t.Name))
		}
		seen[t.Name] = true
		if reason := t.unsound(); reason != "" {
			return fmt.Errorf("%s", reason)
		}
	}
	return nil
}

// Write writes the file. For each tensor in order it calls data, which writes
// exactly the tensor's bytes.
func (l Layout) Write(w io.Writer, data func(i int, w io.Writer) error) error {
	head, err := l.Head()
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	align := l.align()
	for i, t := range l.Tensors {
		c := &counter{w: w, left: t.Bytes()}
		if err := data(i, c); err != nil {
			return err
		}
		if c.left != 0 {
			return fmt.Errorf("tensor %s: %d bytes are missing", quote(t.Name), c.left)
		}
		if _, err := w.Write(make([]byte, Pad(t.Bytes(), align)-t.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// counter lets left bytes through.
type counter struct {
	w    io.Writer
	left int64
}

func (c *counter) Write(b []byte) (int, error) {
	if int64(len(b)) > c.left {
		return 0, fmt.Errorf("%d bytes more than the tensor has", int64(len(b))-c.left)
	}
	n, err := c.w.Write(b)
	c.left -= int64(n)
	return n, err
}
