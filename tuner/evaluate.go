package tuner

import (
	"context"
	"time"

	"github.com/fettle-edge/fettle/study"
)

// evaluate is step 4: the quality of the trial's variant, from scores that are
// there already and from those of the chunks that are missing.
func (l *laneRun) evaluate(ctx context.Context, t study.Trial) error {
	if l.text == "" {
		_, err := l.cfg.Store.Move(ctx, l.cfg.Now(), t.Study, t.Number, study.Queue, nil)
		return err
	}
	l.phase("evaluates trial %d", t.Index)
	start := l.cfg.Now()
	key := l.qualityKey(t)
	scores, err := l.cfg.Store.Scores(ctx, key)
	if err != nil {
		return err
	}
	scores = leading(scores, l.spec.Quality.Chunks)
	judge, err := l.judge(ctx, t)
	if err != nil {
		return err
	}
	var waited time.Duration
	v, err := l.twice(ctx, func() error {
		if v, _ := judge.first(scores); v != nil || len(scores) == l.spec.Quality.Chunks {
			return nil
		}
		return l.score(ctx, t, key, judge, &scores, func(d time.Duration) { waited += d })
	})
	if err != nil {
		return err
	}
	change := func(t *study.Trial) {
		t.Spent.Evaluate += l.since(start) - waited
		t.Spent.Wait += waited
	}
	if v == nil {
		var n int
		v, n = judge.first(scores)
		scores = scores[:n]
	}
	if v == nil {
		v = judgeValues(l.spec.Constraints, study.QualityValues(scores), study.ReasonConstraint)
	}
	if v != nil {
		return l.close(ctx, t, *v, func(t *study.Trial) {
			change(t)
			t.Values = judge.known(t.Prediction, scores)
		})
	}
	_, err = l.cfg.Store.Move(ctx, l.cfg.Now(), t.Study, t.Number, study.Queue, change)
	return err
}

// score evaluates the chunks that scores lacks and appends them, until the
// judge ends it.
func (l *laneRun) score(ctx context.Context, t study.Trial, key study.QualityKey, judge judge, scores *[]study.ChunkScore, waited func(time.Duration)) error {
	files, err := l.cfg.Contents.Files(t.Pieces)
	if err != nil {
		return err
	}
	run := t.Recipe.Run
	run.Threads = l.cfg.Threads
	return l.cfg.Evaluator.Evaluate(ctx, Evaluation{
		Files:  files,
		Run:    run,
		Text:   l.text,
		Base:   l.base,
		First:  len(*scores),
		Chunks: l.spec.Quality.Chunks - len(*scores),
		Waited: waited,
	}, func(c study.ChunkScore) error {
		if err := l.cfg.Store.SaveScore(ctx, key, c); err != nil {
			return err
		}
		*scores = append(*scores, c)
		l.phase("evaluates trial %d: %d of %d chunks", t.Index, len(*scores), l.spec.Quality.Chunks)
		if judge.now(*scores) != nil {
			return ErrEnough
		}
		return nil
	})
}

// leading returns the scores of chunks 0, 1, 2 … without a gap, at most n.
func leading(scores []study.ChunkScore, n int) []study.ChunkScore {
	for i, c := range scores {
		if c.Chunk != i || i == n {
			return scores[:i:i]
		}
	}
	return scores
}

// qualityKey is the key under which the scores of a trial are kept.
func (b *bench) qualityKey(t study.Trial) study.QualityKey {
	return b.QualityKeyOf(b.spec, t)
}

// QualityKeyOf returns the key under which the quality of a trial of a study
// with this spec is kept.
func (t *Tuner) QualityKeyOf(spec *study.Spec, tr study.Trial) study.QualityKey {
	return study.QualityKey{
		Variant: tr.Recipe.Variant(spec.Model.Digest),
		KV:      tr.Recipe.Run.KV,
		Flash:   tr.Recipe.Run.Flash,
		Context: tr.Recipe.Run.Context,
		Text:    spec.Quality.Text.Digest,
		Backend: t.cfg.Runtime.Backend,
		Runtime: t.cfg.Runtime.Digest,
	}
}

// QualityKey is QualityKeyOf for a trial whose study is looked up.
func (t *Tuner) QualityKey(ctx context.Context, tr study.Trial) (study.QualityKey, error) {
	st, err := t.cfg.Store.Study(ctx, tr.Study)
	if err != nil {
		return study.QualityKey{}, err
	}
	return t.QualityKeyOf(&st.Spec, tr), nil
}
