package tuner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Config is what a Tuner works with. All fields are required.
type Config struct {
	Store     Store
	Evaluator Evaluator
	Contents  *pieces.Store     // models and texts by digest
	Builder   *compress.Builder // of variants
	BaseDir   string            // folder of the originals' log-probabilities
	Runtime   study.RuntimeInfo // that Evaluator uses
	Threads   int               // for evaluations
	Now       func() time.Time
	NewID     func() string // a short unique suffix for the ids of studies
	Log       *slog.Logger
	// Aside does work that takes the CPU for a while, when nobody measures on
	// this computer.
	Aside func(ctx context.Context, work func() error) error
}

// Tuner runs studies. Create, Stop, Resume, Explain and Phase may be called from any
// goroutine; Run owns every goroutine that works.
type Tuner struct {
	cfg Config

	mu      sync.Mutex
	running map[string]*run // by study id; present while its goroutine lives
	starts  chan string     // ids of studies to work on
	phases  map[string]string

	explained map[string]explained // by study and target
}

// run is the work on one study.
type run struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// errStopped is the cause of a context that Stop cancelled.
var errStopped = errors.New("study stopped")

// New makes a Tuner; nothing happens before Run.
func New(cfg Config) *Tuner {
	return &Tuner{cfg: cfg, running: map[string]*run{}, starts: make(chan string, 16), phases: map[string]string{}, explained: map[string]explained{}}
}

// Run takes up every active study and works until ctx ends, then waits for
// its goroutines. A study that breaks is marked failed; it does not end Run.
func (t *Tuner) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	all, err := t.cfg.Store.Studies(ctx)
	if err != nil {
		return err
	}
	for _, st := range all {
		if st.State.Active() {
			t.start(ctx, &wg, st.ID)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case id := <-t.starts:
			t.start(ctx, &wg, id)
		}
	}
}

// start works on a study in a goroutine of its own, once the goroutine that
// worked on it before (if any) has ended.
func (t *Tuner) start(ctx context.Context, wg *sync.WaitGroup, id string) {
	ctx, cancel := context.WithCancelCause(ctx)
	r := &run{cancel: cancel, done: make(chan struct{})}
	t.mu.Lock()
	before := t.running[id]
	t.running[id] = r
	t.mu.Unlock()
	wg.Go(func() {
		defer close(r.done)
		defer cancel(nil)
		if before != nil {
			<-before.done
		}
		err := t.work(ctx, id)
		t.mu.Lock()
		if t.running[id] == r {
			delete(t.running, id)
		}
		t.mu.Unlock()
		t.end(ctx, id, err)
	})
}

// end marks a study that broke. A study whose context was cancelled keeps its
// state: it was stopped, or the daemon ends and takes it up again.
func (t *Tuner) end(ctx context.Context, id string, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	note := err.Error()
	if e, ok := fault.As(err); ok {
		note = e.Error()
	}
	t.cfg.Log.Error("study failed", "study", id, "error", err)
	mark, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := t.cfg.Store.SetStudyState(mark, t.cfg.Now(), id, study.StudyFailed, note); err != nil {
		t.cfg.Log.Error("cannot mark a study failed", "study", id, "error", err)
	}
}

// Create checks a spec against its model, stores the study and begins it.
func (t *Tuner) Create(ctx context.Context, spec study.Spec) (study.Study, error) {
	if problems := spec.Validate(); len(problems) > 0 {
		return study.Study{}, &fault.Error{Kind: fault.Invalid, Sentence: fmt.Sprintf("cannot create study %q", spec.Name), Problems: problems}
	}
	m, err := t.openModel(ctx, &spec)
	if err != nil {
		return study.Study{}, err
	}
	if problems := m.Check(&spec); len(problems) > 0 {
		return study.Study{}, &fault.Error{Kind: fault.Invalid, Sentence: fmt.Sprintf("cannot tune model %q with these knobs", spec.Model.Name), Problems: problems}
	}
	if spec.Quality.Text.Digest != "" {
		if err := t.cfg.Contents.Verify(ctx, spec.Quality.Text.Digest); err != nil {
			return study.Study{}, err
		}
	}
	st := study.Study{
		ID:      spec.Name + "-" + t.cfg.NewID(),
		Spec:    spec,
		State:   study.StudyPreparing,
		Created: t.cfg.Now(),
	}
	if err := t.cfg.Store.CreateStudy(ctx, t.cfg.Now(), st); err != nil {
		return study.Study{}, err
	}
	return st, t.enqueue(ctx, st.ID)
}

func (t *Tuner) enqueue(ctx context.Context, id string) error {
	select {
	case t.starts <- id:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stop ends the work on a study. A measurement that is under way may finish;
// its result counts when the study is resumed.
func (t *Tuner) Stop(ctx context.Context, id string) error {
	if err := t.cfg.Store.SetStudyState(ctx, t.cfg.Now(), id, study.StudyStopped, "stopped by hand"); err != nil {
		return err
	}
	t.mu.Lock()
	r := t.running[id]
	t.mu.Unlock()
	if r == nil {
		return nil
	}
	r.cancel(errStopped)
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Resume takes up a stopped or failed study.
func (t *Tuner) Resume(ctx context.Context, id string) error {
	if err := t.cfg.Store.SetStudyState(ctx, t.cfg.Now(), id, study.StudyPreparing, ""); err != nil {
		return err
	}
	return t.enqueue(ctx, id)
}

// Phase says what a lane does now, for people; "" if it does nothing.
func (t *Tuner) Phase(id, target string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.phases[id+"/"+target]; ok {
		return p
	}
	return t.phases[id+"/"]
}

func (t *Tuner) setPhase(id, target, phase string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if phase == "" {
		delete(t.phases, id+"/"+target)
		return
	}
	t.phases[id+"/"+target] = phase
}

// openModel opens the model of a spec from the content store.
func (t *Tuner) openModel(ctx context.Context, spec *study.Spec) (*compress.Model, error) {
	path, err := t.cfg.Contents.Path(spec.Model.Digest)
	if err != nil {
		return nil, err
	}
	if err := t.cfg.Contents.Verify(ctx, spec.Model.Digest); err != nil {
		return nil, err
	}
	return compress.Open(path, spec.Model.Digest, spec.Model.Name)
}
