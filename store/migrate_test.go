package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
)

// A database of every released schema must open for ever. testdata has a dump
// of each.
func TestOldDatabasesOpen(t *testing.T) {
	dumps, err := filepath.Glob("testdata/v*.sql")
	must(t, err)
	migrations, err := filepath.Glob("migrations/*.sql")
	must(t, err)
	if len(dumps) != len(migrations) {
		t.Fatalf("there are dumps of %d schemas and migrations to %d", len(dumps), len(migrations))
	}
	_, fresh := open(t)
	for _, dump := range dumps {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			text, err := os.ReadFile(dump)
			must(t, err)
			path := filepath.Join(t.TempDir(), "fettle.db")
			db := raw(t, path)
			_, err = db.Exec(string(text))
			must(t, err)
			must(t, db.Close())
			for range 2 { // migrating, and finding nothing to migrate
				s := reopen(t, path)
				audit(t, s, path)
			}
			wantEqual(t, schema(t, path), schema(t, fresh))
		})
	}
}

// schema is the text of every table, index and view.
func schema(t *testing.T, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	rows, err := raw(t, path).Query(`SELECT name, sql FROM sqlite_schema`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var text sql.NullString
		must(t, rows.Scan(&name, &text))
		all[name] = text.String
	}
	must(t, rows.Err())
	return all
}

func TestWhatSchema1Held(t *testing.T) {
	text, err := os.ReadFile("testdata/v1.sql")
	must(t, err)
	path := filepath.Join(t.TempDir(), "fettle.db")
	_, err = raw(t, path).Exec(string(text))
	must(t, err)
	s := reopen(t, path)

	st, err := s.Study(ctx, "night-run")
	must(t, err)
	want := spec("night-run")
	want.Description = "it's <b>new</b>"
	wantEqual(t, st, study.Study{ID: "night-run", Spec: want, State: study.StudyRunning, Note: "measuring", Created: noon})
	trials, err := s.Trials(ctx, "night-run", 0)
	must(t, err)
	if len(trials) != 3 || trials[0].State != study.Complete || trials[1].State != study.Cancelled || trials[2].State != study.Leased {
		t.Fatalf("trials are %+v", trials)
	}
	if trials[0].Heard != 4 || trials[1].Heard != 8 || trials[2].Origin != "" {
		t.Errorf("trials had heard of events up to %d and %d", trials[0].Heard, trials[1].Heard)
	}
	wantEqual(t, trials[0].Recipe, proposal("", "").Recipe)
	wantEqual(t, trials[0].Values["latency.decode"], study.Summary{Value: 0.25, Low: 0.125, High: 0.5, N: 5})
	wantEqual(t, trials[0].Pieces, []study.PieceRef{{Digest: study.DigestOf(nil), Bytes: 9}})
	attempts, err := s.Attempts(ctx, "night-run", 0)
	must(t, err)
	if len(attempts) != 1 || len(attempts[0].Result.Measurements) != 3 || attempts[0].Result.Conditions.Governor != "performance" {
		t.Errorf("attempts are %+v", attempts)
	}
	// What ran goes on: the lease can be renewed under its fence.
	_, err = s.Renew(ctx, noon.Add(time.Minute), "attempt-2", 2, time.Minute)
	must(t, err)
	var ranking study.Ranking
	found, err := s.Fact(ctx, st.Spec.Model.Digest, "ranking", &ranking)
	must(t, err)
	if !found || ranking.FFN[0] != 0.25 {
		t.Errorf("the ranking is %+v", ranking)
	}
	target, err := s.Target(ctx, "local")
	must(t, err)
	wantEqual(t, target, targets.Target{Name: "local", Kind: targets.KindLocal, Facts: targets.Facts{Cores: 2, Architecture: "amd64"},
		BootID: "b", Session: "s", Created: noon, LastSeen: noon})
	scores, err := s.Scores(ctx, study.QualityKey{Variant: "v", KV: "f16", Flash: true, Context: 256, Text: "t", Backend: "b", Runtime: "r"})
	must(t, err)
	wantEqual(t, scores, []study.ChunkScore{{Chunk: 3, Count: 255, NLL: 1.5, NLL2: 2.5, KLD: 0.5, KLD2: 0.25, Same1: 200, Bytes: 900}})
}
