package store_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// driver does random legal and illegal things to a store. Many drivers may
// share one.
type driver struct {
	store   *store.Store
	rng     *rand.Rand
	name    string // makes its attempts' ids unique
	studies []string
	targets []string
	ack     func(ack) // called after a change was acknowledged
	steps   int
}

// ack is a change that the store said it has made.
type ack struct {
	Op      string // propose, move, grant, report or score
	Study   string
	Trial   int
	Rev     int64
	Text    string
	Attempt string
	Fence   int64
	Digest  study.Digest
	Chunk   int
}

// step does one thing. A conflict is an answer, any other error is returned.
func (d *driver) step() error {
	d.steps++
	ops := []func() error{d.propose, d.advance, d.advance, d.advance, d.advance, d.move, d.grant, d.grant, d.report, d.report, d.renew, d.score, d.expire, d.pause}
	err := ops[d.rng.IntN(len(ops))]()
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}

func (d *driver) now() time.Time { return time.Unix(0, time.Now().UnixNano()) }

func pick[T any](d *driver, from []T) T { return from[d.rng.IntN(len(from))] }

func (d *driver) propose() error {
	t, err := d.store.Propose(ctx, d.now(), proposal(pick(d, d.studies), pick(d, d.targets)))
	if err == nil {
		d.ack(ack{Op: "propose", Study: t.Study, Trial: t.Number, Rev: t.Rev, Text: study.TextPropose})
	}
	return err
}

// move tries any transition on one of the newest trials.
func (d *driver) move() error {
	t, err := d.recent()
	if err != nil || t == nil {
		return err
	}
	return d.moveBy(t, pick(d, study.Transitions()))
}

// advance takes a trial a step towards its measurement.
func (d *driver) advance() error {
	t, err := d.recent()
	if err != nil || t == nil {
		return err
	}
	next := map[study.State]study.Transition{study.Proposed: study.Build, study.Building: study.Evaluate, study.Evaluating: study.Queue}
	if tr, ok := next[t.State]; ok {
		return d.moveBy(t, tr)
	}
	return d.grant()
}

// recent is a trial that changed lately; another driver may move it any time.
func (d *driver) recent() (*study.Trial, error) {
	rev, err := d.store.Revision(ctx)
	if err != nil {
		return nil, err
	}
	trials, err := d.store.Trials(ctx, pick(d, d.studies), rev-50)
	if err != nil || len(trials) == 0 {
		return nil, err
	}
	t := pick(d, trials)
	return &t, nil
}

func (d *driver) moveBy(t *study.Trial, tr study.Transition) error {
	if tr.Name == study.Grant.Name {
		return d.grant()
	}
	moved, err := d.store.Move(ctx, d.now(), t.Study, t.Number, tr, func(t *study.Trial) { t.Detail = d.name })
	if err == nil {
		d.ack(ack{Op: "move", Study: t.Study, Trial: t.Number, Rev: moved.Rev, Text: tr.Name})
	}
	return err
}

func (d *driver) grant() error {
	id := fmt.Sprintf("%s-%d", d.name, d.steps)
	ttl := time.Duration(1 + d.rng.IntN(int(20*time.Millisecond)))
	a, t, err := d.store.Grant(ctx, d.now(), pick(d, d.targets), id, ttl)
	if err == nil && a != nil {
		d.ack(ack{Op: "grant", Study: t.Study, Trial: t.Number, Rev: t.Rev, Text: study.Grant.Name, Attempt: id, Fence: a.Fence})
	}
	return err
}

func (d *driver) report() error {
	a, err := d.store.RunningAttempt(ctx, pick(d, d.targets))
	if err != nil || a == nil {
		return err
	}
	r := result()
	r.Wait = time.Duration(d.rng.Int64N(1000))
	fence := a.Fence - int64(d.rng.IntN(2)) // half of them are stale
	for range 1 + d.rng.IntN(2) {           // a report may arrive twice
		if err := d.store.Report(ctx, d.now(), a.ID, fence, r); err != nil {
			return err
		}
		if fence != a.Fence {
			return fmt.Errorf("a report with fence %d instead of %d was taken", fence, a.Fence)
		}
		d.ack(ack{Op: "report", Study: a.Study, Trial: a.Trial, Attempt: a.ID, Fence: a.Fence, Digest: digest(r)})
	}
	return nil
}

func (d *driver) renew() error {
	a, err := d.store.RunningAttempt(ctx, pick(d, d.targets))
	if err != nil || a == nil {
		return err
	}
	_, err = d.store.Renew(ctx, d.now(), a.ID, a.Fence, time.Millisecond)
	return err
}

func (d *driver) score() error {
	c := study.ChunkScore{Chunk: d.rng.IntN(1000), Count: 255, NLL: 1, NLL2: 2}
	err := d.store.SaveScore(ctx, study.QualityKey{Variant: "v"}, c)
	if err == nil {
		d.ack(ack{Op: "score", Chunk: c.Chunk})
	}
	return err
}

func (d *driver) expire() error {
	if d.rng.IntN(2) == 0 {
		_, err := d.store.LoseAttempts(ctx, d.now(), pick(d, d.targets), study.ReasonInterrupted)
		return err
	}
	_, err := d.store.ExpireLeases(ctx, d.now())
	return err
}

// pause stops a study now and then, and resumes it.
func (d *driver) pause() error {
	to := pick(d, []study.StudyState{study.StudyStopped, study.StudyPreparing, study.StudyPreparing, study.StudyRunning, study.StudyRunning})
	return d.store.SetStudyState(ctx, d.now(), pick(d, d.studies), to, d.name)
}
