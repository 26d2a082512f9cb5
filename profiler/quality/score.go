package quality

import (
	"errors"
	"math"
)

// Floor is where stored log-probabilities end: so many nats below the most
// likely token.
const Floor = 16

// ErrNonFinite says that logits hold a value that is not a finite number.
var ErrNonFinite = errors.New("logits that are not finite numbers")

// ErrDamaged says that a record of the base cannot be what a model gave.
var ErrDamaged = errors.New("log-probabilities of the base that are not such")

// Position is the score of one position of a text.
type Position struct {
	NLL  float64 // negative log-likelihood of the next token, nats
	KLD  float64 // divergence of these probabilities from the base's, nats
	Same bool    // the most likely token is the base's
}

// softmax holds what log p(x) = logit(x) - max - logSum needs. The sum is of
// float32 exponentials in float64, as llama-perplexity's.
type softmax struct {
	top      int // index of the largest logit, the first of equals
	max, min float32
	sum      float64
	logSum   float32
}

func newSoftmax(logits []float32) (softmax, error) {
	s := softmax{max: logits[0], min: logits[0]}
	for i, x := range logits {
		if x > s.max {
			s.max, s.top = x, i
		}
		s.min = min(s.min, x) // NaN if any is
	}
	if math.IsInf(float64(s.max), 0) || math.IsInf(float64(s.min), 0) || s.min != s.min {
		return s, ErrNonFinite
	}
	for _, x := range logits {
		s.sum += float64(exp32(x - s.max))
	}
	s.logSum = float32(math.Log(s.sum))
	return s, nil
}

// nll is the negative log-likelihood of a token.
func (s softmax) nll(logit float32) float64 {
	return float64(s.max) + math.Log(s.sum) - float64(logit)
}

// Encode scores logits against the token that follows, and stores their
// log-probabilities in rec. A model does not diverge from itself: KLD is 0 and
// Same is true.
func Encode(logits []float32, next int32, rec Record) (Position, error) {
	s, err := newSoftmax(logits)
	if err != nil {
		return Position{}, err
	}
	rec.encode(logits, s)
	return Position{NLL: s.nll(logits[next]), Same: true}, nil
}

// Compare scores logits against the token that follows and against the base's
// log-probabilities. The sum goes over the entries above -Floor nats:
// KLD = Σ p_base (ln p_base - ln p).
func Compare(logits []float32, next int32, base Record) (Position, error) {
	s, err := newSoftmax(logits)
	if err != nil {
		return Position{}, err
	}
	scale, low, q := base.decode(len(logits))
	logTotal := s.max + s.logSum
	var kld float64
	top := 0
	for i, x := range logits {
		if q[i] > q[top] {
			top = i
		}
		// The conversion keeps the product from being fused with the sum,
		// which would round differently from one CPU to another.
		if b := float32(scale*float32(q[i])) + low; b > -Floor {
			kld += float64(exp32(b) * (b - x + logTotal))
		}
	}
	if math.IsNaN(kld) || math.IsInf(kld, 0) {
		return Position{}, ErrDamaged
	}
	return Position{NLL: s.nll(logits[next]), KLD: kld, Same: s.top == top}, nil
}

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }

// Top returns the index of the largest logit, or -1 if one is not a finite
// number.
func Top(logits []float32) int {
	top := 0
	for i, x := range logits {
		if !(x >= -math.MaxFloat32 && x <= math.MaxFloat32) {
			return -1
		}
		if x > logits[top] {
			top = i
		}
	}
	return top
}
