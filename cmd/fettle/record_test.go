//go:build bench

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
)

// TestRecordTable writes the trials of a study in a state folder as a table
// that samplers are compared on:
//
//	FETTLE_RECORD=STATE-DIR/STUDY-ID FETTLE_TABLE=out.json go test -tags bench -run RecordTable ./cmd/fettle
//
// search/problems/testdata/demo.json was made from a study of the demo's space
// with sampler random, 340 trials, 8 chunks and 4 repetitions.
func TestRecordTable(t *testing.T) {
	from, to := os.Getenv("FETTLE_RECORD"), os.Getenv("FETTLE_TABLE")
	if from == "" || to == "" {
		t.Log("nothing to record: FETTLE_RECORD and FETTLE_TABLE are not set")
		return
	}
	db, err := store.Open(t.Context(), filepath.Join(filepath.Dir(from), "fettle.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st, err := db.Study(t.Context(), filepath.Base(from))
	if err != nil {
		t.Fatal(err)
	}
	contents, err := pieces.Open(filepath.Join(filepath.Dir(from), "contents"))
	if err != nil {
		t.Fatal(err)
	}
	defer contents.Close()
	path, err := contents.Path(st.Spec.Model.Digest)
	if err != nil {
		t.Fatal(err)
	}
	m, err := compress.Open(path, st.Spec.Model.Digest, st.Spec.Model.Name)
	if err != nil {
		t.Fatal(err)
	}
	neutral, _, _, err := m.BaselinePlan(&st.Spec)
	if err != nil {
		t.Fatal(err)
	}
	trials, err := db.Trials(t.Context(), st.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	table := problems.Table{Knobs: st.Spec.Knobs, Neutral: neutral}
	for _, tr := range trials {
		r := problems.Row{Assignment: tr.Assignment, Infeasible: tr.State == study.Infeasible}
		if tr.State == study.Complete {
			for _, o := range st.Spec.Objectives {
				r.Values = append(r.Values, tr.Values[study.ValueKey(o.Metric)].Value)
			}
		}
		if r.Infeasible || r.Values != nil {
			table.Rows = append(table.Rows, r)
		}
	}
	for _, o := range st.Spec.Objectives {
		table.Directions = append(table.Directions, o.Direction)
	}
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(f).Encode(table); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows", len(table.Rows))
}
