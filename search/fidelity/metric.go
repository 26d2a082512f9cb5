package fidelity

import (
	"math"

	"github.com/fettle-edge/fettle/study"
)

// A scored metric is a function of the mean, over positions, of a score that
// is never negative.
type scored struct {
	// score of a chunk, the mean over its positions.
	score func(study.ChunkScore) float64
	// value of the metric from the mean of all chunks; bytes is how many bytes
	// a position stands for.
	value func(mean, bytes float64) float64
	// grows reports whether value grows with the mean.
	grows bool
	// noise is a mean so small that it may be rounding: such trials say nothing
	// of the text.
	noise float64
}

// metrics that are scored chunk by chunk, by the definitions of
// study.QualityValues.
var metrics = map[string]scored{
	"quality.kld": {
		score: func(c study.ChunkScore) float64 { return perPosition(c, c.KLD) },
		value: func(mean, _ float64) float64 { return mean },
		grows: true,
		noise: 1e-5, // log-probabilities are kept in 16 bits
	},
	"quality.ppl": {
		score: func(c study.ChunkScore) float64 { return perPosition(c, c.NLL) },
		value: func(mean, _ float64) float64 { return math.Exp(mean) },
		grows: true,
	},
	"quality.bpb": {
		score: func(c study.ChunkScore) float64 { return perPosition(c, c.NLL) },
		value: func(mean, bytes float64) float64 { return mean / bytes / math.Ln2 },
		grows: true,
	},
	"quality.top1": {
		score: func(c study.ChunkScore) float64 { return perPosition(c, float64(c.Count-c.Same1)) },
		value: func(mean, _ float64) float64 { return 1 - mean },
	},
}

func perPosition(c study.ChunkScore, sum float64) float64 {
	return max(0, sum/float64(c.Count)) // a divergence may be rounded to below 0
}

// of returns the scores of chunks.
func (m scored) of(chunks []study.ChunkScore) []float64 {
	out := make([]float64, len(chunks))
	for i, c := range chunks {
		out[i] = m.score(c)
	}
	return out
}

// bytesPerPosition of some chunks.
func bytesPerPosition(chunks []study.ChunkScore) float64 {
	count, bytes := 0, 0
	for _, c := range chunks {
		count, bytes = count+c.Count, bytes+c.Bytes
	}
	return float64(bytes) / float64(count)
}
