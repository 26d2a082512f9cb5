package compress

import (
	"slices"
	"strings"

	"github.com/fettle-edge/fettle/compress/gguf"
)

// design is a variant laid out: its metadata, the tensors of its first piece,
// and one slot for every matrix of the source.
type design struct {
	meta  gguf.Meta // without the keys of split files
	small []tensor  // tensors that are not matrices, copied
	slots []slot    // slots[i] is piece i+1
}

// slot is what stands at one position of a variant.
type slot struct {
	gguf.Tensor         // as stored; its Offset means nothing
	from        *tensor // the matrix of the source at this position; nil where nothing stands
	zeros       bool    // zeros stand in its place
}

// stubWidth is the width of a feed-forward block that stands for a left-out
// one. It must not be 0: llama.cpp then drops the attention of the block, too,
// without an error.
const stubWidth = 32

func (m *Model) design(x meaning) design {
	d := design{meta: m.variantMeta(x)}
	for i := range m.tensors {
		t := &m.tensors[i]
		if t.position == 0 {
			if !x.drops(*t) || x.keepsBeside(*t) {
				d.small = append(d.small, *t)
			}
			continue
		}
		d.slots = append(d.slots, m.fill(x, t))
	}
	d.meta = d.withTypes()
	return d
}

// keepsBeside reports whether a small tensor stays though its half block is
// left out, because the stub beside it needs it.
func (x meaning) keepsBeside(t tensor) bool {
	return t.block < x.Blocks && (t.suffix == "ffn_norm.weight" || t.suffix == "attn_norm.weight" && t.block == 0)
}

// fill finds what stands at the position of matrix t.
//
// In architecture deci a left-out feed-forward block is one of width 32 of
// zeros. A block without attention simply has no such tensors, but the head
// length of the whole model is derived from block 0, so this one becomes a
// block whose attention is a single square matrix, of zeros.
func (m *Model) fill(x meaning, t *tensor) slot {
	if !x.drops(*t) {
		g := t.Tensor
		g.Type = x.typeOf(*t)
		return slot{Tensor: g, from: t}
	}
	width := m.shape.width
	var dims []int64
	switch {
	case t.block >= x.Blocks:
	case t.suffix == "ffn_gate.weight" || t.suffix == "ffn_up.weight":
		dims = []int64{width, stubWidth}
	case t.suffix == "ffn_down.weight":
		dims = []int64{stubWidth, width}
	case t.suffix == "attn_output.weight" && t.block == 0:
		dims = []int64{width, width}
	}
	if dims == nil {
		return slot{}
	}
	return slot{Tensor: gguf.Tensor{Name: t.Name, Type: gguf.F16, Dims: dims}, from: t, zeros: true}
}

// merged is the layout of the variant as a single file.
func (d design) merged() gguf.Layout {
	l := gguf.Layout{Meta: d.meta}
	for _, t := range d.small {
		l.Tensors = append(l.Tensors, t.Tensor)
	}
	for _, s := range d.slots {
		if s.from != nil {
			l.Tensors = append(l.Tensors, s.Tensor)
		}
	}
	return l
}

// head is the layout of the first piece.
func (d design) head() gguf.Layout {
	l := d.merged()
	tensors := len(l.Tensors)
	l.Tensors = l.Tensors[:len(d.small)]
	l.Meta = append(slices.Clip(l.Meta),
		gguf.U16(splitNo, 0),
		gguf.U16(splitCount, uint16(len(d.slots)+1)),
		gguf.I32(splitTensors, int32(tensors)))
	return l
}

// The keys of split files.
const (
	splitNo      = "split.no"
	splitCount   = "split.count"
	splitTensors = "split.tensors.count"
)

// piece is the layout of the piece at position i, from 1.
func (d design) piece(i int) gguf.Layout {
	var l gguf.Layout
	if kv, ok := d.meta.Lookup(gguf.AlignmentKey); ok {
		l.Meta = append(l.Meta, kv)
	}
	l.Meta = append(l.Meta, gguf.U16(splitNo, uint16(i)))
	if s := d.slots[i-1]; s.from != nil {
		l.Tensors = []gguf.Tensor{s.Tensor}
	}
	return l
}

// variantMeta returns the metadata of a variant but for the names of its types.
func (m *Model) variantMeta(x meaning) gguf.Meta {
	meta := m.meta
	if x.Blocks != m.shape.blocks {
		meta = meta.With(gguf.U32(m.shape.arch+".block_count", uint32(x.Blocks)))
	}
	if x.Without.empty() {
		return meta
	}
	return m.deciMeta(meta, x)
}

// deciMeta turns metadata of architecture llama into those of architecture
// deci, where head counts and the width of the feed-forward block are given
// for each block. The rest of the two is the same, for dense models.
func (m *Model) deciMeta(meta gguf.Meta, x meaning) gguf.Meta {
	heads, kvHeads, ffn := make([]uint32, x.Blocks), make([]uint32, x.Blocks), make([]uint32, x.Blocks)
	for b := range x.Blocks {
		heads[b], kvHeads[b], ffn[b] = uint32(m.shape.heads[b]), uint32(m.shape.kvHeads[b]), uint32(m.shape.ffn)
		if x.Without.has(Attention, b) {
			kvHeads[b] = 0
			if b > 0 {
				heads[b] = 0
			}
		}
		if x.Without.has(FFN, b) {
			ffn[b] = stubWidth
		}
	}
	out := slices.Clone(meta)
	for i := range out {
		if key, ok := strings.CutPrefix(out[i].Key, "llama."); ok {
			out[i].Key = "deci." + key
		}
	}
	for _, kv := range []gguf.KV{
		gguf.Text("general.architecture", "deci"),
		gguf.U32s("deci.attention.head_count", heads),
		gguf.U32s("deci.attention.head_count_kv", kvHeads),
		gguf.U32s("deci.feed_forward_length", ffn),
		gguf.U32("deci.attention.key_length", uint32(m.shape.keyLength)),
		gguf.U32("deci.attention.value_length", uint32(m.shape.valLength)),
	} {
		out = out.With(kv)
	}
	return out
}

// fileTypes are the values of general.file_type that name a type; of the
// mixtures of k-quants the small ones, which are nearest to a single type.
var fileTypes = map[gguf.Type]uint32{
	gguf.F32: 0, gguf.F16: 1, gguf.Q4_0: 2, gguf.Q4_1: 3, gguf.Q8_0: 7, gguf.Q5_0: 8, gguf.Q5_1: 9, gguf.Q2_K: 10,
	gguf.Q3_K: 11, gguf.Q4_K: 14, gguf.Q5_K: 16, gguf.Q6_K: 18, gguf.IQ4_NL: 25, gguf.IQ4_XS: 30, gguf.BF16: 32,
}

// withTypes names the type of most elements in general.file_type, if the file
// has that entry and some matrix was converted, and the version of the
// quantised formats, as llama-quantize does.
func (d design) withTypes() gguf.Meta {
	elements := map[gguf.Type]int64{}
	best, converted, quantised := gguf.F32, false, false
	for _, s := range d.slots {
		if s.from == nil || s.zeros {
			continue
		}
		converted = converted || s.Type != s.from.Type
		quantised = quantised || s.Type.Quantised() && s.Type != s.from.Type
		elements[s.Type] += s.Elements()
		if elements[s.Type] > elements[best] {
			best = s.Type
		}
	}
	meta := d.meta
	if _, ok := meta.Lookup(fileTypeKey); ok && converted {
		meta = meta.With(gguf.U32(fileTypeKey, fileTypes[best]))
	}
	if quantised {
		meta = meta.With(gguf.U32("general.quantization_version", 2)) // GGML_QNT_VERSION
	}
	return meta
}

const fileTypeKey = "general.file_type"
