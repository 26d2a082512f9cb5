package compress

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// maxBlocks is the most blocks a model may claim; llama.cpp v0.5.0 stops at 512.
const maxBlocks = 1024

// Model is what the head of a GGUF file that variants are made of says, checked.
// It is safe for concurrent use, and holds no open file.
type Model struct {
	path     string
	modified time.Time // of the file when it was opened
	info     study.Model
	meta     gguf.Meta // without the keys of split files
	align    int64
	tensors  []tensor
	pieces   int // of a variant
	shape    shape
}

// Open reads the head of the model file at path. digest is that of the file
// (it is not checked here), name is for people. A file that is not a sound
// model is fault.Invalid, with the byte offset in the sentence. If the size or
// the time of the file changes later, Build refuses with fault.Conflict: verify
// the content and open it anew.
func Open(path string, digest study.Digest, name string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.NotFound, "cannot open model %s", show(name)).Because(err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, fault.New(fault.Internal, "cannot open model %s", show(name)).Because(err)
	}
	file, err := gguf.Read(f, stat.Size())
	if bad := (*gguf.Error)(nil); errors.As(err, &bad) {
		return nil, fault.New(fault.Invalid, "cannot read model %s: %s", show(name), bad).
			Trying("get the file again and compare its digest; only GGUF version 3 is read")
	}
	if err != nil {
		return nil, fault.New(fault.Internal, "cannot read model %s", show(name)).Because(err)
	}
	m, err := newModel(file)
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot use model %s: %s", show(name), err)
	}
	m.path, m.modified = path, stat.ModTime()
	m.info.Digest, m.info.Name, m.info.Bytes = digest, name, stat.Size()
	return m, nil
}

func show(name string) string { return `"` + gguf.Printable(name, 100) + `"` }

func newModel(file *gguf.File) (*Model, error) {
	m := &Model{align: file.Align, tensors: classify(file.Tensors)}
	if n, ok := file.Meta.Uint("split.count"); ok && n > 1 {
		return nil, fmt.Errorf("it is one of %d files of a split model; merge them with llama-gguf-split --merge", n)
	}
	for _, kv := range file.Meta {
		switch kv.Key {
		case "split.no", "split.count", "split.tensors.count":
		default:
			m.meta = append(m.meta, kv)
		}
	}
	var err error
	if m.shape, err = readShape(m.meta, m.tensors); err != nil {
		return nil, err
	}
	m.pieces = 1
	for _, t := range m.tensors {
		if t.position > 0 {
			m.pieces++
		}
	}
	if m.pieces > 1<<16-1 {
		return nil, fmt.Errorf("it has %d matrices, more than files of a split model can be numbered", m.pieces-1)
	}
	m.info = m.describe()
	return m, nil
}

// describe fills in what the head of the file says.
func (m *Model) describe() study.Model {
	info := study.Model{
		Format:       "gguf",
		Architecture: gguf.Printable(m.shape.arch, 64),
		Blocks:       m.shape.blocks,
		Context:      m.shape.context,
		Vocabulary:   m.shape.vocabulary,
		Types:        map[string]int64{},
		Refused:      m.refusals(),
	}
	for _, t := range m.tensors {
		info.Parameters += t.Elements() // cannot overflow: every element takes at least a bit of the file
		info.Types[t.Type.String()] += t.Bytes()
	}
	return info
}

// Info returns what is known of the model. Refused names every knob that this
// model cannot have, and why.
func (m *Model) Info() study.Model {
	info := m.info
	info.Types, info.Refused = maps.Clone(info.Types), maps.Clone(info.Refused)
	return info
}

// Tensors returns the tensors of the file in order.
func (m *Model) Tensors() []gguf.Tensor {
	list := make([]gguf.Tensor, len(m.tensors))
	for i, t := range m.tensors {
		list[i] = t.Tensor
	}
	return list
}

// open opens the model's file, which must be the one that was read.
func (m *Model) open() (*os.File, error) {
	f, err := os.Open(m.path)
	if err != nil {
		return nil, fault.New(fault.Internal, "cannot read model %s", show(m.info.Name)).Because(err)
	}
	stat, err := f.Stat()
	if err == nil && (stat.Size() != m.info.Bytes || !stat.ModTime().Equal(m.modified)) {
		err = errors.New("the content changed")
	}
	if err != nil {
		f.Close()
		return nil, fault.New(fault.Conflict, "cannot read model %s", show(m.info.Name)).Because(err).Trying("add the model again")
	}
	return f, nil
}
