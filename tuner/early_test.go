package tuner

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// memory is a store of one lane and of scores. Methods that it does not have
// are not called.
type memory struct {
	Store
	trials []study.Trial
	scores map[study.QualityKey][]study.ChunkScore
}

func (m *memory) LaneTrials(context.Context, string, string) ([]study.Trial, error) {
	return slices.Clone(m.trials), nil
}

func (m *memory) Scores(_ context.Context, key study.QualityKey) ([]study.ChunkScore, error) {
	return slices.Clone(m.scores[key]), nil
}

func (m *memory) SaveScore(_ context.Context, key study.QualityKey, c study.ChunkScore) error {
	m.scores[key] = append(m.scores[key], c)
	return nil
}

func (m *memory) Move(_ context.Context, _ time.Time, _ string, number int, tr study.Transition, change func(*study.Trial)) (study.Trial, error) {
	t := &m.trials[number]
	if err := tr.Check(t.State); err != nil {
		return *t, err
	}
	if change != nil {
		change(t)
	}
	t.State = tr.To
	return *t, nil
}

// scorer gives chunks with a divergence, on a text whose chunks differ. It
// breaks once where fail says so.
type scorer struct {
	divergence float64
	fail       int // chunk before which it breaks; 0 never
	asked      [][2]int
}

func (s *scorer) Evaluate(_ context.Context, e Evaluation, on func(study.ChunkScore) error) error {
	s.asked = append(s.asked, [2]int{e.First, e.Chunks})
	for i := e.First; i < e.First+e.Chunks; i++ {
		if s.fail != 0 && i == s.fail {
			s.fail = 0
			return &study.Failure{Reason: study.ReasonKilled, Detail: "killed"}
		}
		switch err := on(scored(10, i, s.divergence)); err {
		case nil:
		case ErrEnough:
			return nil
		default:
			return err
		}
	}
	return nil
}

// scored is a chunk of variant n: chunks differ, and variants a little in how.
func scored(n, i int, divergence float64) study.ChunkScore {
	return chunk(i, divergence*(1+0.3*math.Sin(float64(i))+0.1*math.Sin(float64(31*n*n+17*i*i))), 0.1)
}

// ear hears what the sampler is told.
type ear struct {
	search.Sampler
	told map[int]search.Outcome
}

func (e *ear) Tell(n int, o search.Outcome) error {
	e.told[n] = o
	return nil
}

const earlyChunks = 16

// hopeful is a lane with ten complete trials whose divergence falls with their
// size, and one more, of the size of trial 4, that is being evaluated.
func hopeful(t *testing.T) (*laneRun, *memory, *scorer, *ear) {
	t.Helper()
	contents, err := pieces.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { contents.Close() })
	spec := &study.Spec{
		Objectives: []study.Objective{{Metric: "quality.kld", Direction: study.Min}, {Metric: "size.weights", Direction: study.Min}},
		Quality:    study.Quality{Chunks: earlyChunks},
		Search:     study.SearchSpec{StopTrials: true},
	}
	store, s, heard := &memory{scores: map[study.QualityKey][]study.ChunkScore{}}, &scorer{}, &ear{told: map[int]search.Outcome{}}
	l := &laneRun{
		bench: &bench{spec: spec, text: "text", Tuner: New(Config{Store: store, Evaluator: s, Contents: contents,
			Now: func() time.Time { return time.Unix(0, 0) }, Log: slog.New(slog.DiscardHandler)})},
		target: "board", sampler: heard,
	}
	for i := range 10 {
		tr := variant(i, int64(1e6*(i+1)))
		tr.State = study.Complete
		for j := range earlyChunks {
			if err := store.SaveScore(t.Context(), l.qualityKey(tr), scored(i, j, 0.6/float64(i+1))); err != nil {
				t.Fatal(err)
			}
		}
		tr.Values = values(spec, tr.Prediction, store.scores[l.qualityKey(tr)], nil)
		store.trials = append(store.trials, tr)
	}
	store.trials = append(store.trials, variant(10, 5e6))
	return l, store, s, heard
}

func variant(i int, bytes int64) study.Trial {
	return study.Trial{Number: i, Index: i, State: study.Evaluating, Prediction: study.Prediction{WeightBytes: bytes},
		Recipe: study.Recipe{Model: fmt.Appendf(nil, "%d", i)}}
}

func (m *memory) last() study.Trial { return m.trials[len(m.trials)-1] }

func evaluateLast(t *testing.T, l *laneRun, m *memory) study.Trial {
	t.Helper()
	if err := l.evaluate(t.Context(), m.last()); err != nil {
		t.Fatal(err)
	}
	return m.last()
}

func TestHopelessTrialIsStopped(t *testing.T) {
	l, store, s, heard := hopeful(t)
	s.divergence = 0.4
	got := evaluateLast(t, l, store)
	if got.State != study.Stopped || got.Reason != study.ReasonDominated ||
		!strings.Contains(got.Detail, "after 1 of 16 chunks quality.kld is above") || !strings.Contains(got.Detail, "better is trial 4 with 0.12") {
		t.Errorf("%s, %s: %s", got.State, got.Reason, got.Detail)
	}
	if n := len(store.scores[l.qualityKey(got)]); n != 1 {
		t.Errorf("%d chunks were scored", n)
	}
	kld := got.Values["quality.kld"]
	if !(kld.Low < 0.4 && 0.4 < kld.High && kld.Low < kld.Value && kld.Value < kld.High) {
		t.Errorf("divergence %+v, true is 0.4", kld)
	}
	o := heard.told[10]
	if o.Infeasible || o.Values[0] != kld.Value || math.Abs(o.Noise[0]-(kld.High-kld.Value)/study.Z95) > 1e-12 || o.Values[1] != 5e6 || o.Noise[1] != 0 {
		t.Errorf("told %+v", o)
	}
}

func TestHopefulTrialIsNot(t *testing.T) {
	l, store, s, _ := hopeful(t)
	s.divergence = 0.11
	if got := evaluateLast(t, l, store); got.State != study.Ready || len(store.scores[l.qualityKey(got)]) != earlyChunks {
		t.Errorf("%s, %s: %s", got.State, got.Reason, got.Detail)
	}
}

func TestStoppingIsOff(t *testing.T) {
	l, store, s, _ := hopeful(t)
	s.divergence, l.spec.Search.StopTrials = 0.4, false
	if got := evaluateLast(t, l, store); got.State != study.Ready || len(store.scores[l.qualityKey(got)]) != earlyChunks {
		t.Errorf("%s, %s: %s", got.State, got.Reason, got.Detail)
	}
}

func TestLimitEndsAnEvaluation(t *testing.T) {
	l, store, s, heard := hopeful(t)
	s.divergence, l.spec.Constraints = 2, []study.Constraint{limit("quality.kld", 1)}
	got := evaluateLast(t, l, store)
	if got.State != study.Infeasible || got.Reason != study.ReasonConstraint || !strings.Contains(got.Detail, "the limit is 1 nat/token") {
		t.Errorf("%s, %s: %s", got.State, got.Reason, got.Detail)
	}
	if o := heard.told[10]; !o.Infeasible || !(math.Abs(o.Values[0]-2) < 2*o.Noise[0]) {
		t.Errorf("told %+v", o)
	}
	l, store, s, _ = hopeful(t)
	s.divergence, l.spec.Constraints, l.spec.Search.StopTrials = 2, []study.Constraint{limit("quality.kld", 1)}, false
	if got := evaluateLast(t, l, store); got.State != study.Infeasible || len(store.scores[l.qualityKey(got)]) != earlyChunks {
		t.Errorf("without stopping: %s after %d chunks", got.State, len(store.scores[l.qualityKey(got)]))
	}
}

// TestDecisionIsOfTheLane: scores that another lane has made meanwhile do not
// change what a lane decides, nor from how many chunks; and a lane that wants
// all chunks of a variant that was stopped elsewhere scores those that lack.
func TestDecisionIsOfTheLane(t *testing.T) {
	l, store, s, _ := hopeful(t)
	s.divergence = 0.15 // close to the front: some chunks are needed
	alone := evaluateLast(t, l, store)
	used := len(store.scores[l.qualityKey(alone)])
	if alone.State != study.Stopped || used < 2 || used == earlyChunks {
		t.Fatalf("%s after %d chunks", alone.State, used)
	}

	other, shared, t2, _ := hopeful(t)
	key := other.qualityKey(shared.last())
	for i := range earlyChunks {
		shared.scores[key] = append(shared.scores[key], scored(10, i, 0.15))
	}
	got := evaluateLast(t, other, shared)
	if got.State != alone.State || got.Detail != alone.Detail || got.Values["quality.kld"] != alone.Values["quality.kld"] || len(t2.asked) != 0 {
		t.Errorf("with all chunks there: %s, %s; evaluated %v", got.State, got.Detail, t2.asked)
	}

	store.trials = store.trials[10:] // a lane without a front
	store.trials[0].State, store.trials[0].Number, store.trials[0].Index = study.Evaluating, 0, 0
	s.asked = nil
	if got := evaluateLast(t, l, store); got.State != study.Ready || !slices.Equal(s.asked, [][2]int{{used, earlyChunks - used}}) ||
		len(store.scores[key]) != earlyChunks {
		t.Errorf("%s; evaluated %v, want the rest from chunk %d", got.State, s.asked, used)
	}
}

// TestDecisionAfterAFailure: an evaluation that broke and went on decides as
// one that did not.
func TestDecisionAfterAFailure(t *testing.T) {
	l, store, s, _ := hopeful(t)
	s.divergence = 0.15
	want := evaluateLast(t, l, store)
	l, store, s, _ = hopeful(t)
	s.divergence, s.fail = 0.15, 1
	got := evaluateLast(t, l, store)
	if got.State != want.State || got.Detail != want.Detail || len(s.asked) != 2 || s.asked[1][0] != 1 {
		t.Errorf("%s, %s; evaluated %v", got.State, got.Detail, s.asked)
	}
}

// TestPastIsWhatHadEnded: trials that are under way, and later ones, do not
// count, so that a restart finds the same.
func TestPastIsWhatHadEnded(t *testing.T) {
	l, store, s, _ := hopeful(t)
	s.divergence = 0.4
	store.trials[4].State, store.trials[3].State, store.trials[2].State = study.Leased, study.Ready, study.Stopped
	store.trials[1].Index, store.trials[0].Index = 11, 12
	if got := evaluateLast(t, l, store); got.State != study.Ready {
		t.Errorf("%s: %s", got.State, got.Detail)
	}
}
