package store_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
)

func TestStudyStates(t *testing.T) {
	states := []study.StudyState{study.StudyPreparing, study.StudyRunning, study.StudyStopped, study.StudyComplete, study.StudyFailed}
	legal := map[study.StudyState]map[study.StudyState]bool{
		study.StudyPreparing: {study.StudyRunning: true, study.StudyStopped: true, study.StudyFailed: true},
		study.StudyRunning:   {study.StudyComplete: true, study.StudyStopped: true, study.StudyFailed: true},
		study.StudyStopped:   {study.StudyPreparing: true},
		study.StudyFailed:    {study.StudyPreparing: true},
	}
	way := map[study.StudyState][]study.StudyState{
		study.StudyRunning:  {study.StudyRunning},
		study.StudyStopped:  {study.StudyStopped},
		study.StudyComplete: {study.StudyRunning, study.StudyComplete},
		study.StudyFailed:   {study.StudyRunning, study.StudyFailed},
	}
	s, path := open(t)
	for _, from := range states {
		for _, to := range states {
			id := string(from + "-" + to)
			must(t, s.CreateStudy(ctx, noon, study.Study{ID: id, Spec: spec(id)}))
			for _, step := range way[from] {
				must(t, s.SetStudyState(ctx, noon, id, step, "on the way"))
			}
			err := s.SetStudyState(ctx, noon.Add(time.Hour), id, to, "there")
			got, loadErr := s.Study(ctx, id)
			must(t, loadErr)
			if !legal[from][to] {
				wantKind(t, err, fault.Conflict)
				wantEqual(t, got.State, from)
				continue
			}
			must(t, err)
			wantEqual(t, got.State, to)
			wantEqual(t, got.Note, "there")
			if wantEnd := !to.Active(); wantEnd != got.Ended.Equal(noon.Add(time.Hour)) || !wantEnd && !got.Ended.IsZero() {
				t.Errorf("%s ended %v", id, got.Ended)
			}
		}
	}
	wantKind(t, s.SetStudyState(ctx, noon, "none", study.StudyRunning, ""), fault.NotFound)
	wantKind(t, s.CreateStudy(ctx, noon, study.Study{ID: "running-failed"}), fault.Conflict)
	wantKind(t, s.CreateStudy(ctx, noon, study.Study{}), fault.Invalid)
	audit(t, s, path)
}

func TestStudiesNewestFirst(t *testing.T) {
	s, _ := open(t)
	for i, id := range []string{"old", "newest", "same-a", "same-b"} {
		at := []int{0, 9, 5, 5}[i]
		must(t, s.CreateStudy(ctx, noon.Add(time.Duration(at)*time.Second), study.Study{ID: id}))
	}
	studies, err := s.Studies(ctx)
	must(t, err)
	var ids []string
	for _, st := range studies {
		ids = append(ids, st.ID)
	}
	wantEqual(t, ids, []string{"newest", "same-b", "same-a", "old"})
	_, err = s.Study(ctx, "none")
	wantKind(t, err, fault.NotFound)
	_, err = s.Trial(ctx, "old", 0)
	wantKind(t, err, fault.NotFound)
}

func TestEventsInParts(t *testing.T) {
	s, _ := open(t)
	running(t, s, "a")
	running(t, s, "b")
	must(t, s.SaveTarget(ctx, noon, targets.Target{Name: "x"}))
	_, err := s.Propose(ctx, noon, proposal("a", "x"))
	must(t, err)
	zero := 0
	want := []study.Event{
		{Seq: 1, Time: noon, Kind: study.EventStudy, Study: "a", Text: "create"},
		{Seq: 2, Time: noon, Kind: study.EventStudy, Study: "a", Text: "running"},
		{Seq: 3, Time: noon, Kind: study.EventStudy, Study: "b", Text: "create"},
		{Seq: 4, Time: noon, Kind: study.EventStudy, Study: "b", Text: "running"},
		{Seq: 5, Time: noon, Kind: study.EventTarget, Text: "x"},
		{Seq: 6, Time: noon, Kind: study.EventTrial, Study: "a", Trial: &zero, Text: "propose"},
	}
	for _, c := range []struct {
		since int64
		id    string
		limit int
		want  []study.Event
	}{
		{0, "", 0, want},
		{3, "", 0, want[3:]},
		{1, "", 2, want[1:3]},
		{1, "a", 0, []study.Event{want[1], want[5]}},
		{0, "a", 1, want[:1]},
		{6, "", 0, nil},
	} {
		got, err := s.Events(ctx, c.since, c.id, c.limit)
		must(t, err)
		wantEqual(t, got, c.want)
	}
}

func TestWatchTellsOnceAndNeverBlocks(t *testing.T) {
	s, _ := open(t)
	changed, stop := s.Watch()
	deaf, stopDeaf := s.Watch()
	defer stopDeaf()
	_ = deaf
	told := func() bool {
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	running(t, s, "s") // two changes
	if !told() || told() {
		t.Error("two changes were not told exactly once")
	}
	must(t, s.SaveTarget(ctx, noon, targets.Target{Name: "x"}))
	if !told() {
		t.Error("a target was not told")
	}
	must(t, s.TouchTarget(ctx, noon, "x"))
	must(t, s.SaveTarget(ctx, noon, targets.Target{Name: "x"}))
	wantKind(t, s.SetStudyState(ctx, noon, "s", study.StudyPreparing, ""), fault.Conflict)
	if told() {
		t.Error("told without a change")
	}
	stop()
	must(t, s.SetStudyState(ctx, noon, "s", study.StudyStopped, ""))
	if told() {
		t.Error("told after stop")
	}
}

func TestScores(t *testing.T) {
	s, _ := open(t)
	key := study.QualityKey{Variant: "v", KV: "f16", Flash: true, Context: 256, Text: "t", Backend: "b", Runtime: "r"}
	a := study.ChunkScore{Chunk: 1, Count: 255, NLL: 0.30000000000000004, NLL2: 1e-300, KLD: math.Copysign(0, -1), KLD2: 3, Same1: 4, Bytes: 5}
	b := study.ChunkScore{Chunk: 0, Count: 7}
	must(t, s.SaveScore(ctx, key, a))
	must(t, s.SaveScore(ctx, key, b))
	must(t, s.SaveScore(ctx, key, study.ChunkScore{Chunk: 1, Count: 1})) // the first one stays
	got, err := s.Scores(ctx, key)
	must(t, err)
	wantEqual(t, got, []study.ChunkScore{b, a})
	for _, change := range []func(*study.QualityKey){
		func(k *study.QualityKey) { k.Variant = "w" },
		func(k *study.QualityKey) { k.KV = "q8_0" },
		func(k *study.QualityKey) { k.Flash = false },
		func(k *study.QualityKey) { k.Context++ },
		func(k *study.QualityKey) { k.Text = "u" },
		func(k *study.QualityKey) { k.Backend = "c" },
		func(k *study.QualityKey) { k.Runtime = "s" },
	} {
		other := key
		change(&other)
		if got, err := s.Scores(ctx, other); err != nil || len(got) != 0 {
			t.Errorf("%+v has scores %v, %v", other, got, err)
		}
	}
	wantKind(t, s.SaveScore(ctx, key, study.ChunkScore{Chunk: 2, KLD: math.NaN()}), fault.Invalid)
}

func TestModelsAndFacts(t *testing.T) {
	s, _ := open(t)
	m := study.Model{Digest: "d1", Name: nasty, Bytes: 1 << 40, Format: "gguf", Architecture: "llama", Parameters: 7e9,
		Blocks: 6, Context: 256, Vocabulary: 512, Types: map[string]int64{"F16": 9}, Refused: map[string]string{"prune.ffn": "why"}}
	wantKind(t, s.SaveFact(ctx, "d1", "ranking", 1), fault.NotFound)
	must(t, s.SaveModel(ctx, noon, m))
	must(t, s.SaveModel(ctx, noon.Add(time.Second), study.Model{Digest: "d2"}))
	m.Name = "renamed"
	must(t, s.SaveModel(ctx, noon.Add(time.Hour), m))
	got, err := s.Model(ctx, "d1")
	must(t, err)
	wantEqual(t, got, m)
	all, err := s.Models(ctx)
	must(t, err)
	if len(all) != 2 || all[0].Digest != "d2" || all[1].Digest != "d1" {
		t.Errorf("models are %+v", all)
	}
	_, err = s.Model(ctx, "d3")
	wantKind(t, err, fault.NotFound)

	want := study.Ranking{Attention: []float64{0.30000000000000004}, FFN: []float64{1e-9, 2}}
	must(t, s.SaveFact(ctx, "d1", nasty, "first"))
	must(t, s.SaveFact(ctx, "d1", nasty, want))
	var ranking study.Ranking
	found, err := s.Fact(ctx, "d1", nasty, &ranking)
	must(t, err)
	if !found {
		t.Error("the fact is gone")
	}
	wantEqual(t, ranking, want)
	if found, err := s.Fact(ctx, "d2", nasty, &ranking); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	wantKind(t, s.SaveFact(ctx, "d1", "nan", math.NaN()), fault.Invalid)
}

func TestTargets(t *testing.T) {
	s, _ := open(t)
	x := targets.Target{Name: "x", Kind: targets.KindLocal, Facts: targets.Facts{Cores: 2}, BootID: "b1", Session: "s1"}
	save := func(at time.Duration, wantEvent bool) {
		t.Helper()
		before, err := s.Revision(ctx)
		must(t, err)
		must(t, s.SaveTarget(ctx, noon.Add(at), x))
		after, err := s.Revision(ctx)
		must(t, err)
		if (after > before) != wantEvent {
			t.Errorf("revision went from %d to %d, want an event: %v", before, after, wantEvent)
		}
	}
	save(0, true)
	save(1, false)
	x.Session = "s2"
	save(2, true)
	x.Facts.Cores = 4
	save(3, true)
	must(t, s.SaveTarget(ctx, noon, targets.Target{Name: "a"}))
	must(t, s.TouchTarget(ctx, noon.Add(time.Hour), "x"))
	x.Created, x.LastSeen = noon, noon.Add(time.Hour)
	got, err := s.Target(ctx, "x")
	must(t, err)
	wantEqual(t, got, x)
	all, err := s.Targets(ctx)
	must(t, err)
	if len(all) != 2 || all[0].Name != "a" || all[1].Name != "x" {
		t.Errorf("targets are %+v", all)
	}
	_, err = s.Target(ctx, "none")
	wantKind(t, err, fault.NotFound)
	wantKind(t, s.TouchTarget(ctx, noon, "none"), fault.NotFound)
	wantKind(t, s.SaveTarget(ctx, noon, targets.Target{}), fault.Invalid)
}

func TestACancelledCallGivesItsCause(t *testing.T) {
	s, path := open(t)
	running(t, s, "s")
	stopped := errors.New("the daemon is being stopped")
	dead, cancel := context.WithCancelCause(ctx)
	cancel(stopped)
	_, err := s.Propose(dead, noon, proposal("s", "x"))
	if !errors.Is(err, stopped) {
		t.Errorf("propose: %v", err)
	}
	_, err = s.Trials(dead, "s", 0)
	if !errors.Is(err, stopped) {
		t.Errorf("trials: %v", err)
	}
	_, err = s.Propose(ctx, noon, proposal("s", "x"))
	must(t, err)
	audit(t, s, path)
}
