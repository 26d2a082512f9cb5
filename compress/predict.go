package compress

import (
	"github.com/fettle-edge/fettle/compress/gguf"
	"github.com/fettle-edge/fettle/study"
)

// predict computes what is known of a variant before it is built. ranking may be
// nil.
func (m *Model) predict(x meaning, run study.RunOptions, ranking *study.Ranking) study.Prediction {
	d := m.design(x)
	file := d.merged()
	p := study.Prediction{FileBytes: file.Size(), KVBytes: m.cacheBytes(x, run)}
	for _, t := range file.Tensors {
		p.WeightBytes += t.Bytes()
	}
	for _, s := range d.slots {
		if s.from != nil {
			p.OpsPerToken += m.ops(s)
		}
	}
	p.PeakMemoryBytes = p.WeightBytes + p.KVBytes
	if ranking != nil {
		p.Damage = m.damage(x, Attention, ranking.Attention) + m.damage(x, FFN, ranking.FFN)
	}
	return p
}

// damage is the sum over the halves of a kind that are left out.
func (m *Model) damage(x meaning, half string, ranked []float64) (sum float64) {
	for block, damage := range ranked {
		if block >= x.Blocks || x.Without.has(half, block) {
			sum += damage
		}
	}
	return sum
}

// cacheBytes is the size of the key-value cache: for every token of the
// context and every block with attention, a key and a value for each of its
// key-value heads. A model with a sliding window is counted as if all its
// blocks had it, since sizes are lower bounds.
func (m *Model) cacheBytes(x meaning, run study.RunOptions) int64 {
	t, _ := gguf.ParseCacheType(run.KV) // checked by runOptions
	tokens := int64(run.Context)
	if m.shape.window > 0 {
		tokens = min(tokens, m.shape.window)
	}
	row := t.Bytes(m.shape.keyLength) + t.Bytes(m.shape.valLength)
	n := int64(0)
	for b := range x.Blocks {
		if !x.Without.has(Attention, b) {
			n += tokens * m.shape.kvHeads[b] * row
		}
	}
	return n
}

// ops is the number of multiplications and additions of a matrix for one
// token: two for each element. The token embedding is looked up, not
// multiplied, unless it is the output matrix as well; of a stack of experts
// only some are used.
func (m *Model) ops(s slot) int64 {
	n := 2 * s.Elements()
	switch {
	case s.from.group == embedding:
		if !m.tied() {
			return 0
		}
	case len(s.Dims) > 2 && m.shape.experts > 0:
		return n / m.shape.experts * min(m.shape.expertsOn, m.shape.experts)
	case s.from.block < 0 && s.from.group == untouched:
		return 0 // tables of positions and token kinds
	}
	return n
}

// tied reports whether the token embedding is also the output matrix.
func (m *Model) tied() bool {
	for _, t := range m.tensors {
		if t.group == output {
			return false
		}
	}
	return true
}
