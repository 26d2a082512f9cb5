package job

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

func TestParseReadsWhatTheRunnerWrites(t *testing.T) {
	for _, want := range []Message{
		{Runtime: &Runtime{RuntimeInfo: study.RuntimeInfo{Name: "llama.cpp", Version: "0.5.0"}, Backends: []string{"x"}}},
		{Quantised: &Quantised{Index: 3, Digest: study.DigestOf(nil), Bytes: 7, Seconds: 0.5, Library: 0.25}},
		{Chunk: &study.ChunkScore{Chunk: 1, Count: 127, NLL: 400.5}},
		{Repetition: &Repetition{FirstToken: 0.1, Decode: []float64{0.001, 0.002}, OtherCPU: -1}},
		{Phase: &Phase{Name: PhaseLoad}},
		{Profiled: &Profiled{Load: []float64{0.5}, PeakRSS: 1 << 40}},
		{Failure: &study.Failure{Infeasible: true, Reason: study.ReasonLoad}},
		{Done: &Done{Seconds: 1}},
	} {
		line, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(line)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %+v, %v", line, got, err)
		}
	}
}

func TestParseRefusesAllElse(t *testing.T) {
	for _, line := range []string{
		"", "null", "{}", "[]", "hello", `{"done":null}`, `{"surprise":{}}`, `{"done":{"seconds":1}} {"done":{"seconds":1}}`,
		`{"done":{"seconds":1}}]`, `{"done":{"seconds":1},"phase":{"name":"load"}}`, `{"done":{"seconds":"1"}}`, `{"done":{"seconds":1e999}}`,
		`{"phase":{"name":"` + strings.Repeat("x", MaxLine) + `"}}`,
	} {
		if m, err := Parse([]byte(line)); err == nil {
			t.Errorf("%.60s became %+v", line, m)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"done":{"seconds":1}}`))
	f.Add([]byte(`{"repetition":{"decode":[1,2,3]}}`))
	f.Add([]byte(`{"runtime":{"backends":null},"x":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := Parse(line)
		if err != nil {
			return
		}
		if m.count() != 1 {
			t.Fatalf("%q became %d messages", line, m.count())
		}
		// What was read can be written and read again.
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(bytes.TrimSpace(again)); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
	})
}
