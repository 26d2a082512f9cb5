package compress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Export writes the pieces of a variant to w as one GGUF file, which stock
// llama.cpp opens. Equal pieces give equal bytes, as many as Prediction's
// FileBytes.
func Export(ctx context.Context, store *pieces.Store, refs []study.PieceRef, w io.Writer) error {
	if err := export(ctx, store, refs, w); err != nil {
		return fault.New(fault.KindOf(err), "cannot export the variant").Because(err)
	}
	return nil
}

// source is where the data of an exported tensor is.
type source struct {
	piece  study.Digest
	tensor gguf.Tensor
}

func export(ctx context.Context, store *pieces.Store, refs []study.PieceRef, w io.Writer) error {
	var l gguf.Layout
	var sources []source
	for i, ref := range refs {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		file, err := readPiece(store, ref, i)
		if err != nil {
			return err
		}
		if i == 0 {
			if n, _ := file.Meta.Uint(splitCount); n != uint64(len(refs)) {
				return fmt.Errorf("the first piece belongs to a variant of %d pieces, not %d", n, len(refs))
			}
			l.Meta = slices.DeleteFunc(file.Meta, func(kv gguf.KV) bool {
				return kv.Key == splitNo || kv.Key == splitCount || kv.Key == splitTensors
			})
		}
		for _, t := range file.Tensors {
			l.Tensors = append(l.Tensors, t)
			sources = append(sources, source{ref.Digest, t})
		}
	}
	if len(refs) == 0 {
		return errors.New("it has no pieces")
	}
	return l.Write(w, func(i int, w io.Writer) error {
		f, err := store.Open(sources[i].piece)
		if err != nil {
			return err
		}
		defer f.Close()
		return copyData(ctx, w, f, sources[i].tensor)
	})
}

// readPiece reads the head of the piece at a position.
func readPiece(store *pieces.Store, ref study.PieceRef, position int) (*gguf.File, error) {
	f, err := store.Open(ref.Digest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return pieceHead(f, ref, position)
}

func pieceHead(f *os.File, ref study.PieceRef, position int) (*gguf.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != ref.Bytes {
		return nil, fmt.Errorf("piece %s has %d bytes, want %d", ref.Digest.Short(), info.Size(), ref.Bytes)
	}
	file, err := gguf.Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("piece %s: %w", ref.Digest.Short(), err)
	}
	if n, ok := file.Meta.Uint(splitNo); !ok || n != uint64(position) {
		return nil, fmt.Errorf("piece %s stands at position %d but is made for %d", ref.Digest.Short(), position, n)
	}
	return file, nil
}
