package compress

import (
	"fmt"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/compress/gguf"
)

// shape is what the metadata say of the model's structure. Fields that the
// file does not have are 0.
type shape struct {
	arch       string
	blocks     int
	context    int // tokens it was trained for
	vocabulary int
	width      int64   // of the residual stream
	heads      []int64 // query heads of each block
	kvHeads    []int64
	keyLength  int64 // of one head
	valLength  int64
	ffn        int64 // width; 0 if it differs between blocks
	window     int64 // of sliding attention, tokens; 0 is none
	experts    int64
	expertsOn  int64 // experts used for a token
	perBlock   string
}

func readShape(meta gguf.Meta, tensors []tensor) (shape, error) {
	arch, ok := meta.Text("general.architecture")
	if !ok || arch == "" {
		return shape{}, fmt.Errorf("its metadata name no architecture")
	}
	s := shape{arch: arch}
	number := func(key string) int64 {
		n, _ := meta.Uint(arch + "." + key)
		return int64(min(n, math.MaxInt32)) // larger ones are lies, and products must not overflow
	}
	s.blocks = int(number("block_count"))
	if s.blocks < 1 || s.blocks > maxBlocks {
		return shape{}, fmt.Errorf("it has %d blocks, want 1 to %d", s.blocks, maxBlocks)
	}
	if err := checkBlocks(tensors, s.blocks); err != nil {
		return shape{}, err
	}
	s.context, s.width = int(number("context_length")), number("embedding_length")
	s.ffn, s.window = number("feed_forward_length"), number("attention.sliding_window")
	s.experts, s.expertsOn = number("expert_count"), number("expert_used_count")
	s.readHeads(meta, number)
	s.vocabulary = vocabulary(meta, tensors)
	if err := s.check(); err != nil {
		return shape{}, err
	}
	for _, kv := range meta {
		if kv.Kind == gguf.KindArray && kv.Count == int64(s.blocks) && len(kv.Key) > len(arch) && kv.Key[:len(arch)+1] == arch+"." {
			s.perBlock = kv.Key
		}
	}
	return s, nil
}

// check bounds what sizes are computed from, so that no product overflows.
func (s shape) check() error {
	const maxContext, maxHeads = 1 << 28, 1 << 20
	if s.context > maxContext {
		return fmt.Errorf("it claims a context of %d tokens, more than %d", s.context, maxContext)
	}
	for _, heads := range append(slices.Clone(s.heads), s.kvHeads...) {
		if heads*max(s.keyLength, s.valLength, 1) > maxHeads {
			return fmt.Errorf("it claims %d heads of length %d, more than %d in all", heads, max(s.keyLength, s.valLength), maxHeads)
		}
	}
	return nil
}

// checkBlocks checks that the blocks of the tensors are those counted.
func checkBlocks(tensors []tensor, blocks int) error {
	seen := make([]bool, blocks)
	for _, t := range tensors {
		if t.block >= blocks {
			return fmt.Errorf("tensor %s is in block %d, but there are %d", show(t.Name), t.block, blocks)
		}
		if t.block >= 0 {
			seen[t.block] = true
		}
	}
	for i, ok := range seen {
		if !ok {
			return fmt.Errorf("it has %d blocks, but no tensor of block %d", blocks, i)
		}
	}
	return nil
}

// readHeads reads head counts, which stand once for all blocks or in an array.
func (s *shape) readHeads(meta gguf.Meta, number func(string) int64) {
	read := func(key string) []int64 {
		list := make([]int64, s.blocks)
		array, ok := meta.Uints(s.arch + "." + key)
		for i := range list {
			if ok && i < len(array) {
				list[i] = int64(min(array[i], math.MaxInt32))
			} else {
				list[i] = number(key)
			}
		}
		return list
	}
	s.heads = read("attention.head_count")
	s.kvHeads = s.heads
	if _, ok := meta.Lookup(s.arch + ".attention.head_count_kv"); ok {
		s.kvHeads = read("attention.head_count_kv")
	}
	s.keyLength, s.valLength = number("attention.key_length"), number("attention.value_length")
	length := int64(0)
	if s.heads[0] > 0 {
		length = s.width / s.heads[0]
	}
	if s.keyLength == 0 {
		s.keyLength = length
	}
	if s.valLength == 0 {
		s.valLength = length
	}
}

func vocabulary(meta gguf.Meta, tensors []tensor) int {
	for _, t := range tensors {
		if t.group == embedding {
			return int(t.Dims[1])
		}
	}
	kv, _ := meta.Lookup("tokenizer.ggml.tokens")
	return int(kv.Count)
}
