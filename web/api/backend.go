package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/web/client"
)

// Store is what the API reads. No method of it changes anything, so that a GET
// cannot. A thing that does not exist is a fault of kind not_found.
type Store interface {
	Studies(ctx context.Context) ([]study.Study, error)
	Study(ctx context.Context, id string) (study.Study, error)
	// Trials returns the trials whose revision is greater than since, in order
	// of number.
	Trials(ctx context.Context, id string, since int64) ([]study.Trial, error)
	Trial(ctx context.Context, id string, n int) (study.Trial, error)
	// Attempts returns a trial's attempts with their results, oldest first.
	Attempts(ctx context.Context, id string, n int) ([]study.Attempt, error)
	Scores(ctx context.Context, key study.QualityKey) ([]study.ChunkScore, error)
	Targets(ctx context.Context) ([]targets.Target, error)
	Target(ctx context.Context, name string) (targets.Target, error)
	// RunningAttempt returns nil if the target measures nothing.
	RunningAttempt(ctx context.Context, target string) (*study.Attempt, error)
	Models(ctx context.Context) ([]study.Model, error)
	Model(ctx context.Context, digest study.Digest) (study.Model, error)
	// Fact reads what was found out about a model; false if it was not yet.
	Fact(ctx context.Context, model study.Digest, name string, into any) (bool, error)
	// Events returns at most limit events after since, oldest first, of one
	// study or of everything ("").
	Events(ctx context.Context, since int64, studyID string, limit int) ([]study.Event, error)
	// Revision is the number of the newest event.
	Revision(ctx context.Context) (int64, error)
	// Watch returns a channel that gets a value after every change (changes in
	// quick succession may share one), and a function that ends it.
	Watch() (changed <-chan struct{}, stop func())
}

// FactRanking is the name of the Fact that holds a model's study.Ranking.
const FactRanking = "ranking"

// Tuner runs studies.
type Tuner interface {
	Create(ctx context.Context, spec study.Spec) (study.Study, error)
	Stop(ctx context.Context, id string) error
	Resume(ctx context.Context, id string) error
	// Phase says for people what a lane does now; "" when it does nothing.
	Phase(id, target string) string
	// Explain says what the search of a lane has found out; target may be ""
	// where the study has one alone. It may wait while this computer measures.
	Explain(ctx context.Context, id, target string) (study.Explanation, error)
	// QualityKey is the key under which the scores of t are kept.
	QualityKey(ctx context.Context, t study.Trial) (study.QualityKey, error)
}

// Contents is the content store.
type Contents interface {
	// Adopt takes a file out of the folder of incoming files.
	Adopt(ctx context.Context, incoming, name string, isModel bool) (client.Adopted, error)
	Tensors(ctx context.Context, digest study.Digest) ([]client.Tensor, error)
}

// Exporter turns a trial into one file that stock programs open.
type Exporter interface {
	// Export writes exactly t.Prediction.FileBytes bytes. If it cannot, it
	// says so before the first one.
	Export(ctx context.Context, t study.Trial, w io.Writer) error
	Manifest(ctx context.Context, t study.Trial) ([]byte, error)
	Command(t study.Trial) string
}

// Host is the computer the daemon runs on.
type Host interface {
	Info(ctx context.Context) client.Info
	Doctor(ctx context.Context) []targets.Check
	// Busy reports whether this computer measures right now. It is cheap:
	// event streams ask it often.
	Busy() bool
}

// Access knows who sends a request, and lets people in.
type Access interface {
	// Caller returns nil for a stranger. It may renew the login on w.
	Caller(w http.ResponseWriter, r *http.Request) *Caller
	// Link makes a one-time link that logs a browser in.
	Link() (url string, valid time.Duration)
	// LogIn exchanges the code of a link for a cookie on w.
	LogIn(w http.ResponseWriter, r *http.Request, code string) error
}

// Caller is who sent a request.
type Caller struct {
	Login  string // the login's id; "" on the unix socket
	Socket bool   // on the unix socket: the owner of the state folder
}

// Backend is all that the API stands on.
type Backend struct {
	Store    Store
	Tuner    Tuner
	Contents Contents
	Exporter Exporter
	Host     Host
	Access   Access

	Schema []byte       // JSON Schema of study files
	Page   http.Handler // the start page
	Assets http.Handler // what the start page loads, below /a/
}
