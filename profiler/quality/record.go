package quality

import "math"

// Record holds the log-probabilities of one position: two float32 values,
// scale and minimum, in the first four elements, then one element for each
// token, padded to an even number: log p = scale*element + minimum.
type Record []uint16

// recordHead is the number of elements before those of the tokens.
const recordHead = 4

// NewRecord returns a record for a vocabulary of n tokens.
func NewRecord(n int) Record { return make(Record, recordLen(n)) }

func recordLen(vocabulary int) int { return recordHead + (vocabulary+1)/2*2 }

func (r Record) encode(logits []float32, s softmax) {
	lo := max(s.min, s.max-Floor)
	scale := (s.max - lo) / math.MaxUint16
	r.setFloat(0, scale)
	r.setFloat(2, lo-s.max-s.logSum)
	q := r[recordHead:]
	clear(q)
	if scale == 0 {
		return
	}
	inverse := 1 / scale
	for i, x := range logits {
		if x > lo {
			// The product is a float32, which RoundToEven rounds as
			// llama-perplexity's nearest_int does.
			q[i] = uint16(math.RoundToEven(float64(inverse * (x - lo))))
		}
	}
}

func (r Record) decode(vocabulary int) (scale, low float32, q []uint16) {
	return r.float(0), r.float(2), r[recordHead:][:vocabulary]
}

func (r Record) setFloat(i int, v float32) {
	b := math.Float32bits(v)
	r[i], r[i+1] = uint16(b), uint16(b>>16)
}

func (r Record) float(i int) float32 {
	return math.Float32frombits(uint32(r[i]) | uint32(r[i+1])<<16)
}
