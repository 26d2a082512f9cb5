package store_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
)

// The test program starts itself again with this variable set to be the
// process that is killed.
const victimVariable = "FETTLE_TEST_STORE_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimVariable); path != "" {
		fmt.Fprintln(os.Stderr, victim(path))
		os.Exit(1) // it only ends by itself if something is wrong
	}
	os.Exit(m.Run())
}

// victim changes the store until it is killed, and prints each change as a
// line of JSON after the store has acknowledged it.
func victim(path string) error {
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	acknowledge := func(a ack) {
		line, _ := json.Marshal(a) // strings and numbers cannot fail
		mu.Lock()
		defer mu.Unlock()
		os.Stdout.Write(append(line, '\n'))
	}
	failed := make(chan error)
	for i := range 3 {
		go func() {
			d := driver{store: s, rng: rand.New(rand.NewPCG(uint64(os.Getpid()), uint64(i))), name: fmt.Sprintf("%d-%d", os.Getpid(), i),
				studies: []string{"s"}, targets: []string{"x", "y"}, ack: acknowledge}
			for {
				if err := d.step(); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// kill -9 at any moment loses nothing that was acknowledged, and leaves no
// half of anything.
func TestKilledAtAnyMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fettle.db")
	s, err := store.Open(ctx, path)
	must(t, err)
	running(t, s, "s")
	must(t, s.Close())
	rng := rand.New(rand.NewPCG(7, 7))
	var acks []ack
	for range 20 {
		alive := time.Duration(rng.IntN(int(150 * time.Millisecond)))
		acks = append(acks, killAfter(t, path, alive)...)
		s, err := store.Open(ctx, path)
		must(t, err)
		audit(t, s, path)
		verify(t, s, acks)
		must(t, s.Close())
		if t.Failed() {
			return
		}
	}
	kinds := map[string]int{}
	for _, a := range acks {
		kinds[a.Op]++
	}
	t.Logf("20 kills; acknowledged: %v", kinds)
	if len(kinds) != 5 {
		t.Errorf("only these were ever acknowledged: %v", kinds)
	}
}

// killAfter starts a victim, kills it a while after its first line, and
// returns what it had acknowledged.
func killAfter(t *testing.T, path string, alive time.Duration) []ack {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var acks []ack
	var timer *time.Timer
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the rest of a line does not count
		}
		if timer == nil {
			timer = time.AfterFunc(alive, func() { cmd.Process.Kill() })
		}
		var a ack
		must(t, json.Unmarshal(line, &a))
		acks = append(acks, a)
	}
	cmd.Wait() // killed, so always an error
	if timer == nil || stderr.Len() > 0 {
		t.Fatalf("the victim ended by itself: %s", stderr.String())
	}
	return acks
}

// verify finds everything that was acknowledged.
func verify(t *testing.T, s *store.Store, acks []ack) {
	t.Helper()
	events, err := s.Events(ctx, 0, "", 0)
	must(t, err)
	bySeq := map[int64]study.Event{}
	for _, e := range events {
		bySeq[e.Seq] = e
	}
	scores, err := s.Scores(ctx, study.QualityKey{Variant: "v"})
	must(t, err)
	chunks := map[int]bool{}
	for _, c := range scores {
		chunks[c.Chunk] = true
	}
	attempts := map[string]study.Attempt{}
	trials, err := s.Trials(ctx, "s", 0)
	must(t, err)
	for _, trial := range trials {
		all, err := s.Attempts(ctx, "s", trial.Number)
		must(t, err)
		for _, a := range all {
			attempts[a.ID] = a
		}
	}
	for _, a := range acks {
		e := bySeq[a.Rev]
		if a.Rev > 0 && (e.Study != a.Study || e.Trial == nil || *e.Trial != a.Trial || e.Text != a.Text) {
			t.Errorf("lost %+v; the event is %+v", a, e)
		}
		if a.Op == "score" && !chunks[a.Chunk] {
			t.Errorf("lost %+v", a)
		}
		if found := attempts[a.Attempt]; a.Attempt != "" && found.Fence != a.Fence {
			t.Errorf("lost %+v; the attempt is %+v", a, found)
		} else if a.Op == "report" && (found.State != study.AttemptReported || digest(*found.Result) != a.Digest) {
			t.Errorf("lost %+v; the attempt is %+v", a, found)
		}
	}
}
