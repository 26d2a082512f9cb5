package tuner

import (
	"context"
	"errors"
	"time"

	"github.com/fettle-edge/fettle/study"
)

// Store is what the tuner keeps its state in. Every method that changes
// something is one transaction.
type Store interface {
	CreateStudy(ctx context.Context, now time.Time, st study.Study) error
	Study(ctx context.Context, id string) (study.Study, error)
	Studies(ctx context.Context) ([]study.Study, error)
	SetStudyState(ctx context.Context, now time.Time, id string, to study.StudyState, note string) error

	Propose(ctx context.Context, now time.Time, t study.Trial) (study.Trial, error)
	Move(ctx context.Context, now time.Time, studyID string, number int, tr study.Transition, change func(*study.Trial)) (study.Trial, error)
	LaneTrials(ctx context.Context, studyID, target string) ([]study.Trial, error)
	History(ctx context.Context, studyID, target string) ([]study.Event, error)
	Revision(ctx context.Context) (int64, error)
	Attempts(ctx context.Context, studyID string, number int) ([]study.Attempt, error)

	SaveScore(ctx context.Context, key study.QualityKey, c study.ChunkScore) error
	Scores(ctx context.Context, key study.QualityKey) ([]study.ChunkScore, error)
	Model(ctx context.Context, digest study.Digest) (study.Model, error)
	SaveFact(ctx context.Context, model study.Digest, name string, value any) error
	Fact(ctx context.Context, model study.Digest, name string, into any) (bool, error)

	Watch() (changed <-chan struct{}, stop func())
}

// Evaluation asks for the scores of chunks First to First+Chunks-1.
type Evaluation struct {
	Files  []string         // of the variant, in order
	Run    study.RunOptions // Context is the length of a chunk
	Text   string           // path of the text
	Base   string           // path of the original's log-probabilities
	Save   bool             // write Base instead of comparing with it
	First  int
	Chunks int
	Waited func(time.Duration) // told how long the host was waited for; may be nil
}

// ErrEnough ends an evaluation early when the callback returns it.
var ErrEnough = errors.New("enough chunks")

// Evaluator scores variants. Each chunk's score is handed to on as it is
// there. An error is a *study.Failure where the child ended badly.
type Evaluator interface {
	Evaluate(ctx context.Context, e Evaluation, on func(study.ChunkScore) error) error
}
