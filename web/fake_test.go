package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/web/client"
)

// fake is a backend in memory. It counts what would change a database.
type fake struct {
	mu       sync.Mutex
	studies  []study.Study
	trials   map[string][]study.Trial
	attempts map[string][]study.Attempt // by client.TrialRef
	scores   map[study.Digest][]study.ChunkScore
	targets  []targets.Target
	models   []study.Model
	running  map[string]*study.Attempt
	log      []study.Event
	watchers map[chan struct{}]bool
	reads    int // of trials, for the cost of an overview

	writes atomic.Int64
	busy   atomic.Bool
	export func(w io.Writer) error // nil writes the predicted bytes
}

func newFake() *fake {
	return &fake{
		trials:   map[string][]study.Trial{},
		attempts: map[string][]study.Attempt{},
		scores:   map[study.Digest][]study.ChunkScore{},
		running:  map[string]*study.Attempt{},
		watchers: map[chan struct{}]bool{},
	}
}

// happen appends an event; the caller holds the lock.
func (f *fake) happen(e study.Event) int64 {
	e.Seq = int64(len(f.log)) + 1
	e.Time = epoch.Add(time.Duration(e.Seq) * time.Second)
	f.log = append(f.log, e)
	for w := range f.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return e.Seq
}

// addStudy makes a study exist.
func (f *fake) addStudy(st study.Study) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.studies = append(f.studies, st)
	f.happen(study.Event{Kind: study.EventStudy, Study: st.ID, Text: "created"})
}

// put adds a trial or moves it, and returns its revision.
func (f *fake) put(t study.Trial) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := t.Number
	t.Rev = f.happen(study.Event{Kind: study.EventTrial, Study: t.Study, Trial: &n, Text: string(t.State)})
	all := f.trials[t.Study]
	if i := slices.IndexFunc(all, func(x study.Trial) bool { return x.Number == n }); i >= 0 {
		all[i] = t
	} else {
		f.trials[t.Study] = append(all, t)
	}
	return t.Rev
}

func (f *fake) Studies(context.Context) ([]study.Study, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.studies), nil
}

func (f *fake) Study(_ context.Context, id string) (study.Study, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.studies {
		if s.ID == id {
			return s, nil
		}
	}
	return study.Study{}, fault.New(fault.NotFound, "cannot find the study %q", id)
}

func (f *fake) Trials(_ context.Context, id string, since int64) ([]study.Trial, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []study.Trial
	for _, t := range f.trials[id] {
		if t.Rev > since {
			out = append(out, t)
		}
	}
	f.reads += len(out)
	return out, nil
}

func (f *fake) Trial(_ context.Context, id string, n int) (study.Trial, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.trials[id] {
		if t.Number == n {
			return t, nil
		}
	}
	return study.Trial{}, fault.New(fault.NotFound, "cannot find trial %d", n).Trying("fettle trial list %s", id)
}

func (f *fake) Attempts(_ context.Context, id string, n int) ([]study.Attempt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.attempts[client.TrialRef(id, n)]), nil
}

func (f *fake) Scores(_ context.Context, key study.QualityKey) ([]study.ChunkScore, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.scores[key.Variant], nil
}

func (f *fake) Targets(context.Context) ([]targets.Target, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.targets), nil
}

func (f *fake) Target(_ context.Context, name string) (targets.Target, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.targets {
		if t.Name == name {
			return t, nil
		}
	}
	return targets.Target{}, fault.New(fault.NotFound, "cannot find the target %q", name)
}

func (f *fake) RunningAttempt(_ context.Context, target string) (*study.Attempt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running[target], nil
}

func (f *fake) Models(context.Context) ([]study.Model, error) { return f.models, nil }

func (f *fake) Model(_ context.Context, digest study.Digest) (study.Model, error) {
	for _, m := range f.models {
		if m.Digest == digest {
			return m, nil
		}
	}
	return study.Model{}, fault.New(fault.NotFound, "cannot find the model %s", digest.Short())
}

func (f *fake) Fact(_ context.Context, _ study.Digest, name string, into any) (bool, error) {
	r, ok := into.(*study.Ranking)
	if !ok || name != "ranking" {
		return false, nil
	}
	*r = study.Ranking{Attention: []float64{0.4, 0.1}, FFN: []float64{0.9, 0.2}}
	return true, nil
}

func (f *fake) Events(_ context.Context, since int64, studyID string, limit int) ([]study.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []study.Event
	for _, e := range f.log[min(since, int64(len(f.log))):] {
		if len(out) < limit && (studyID == "" || e.Study == studyID) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (f *fake) Revision(context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.log)), nil
}

func (f *fake) Watch() (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := make(chan struct{}, 1)
	f.watchers[w] = true
	return w, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, w)
	}
}

func (f *fake) Create(_ context.Context, spec study.Spec) (study.Study, error) {
	f.writes.Add(1)
	if spec.Name == "" {
		return study.Study{}, &fault.Error{Kind: fault.Invalid, Sentence: "cannot create a study", Problems: []fault.Problem{{Path: "name", Message: "is empty"}}}
	}
	st := study.Study{ID: fmt.Sprintf("s%d", len(f.studies)+1), Spec: spec, State: study.StudyRunning, Created: epoch}
	f.addStudy(st)
	return st, nil
}

func (f *fake) Stop(_ context.Context, id string) error { return f.steer(id, study.StudyStopped) }

func (f *fake) Resume(_ context.Context, id string) error { return f.steer(id, study.StudyRunning) }

func (f *fake) steer(id string, to study.StudyState) error {
	f.writes.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.studies {
		if f.studies[i].ID != id {
			continue
		}
		if f.studies[i].State == study.StudyComplete {
			return fault.New(fault.Conflict, "cannot change a study that is complete")
		}
		f.studies[i].State = to
		f.happen(study.Event{Kind: study.EventStudy, Study: id, Text: string(to)})
	}
	return nil
}

func (f *fake) Phase(id, target string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.studies {
		if s.ID == id && s.State.Active() {
			return "measures trial " + fmt.Sprint(len(f.trials[id])-1)
		}
	}
	return ""
}

func (f *fake) QualityKey(_ context.Context, t study.Trial) (study.QualityKey, error) {
	return study.QualityKey{
		Variant: t.Recipe.Variant(demoModel.Digest), KV: t.Recipe.Run.KV, Flash: t.Recipe.Run.Flash, Context: 256,
		Text: study.DigestOf([]byte("text")), Backend: demoRuntime.Backend, Runtime: demoRuntime.Digest,
	}, nil
}

func (f *fake) Adopt(_ context.Context, incoming, name string, isModel bool) (client.Adopted, error) {
	f.writes.Add(1)
	return client.Adopted{Content: study.Content{Digest: study.DigestOf([]byte(incoming)), Name: name}}, nil
}

func (f *fake) Tensors(context.Context, study.Digest) ([]client.Tensor, error) {
	return []client.Tensor{{Name: "token_embd.weight", Type: "F16", Dims: []int64{256, 8192}, Bytes: 4 << 20}}, nil
}

func (f *fake) Export(_ context.Context, t study.Trial, w io.Writer) error {
	if f.export != nil {
		return f.export(w)
	}
	_, err := io.Copy(w, bytes.NewReader(make([]byte, t.Prediction.FileBytes)))
	return err
}

func (f *fake) Manifest(_ context.Context, t study.Trial) ([]byte, error) {
	return fmt.Appendf(nil, `{"trial":%d}`, t.Number), nil
}

func (f *fake) Command(t study.Trial) string {
	return fmt.Sprintf("llama-cli -m demo-%d.gguf -t %d -c %d", t.Number, t.Recipe.Run.Threads, t.Recipe.Run.Context)
}

func (f *fake) Info(context.Context) client.Info {
	return client.Info{Version: "test", StateDir: "/state", Incoming: "/state/incoming", Runtime: demoRuntime}
}

func (f *fake) Doctor(context.Context) []targets.Check {
	return []targets.Check{{Name: "state folder", Status: targets.StatusOK, Detail: "writable"}}
}

func (f *fake) Busy() bool { return f.busy.Load() }
