package store

import (
	"context"
	"math"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// SaveScore stores the score of one chunk. A chunk that has a score keeps it:
// scores of equal keys are interchangeable, so saving again changes nothing.
// It makes no event.
func (s *Store) SaveScore(ctx context.Context, key study.QualityKey, c study.ChunkScore) error {
	for _, x := range []float64{c.NLL, c.NLL2, c.KLD, c.KLD2} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fault.New(fault.Invalid, "cannot store the score of chunk %d: %v is not a finite number", c.Chunk, x)
		}
	}
	_, err := s.write.ExecContext(ctx, `INSERT INTO scores
		(variant, kv, flash, context, text, backend, runtime, chunk, count, nll, nll2, kld, kld2, same1, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		key.Variant, key.KV, key.Flash, key.Context, key.Text, key.Backend, key.Runtime,
		c.Chunk, c.Count, c.NLL, c.NLL2, c.KLD, c.KLD2, c.Same1, c.Bytes)
	return explain(ctx, "store a score", err)
}

// Scores returns the chunks that have been scored under a key, in order.
func (s *Store) Scores(ctx context.Context, key study.QualityKey) ([]study.ChunkScore, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT chunk, count, nll, nll2, kld, kld2, same1, bytes FROM scores
		WHERE variant = ? AND kv = ? AND flash = ? AND context = ? AND text = ? AND backend = ? AND runtime = ? ORDER BY chunk`,
		key.Variant, key.KV, key.Flash, key.Context, key.Text, key.Backend, key.Runtime)
	scores, err := collect(rows, err, func(row scanner) (study.ChunkScore, error) {
		var c study.ChunkScore
		err := row.Scan(&c.Chunk, &c.Count, &c.NLL, &c.NLL2, &c.KLD, &c.KLD2, &c.Same1, &c.Bytes)
		return c, err
	})
	return scores, explain(ctx, "read scores", err)
}
