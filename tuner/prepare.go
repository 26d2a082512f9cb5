package tuner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// rankChunks is the number of chunks on which half blocks are ranked. They
// follow the scored ones in the text, so that no trial is chosen by the text
// that it is then judged by.
const rankChunks = 4

// prepare measures what all trials of the study need: the original's
// log-probabilities, and the damage of leaving out each half block. Everything
// found from an earlier study, or from before a restart, is used again.
func (b *bench) prepare(ctx context.Context) error {
	if b.spec.Quality.Text.Digest == "" {
		return nil
	}
	var err error
	if b.text, err = b.cfg.Contents.Path(b.spec.Quality.Text.Digest); err != nil {
		return err
	}
	if err := b.prepareBase(ctx); err != nil {
		return err
	}
	if !b.ranks() {
		return nil
	}
	return b.rank(ctx)
}

// ranks reports whether a knob needs half blocks to be ranked.
func (b *bench) ranks() bool {
	for _, name := range []string{"prune.attention", "prune.ffn"} {
		if k := b.spec.Knob(name); k != nil && (k.Int == nil || k.Int[1] > 0) {
			return true
		}
	}
	return false
}

// chunks is how many chunks of the text the original is scored on.
func (b *bench) chunks() int {
	if b.ranks() {
		return b.spec.Quality.Chunks + rankChunks
	}
	return b.spec.Quality.Chunks
}

// prepareBase writes the file of the original's log-probabilities unless it is
// there. Its name is the digest of all that its bytes depend on.
func (b *bench) prepareBase(ctx context.Context) error {
	_, recipe, _, err := b.model.BaselinePlan(b.spec)
	if err != nil {
		return err
	}
	name := study.DigestOf(fmt.Appendf(nil, "base %s %s %d %d %s %s", b.spec.Model.Digest, b.spec.Quality.Text.Digest,
		b.spec.Workload.Context, b.chunks(), b.cfg.Runtime.Backend, b.cfg.Runtime.Digest))
	b.base = filepath.Join(b.cfg.BaseDir, string(name)+".logits")
	if _, err := os.Stat(b.base); err == nil {
		return nil
	}
	b.setPhase(b.study.ID, "", "scores the original model")
	err = b.scoreRecipe(ctx, recipe, Evaluation{Save: true, Chunks: b.chunks()}, func(study.ChunkScore) error { return nil })
	var f *study.Failure
	if errors.As(err, &f) {
		return fault.New(fault.Invalid, "cannot score the original model: %s", f.Detail).Because(err)
	}
	return err
}

// rank measures the damage of each half block that was not measured before.
func (b *bench) rank(ctx context.Context) error {
	blocks := b.model.Info().Blocks
	b.ranking = &study.Ranking{Attention: make([]float64, blocks), FFN: make([]float64, blocks)}
	for _, half := range []struct {
		kind   string
		damage []float64
	}{{compress.Attention, b.ranking.Attention}, {compress.FFN, b.ranking.FFN}} {
		for block := range blocks {
			var err error
			if half.damage[block], err = b.ablate(ctx, half.kind, block); err != nil {
				return err
			}
		}
	}
	return b.cfg.Store.SaveFact(ctx, b.spec.Model.Digest, "ranking", b.ranking)
}

// ablate returns the mean Kullback-Leibler divergence that leaving out one
// half block causes. It is kept with the model.
func (b *bench) ablate(ctx context.Context, kind string, block int) (float64, error) {
	fact := fmt.Sprintf("ablation/%s/%s/%d/%d+%d/%s/%s.%d", b.spec.Quality.Text.Digest.Short(), b.cfg.Runtime.Digest.Short(),
		b.spec.Workload.Context, b.spec.Quality.Chunks, rankChunks, b.cfg.Runtime.Backend, kind, block)
	var damage float64
	found, err := b.cfg.Store.Fact(ctx, b.spec.Model.Digest, fact, &damage)
	if err != nil || found {
		return damage, err
	}
	b.setPhase(b.study.ID, "", fmt.Sprintf("ranks %s half block %d of %d", kind, block+1, b.model.Info().Blocks))
	_, baseline, _, err := b.model.BaselinePlan(b.spec)
	if err != nil {
		return 0, err
	}
	recipe, err := b.model.HalfBlock(kind, block, baseline.Run)
	if err != nil {
		return 0, err
	}
	var scores []study.ChunkScore
	err = b.scoreRecipe(ctx, recipe, Evaluation{First: b.spec.Quality.Chunks, Chunks: rankChunks}, func(c study.ChunkScore) error {
		scores = append(scores, c)
		return nil
	})
	if err != nil {
		return 0, err
	}
	damage = study.QualityValues(scores)["quality.kld"].Value
	return damage, b.cfg.Store.SaveFact(ctx, b.spec.Model.Digest, fact, damage)
}

// scoreRecipe builds the variant of a recipe and evaluates it.
func (b *bench) scoreRecipe(ctx context.Context, r study.Recipe, e Evaluation, on func(study.ChunkScore) error) error {
	refs, _, err := b.cfg.Builder.Build(ctx, b.model, r)
	if err != nil {
		return err
	}
	if e.Files, err = b.cfg.Contents.Files(refs); err != nil {
		return err
	}
	e.Run, e.Text, e.Base = r.Run, b.text, b.base
	e.Run.Threads = b.cfg.Threads
	return b.cfg.Evaluator.Evaluate(ctx, e, on)
}
