package compress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Tensor is one conversion: Rows rows of RowLength elements of type From at
// Offset in the file In become Head, then the converted rows, then zeros up to
// a multiple of Align, in the new file Out.
type Tensor struct {
	In        string
	Offset    int64
	From, To  string
	Rows      int64
	RowLength int64
	Out       string
	Head      []byte
	Align     int64
}

// Quantised reports that conversion Index is finished.
type Quantised struct {
	Index  int
	Digest study.Digest // of the whole file Out
	Bytes  int64        // of the whole file Out
}

// Quantizer converts tensors. Quantise calls done, from one goroutine at a
// time, for each conversion as it is finished, and stops when done fails.
type Quantizer interface {
	Quantise(ctx context.Context, tensors []Tensor, done func(Quantised) error) error
}

// Builder makes variants. Its methods may be called concurrently; one variant
// is built at a time, so that no piece is made twice.
type Builder struct {
	store     *pieces.Store
	quantizer Quantizer
	maker     string
	turn      chan struct{}
}

// NewBuilder returns a builder that keeps pieces in store. maker names what
// decides the bytes the quantizer makes: its libraries and the architecture of
// the processor. Pieces of another maker are not reused.
func NewBuilder(store *pieces.Store, quantizer Quantizer, maker string) *Builder {
	return &Builder{store: store, quantizer: quantizer, maker: maker, turn: make(chan struct{}, 1)}
}

// BuildStats says what a build cost.
type BuildStats struct {
	New     int     `json:"new"`       // pieces written
	Bytes   int64   `json:"new_bytes"` // of them
	Reused  int     `json:"reused"`    // pieces that existed
	Seconds float64 `json:"seconds"`
}

// Build returns the pieces of a recipe of m in order, making those that do not
// exist. It makes missing quantised pieces in one call of the Quantizer;
// pieces that were finished before an error are kept.
func (b *Builder) Build(ctx context.Context, m *Model, r study.Recipe) ([]study.PieceRef, BuildStats, error) {
	start := time.Now()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, BuildStats{}, context.Cause(ctx)
	}
	x, err := m.decode(r)
	if err != nil {
		return nil, BuildStats{}, err
	}
	j := &build{Builder: b, m: m, design: m.design(x), refs: make([]study.PieceRef, m.pieces)}
	if err := j.run(ctx); err != nil {
		return nil, j.stats, err
	}
	j.stats.Seconds = time.Since(start).Seconds()
	return j.refs, j.stats, nil
}

// build is one call of Build.
type build struct {
	*Builder
	design
	m     *Model
	refs  []study.PieceRef
	stats BuildStats
}

func (j *build) run(ctx context.Context) error {
	var copies, conversions []int
	for i := 1; i < len(j.refs); i++ {
		s := j.slots[i-1]
		if s.from == nil {
			if err := j.put(i, j.piece(i)); err != nil {
				return err
			}
			continue
		}
		if ref, ok := j.store.Lookup(j.key(i)); ok {
			j.refs[i] = ref
			j.stats.Reused++
			continue
		}
		if s.zeros || s.Type == s.from.Type {
			copies = append(copies, i)
		} else {
			conversions = append(conversions, i)
		}
	}
	if err := j.first(ctx); err != nil {
		return err
	}
	if err := j.copy(ctx, copies); err != nil {
		return err
	}
	return j.convert(ctx, conversions)
}

// key is what the piece at position i is made of.
func (j *build) key(i int) pieces.Key {
	s := j.slots[i-1]
	k := pieces.Key{Model: j.m.info.Digest, Tensor: s.Name, Position: i, Type: s.Type.String(), Maker: j.maker}
	switch {
	case s.zeros:
		k.Maker = "zeros"
	case s.Type == s.from.Type:
		k.Maker = "copy"
	}
	return k
}

// put stores a layout without tensors.
func (j *build) put(i int, l gguf.Layout) error {
	head, err := l.Head()
	if err != nil {
		return cannotBuild(j.m, err)
	}
	return j.keep(i, head)
}

func (j *build) keep(i int, b []byte) error {
	ref, isNew, err := j.store.Put(b)
	if err != nil {
		return err
	}
	if isNew {
		j.made(i, ref)
	} else {
		j.refs[i] = ref
		j.stats.Reused++
	}
	return nil
}

func (j *build) made(i int, ref study.PieceRef) {
	j.refs[i] = ref
	j.stats.New++
	j.stats.Bytes += ref.Bytes
}

func cannotBuild(m *Model, err error) error {
	return fault.New(fault.Internal, "cannot build a variant of %s", show(m.info.Name)).Because(err)
}

// first makes the first piece. It is small, and as good as every variant has
// another one, so that it is made in memory to see whether it exists.
func (j *build) first(ctx context.Context) error {
	src, err := j.m.open()
	if err != nil {
		return err
	}
	defer src.Close()
	var b bytes.Buffer
	err = j.head().Write(&b, func(i int, w io.Writer) error {
		return copyData(ctx, w, src, j.small[i].Tensor)
	})
	if err != nil {
		return cannotBuild(j.m, err)
	}
	return j.keep(0, b.Bytes())
}

// copy makes the pieces of matrices that are stored as in the source, or as
// zeros.
func (j *build) copy(ctx context.Context, positions []int) error {
	if len(positions) == 0 {
		return nil
	}
	src, err := j.m.open()
	if err != nil {
		return err
	}
	defer src.Close()
	for _, i := range positions {
		s := j.slots[i-1]
		ref, err := j.store.Write(func(w io.Writer) error {
			return j.piece(i).Write(w, func(_ int, w io.Writer) error {
				if s.zeros {
					return writeZeros(w, s.Bytes())
				}
				return copyData(ctx, w, src, s.from.Tensor)
			})
		})
		if err == nil {
			err = j.store.Record(j.key(i), ref)
		}
		if err != nil {
			return cannotBuild(j.m, err)
		}
		j.made(i, ref)
	}
	return nil
}

// copyData writes the bytes of a tensor, and no others.
func copyData(ctx context.Context, w io.Writer, src io.ReaderAt, t gguf.Tensor) error {
	_, err := io.Copy(w, &reader{ctx, gguf.Data(src, t)})
	return err
}

// reader ends with the cause of a context that is done.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(b []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

func writeZeros(w io.Writer, n int64) error {
	zeros := make([]byte, min(n, 1<<20))
	for n > 0 {
		k, err := w.Write(zeros[:min(n, int64(len(zeros)))])
		if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}

// convert makes the pieces of matrices that change their type.
func (j *build) convert(ctx context.Context, positions []int) error {
	if len(positions) == 0 {
		return nil
	}
	src, err := j.m.open() // the quantizer reads the path: at least now it is the file whose head was read
	if err != nil {
		return err
	}
	defer src.Close()
	tensors := make([]Tensor, len(positions))
	for n, i := range positions {
		if tensors[n], err = j.conversion(i); err != nil {
			return cannotBuild(j.m, err)
		}
		defer os.Remove(tensors[n].Out) // fails, rightly, once it has been adopted
	}
	finished := make([]bool, len(positions))
	err = j.quantizer.Quantise(ctx, tensors, func(q Quantised) error {
		if q.Index < 0 || q.Index >= len(positions) || finished[q.Index] {
			return errors.New("the quantiser reports a tensor that it was not asked for")
		}
		finished[q.Index] = true
		return j.adopt(positions[q.Index], tensors[q.Index], q)
	})
	if err != nil {
		return fault.New(fault.KindOf(err), "cannot quantise %s", show(j.m.info.Name)).Because(err)
	}
	for n, ok := range finished {
		if !ok {
			return cannotBuild(j.m, errors.New("the quantiser left out "+j.slots[positions[n]-1].Name))
		}
	}
	return nil
}

func (j *build) conversion(i int) (Tensor, error) {
	s := j.slots[i-1]
	head, err := j.piece(i).Head()
	return Tensor{
		In: j.m.path, Offset: s.from.Offset, From: s.from.Type.String(), To: s.Type.String(),
		Rows: s.Rows(), RowLength: s.Dims[0],
		Out: j.store.Temp(), Head: head, Align: j.m.align,
	}, err
}

// adopt takes over the file of a finished conversion, if it is what was asked
// for: size and head.
func (j *build) adopt(i int, t Tensor, q Quantised) error {
	l := j.piece(i)
	if q.Bytes != l.Size() {
		return cannotBuild(j.m, errors.New("the quantiser wrote a piece of another size than asked for"))
	}
	f, err := os.Open(t.Out)
	if err != nil {
		return cannotBuild(j.m, err)
	}
	head := make([]byte, len(t.Head))
	_, err = io.ReadFull(f, head)
	if err = errors.Join(err, f.Close()); err == nil && !bytes.Equal(head, t.Head) {
		err = errors.New("the quantiser wrote a piece with another head than asked for")
	}
	if err != nil {
		return cannotBuild(j.m, err)
	}
	ref := study.PieceRef{Digest: q.Digest, Bytes: q.Bytes}
	if err := j.store.Adopt(t.Out, ref.Digest, ref.Bytes); err != nil {
		return err
	}
	j.made(i, ref)
	return j.store.Record(j.key(i), ref)
}
