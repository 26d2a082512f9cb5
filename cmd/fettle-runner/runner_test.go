package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler/quality"
	"github.com/fettle-edge/fettle/study"
)

func TestParseMemory(t *testing.T) {
	m, err := parseMemory([]byte("Name:\tx\nVmPeak:\t 9 kB\nVmData:\t   10 kB\nVmHWM:\t   1024 kB\nRssAnon:\t 300 kB\nRssFile:\t\t724 kB\nThreads:\t4\n"))
	if err != nil || m != (memory{data: 10 << 10, peak: 1 << 20, anon: 300 << 10, file: 724 << 10}) {
		t.Errorf("got %+v, %v", m, err)
	}
	for _, bad := range []string{"", "VmHWM: 1 kB\n", "VmHWM:\t many kB\nVmData: 1 kB\nRssAnon: 1 kB\nRssFile: 1 kB\n"} {
		if m, err := parseMemory([]byte(bad)); err == nil {
			t.Errorf("%q became %+v", bad, m)
		}
	}
	if m, err := readMemory(); err != nil || m.peak < 1<<20 || m.anon > m.peak {
		t.Errorf("of this process: %+v, %v", m, err)
	}
}

func TestParseStat(t *testing.T) {
	const stat = "cpu  100 20 30 4000 50 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3 4 5 6 7 8 9 10\nintr 1 2 3\n"
	busy, cpus, err := parseStat([]byte(stat))
	if want := 10 * time.Millisecond * (100 + 20 + 30 + 6 + 7 + 8); err != nil || busy != want || cpus != 2 {
		t.Errorf("got %v of %d CPUs, %v; want %v", busy, cpus, err, want)
	}
	for _, bad := range []string{"", "cpu 1 2\n", "cpu 1 2 3 4 5 6 7 x\ncpu0\n", "cpu 1 2 3 4 5 6 7 8\n"} {
		if busy, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q became %v", bad, busy)
		}
	}
}

func TestOtherCPU(t *testing.T) {
	from := reading{wall: time.Now(), busy: time.Hour, own: time.Minute, cpus: 4}
	later := func(busy, own time.Duration) reading {
		return reading{wall: from.wall.Add(time.Second), busy: from.busy + busy, own: from.own + own, cpus: 4}
	}
	for _, test := range []struct {
		to   reading
		want float64
	}{
		{later(time.Second, time.Second), 0},
		{later(1400*time.Millisecond, time.Second), 0.1},
		{later(990*time.Millisecond, time.Second), 0}, // a tick is missing
		{later(4*time.Second, 0), 1},
		{from, unknownShare},
		{reading{err: io.EOF}, unknownShare},
	} {
		if got := otherCPU(from, test.to); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("got %g, want %g", got, test.want)
		}
	}
}

func TestAWindowIsLongEnoughIfItCanBe(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) reading { return reading{wall: now.Add(-d)} }
	to := reading{wall: now}
	for _, test := range []struct {
		readings []reading
		want     reading
	}{
		{[]reading{ago(2 * time.Second), ago(time.Second), ago(300 * time.Millisecond)}, ago(300 * time.Millisecond)},
		{[]reading{ago(2 * time.Second), ago(time.Second), ago(100 * time.Millisecond)}, ago(time.Second)},
		{[]reading{ago(100 * time.Millisecond), ago(50 * time.Millisecond)}, ago(100 * time.Millisecond)},
	} {
		if got := window(test.readings, to); !got.wall.Equal(test.want.wall) {
			t.Errorf("got %v ago, want %v", now.Sub(got.wall), now.Sub(test.want.wall))
		}
	}
}

// This process is not "other": what it burns itself does not count.
func TestOwnWorkIsNotOther(t *testing.T) {
	from := read()
	if from.err != nil {
		t.Fatal(from.err)
	}
	for start := time.Now(); time.Since(start) < 2*minWindow; {
	}
	to := read()
	own := (to.own - from.own).Seconds() / to.wall.Sub(from.wall).Seconds()
	all := (to.busy - from.busy).Seconds() / to.wall.Sub(from.wall).Seconds()
	// The share of others is what is left of all that the CPUs did, whatever
	// else happens on this computer meanwhile.
	if got, want := otherCPU(from, to), max(0, all-own)/float64(to.cpus); math.Abs(got-want) > 1e-9 || own < 0.05 {
		t.Errorf("share of others is %g, want %g (own %g)", got, want, own)
	}
}

func TestTheLastBaseHasItsNameOnlyWhenComplete(t *testing.T) {
	path := filepath.Join(t.TempDir(), "base")
	h := quality.Header{Context: 8, Vocabulary: 3, Tokens: make([]int32, 16)}
	b, err := createBase(path, h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := createBase(path, h); err == nil {
		t.Error("two runners write the same file")
	}
	b.close()
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
		t.Errorf("an unfinished base leaves %v, %v", entries, err)
	}
	if b, err = createBase(path, h); err != nil {
		t.Fatal(err)
	}
	for range h.Chunks() {
		if err := b.store(h.NewRecords()); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	b.close()
	old, err := openBase(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.fits(h, len(h.Tokens)); err != nil {
		t.Error(err)
	}
	if err := old.fits(h, len(h.Tokens)+1); err == nil {
		t.Error("it fits more tokens than it has")
	}
	old.close()
}

func TestASessionReadsItsJobAndTheGoAhead(t *testing.T) {
	// The libraries are not there: the job is read, and that is reported.
	in := `{"libraries":"/nowhere","limits":{"write":true},"paced":true,"inspect":{}}` + "\ngo\n"
	s := &session{in: bufio.NewReader(strings.NewReader(in)), out: json.NewEncoder(io.Discard)}
	var f *study.Failure
	if err := s.run(time.Now()); !errors.As(err, &f) || f.Reason != study.ReasonIO {
		t.Fatalf("got %v", err)
	}
	if err := s.proceed(); err != nil {
		t.Errorf("the go-ahead was lost: %v", err)
	}
	if err := s.proceed(); !errors.As(err, &f) || f.Reason != study.ReasonInterrupted {
		t.Errorf("without a go-ahead: %v", err)
	}
	for _, bad := range []string{"", "hello\n", `{"surprise":1}` + "\n"} {
		s := &session{in: bufio.NewReader(strings.NewReader(bad)), out: json.NewEncoder(io.Discard)}
		if err := s.run(time.Now()); err == nil {
			t.Errorf("%q is a job", bad)
		}
	}
}
