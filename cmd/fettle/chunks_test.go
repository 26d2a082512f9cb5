//go:build bench

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/configs"
	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/search/fidelity/replay"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

const (
	recordedChunks = 24
	tableChunks    = 8 // that the table's divergence is of
	rankedChunks   = 4 // that follow them, on which the table's study ranked half blocks
)

// TestRecordChunks evaluates every row of a recorded table on 24 chunks and
// writes their scores, chunk by chunk; nothing is timed:
//
//	FETTLE_CHUNKS=DIR FETTLE_SECONDS=200 go test -tags bench -count=1 -run RecordChunks ./cmd/fettle
//
// It works for so many seconds and goes on where it was when it is run again.
// When all rows are there it writes DIR/chunks.json, from which
// search/fidelity/testdata/chunks.json is a copy.
func TestRecordChunks(t *testing.T) {
	dir, seconds := os.Getenv("FETTLE_CHUNKS"), os.Getenv("FETTLE_SECONDS")
	if dir == "" {
		t.Log("nothing to record: FETTLE_CHUNKS is not set")
		return
	}
	limit, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(t, dir)
	r.prepare()
	done := r.done()
	for start := time.Now(); len(done) < len(r.table.Rows); {
		if time.Since(start).Seconds() > limit {
			t.Logf("%d of %d rows", len(done), len(r.table.Rows))
			return
		}
		done = append(done, r.record(len(done)))
	}
	r.write(done)
}

// recorder evaluates variants of the demo model.
type recorder struct {
	t       *testing.T
	dir     string
	table   *problems.Table
	file    *configs.File
	spec    study.Spec
	model   *compress.Model
	ranking *study.Ranking
	runner  *profiler.Runner
	runtime job.Runtime
	store   *pieces.Store
	builder *compress.Builder
}

func newRecorder(t *testing.T, dir string) *recorder {
	t.Setenv("FETTLE_LIBRARIES", libraries)
	t.Setenv("FETTLE_RUNNER", filepath.Join(binaries, "fettle-runner"))
	f, err := os.Open("../../search/problems/testdata/demo.json")
	check(t, err)
	defer f.Close()
	r := &recorder{t: t, dir: dir}
	r.table, err = problems.ReadTable(f)
	check(t, err)
	path, err := configs.WriteDemo(filepath.Join(dir, "demo"))
	check(t, err)
	r.file, err = configs.Load(path)
	check(t, err)
	r.spec = r.file.Spec
	r.spec.Model.Digest = study.DigestOf([]byte(read(t, r.file.ModelPath)))
	r.spec.Quality.Text.Digest = study.DigestOf([]byte(read(t, r.file.TextPath)))
	r.model, err = compress.Open(r.file.ModelPath, r.spec.Model.Digest, r.spec.Model.Name)
	check(t, err)
	found, err := newRunner(profiler.Config{})
	check(t, err)
	r.runtime, err = found.Inspect(t.Context())
	check(t, err)
	r.runner, err = newRunner(profiler.Config{Backend: r.runtime.Backend})
	check(t, err)
	r.store, err = pieces.Open(filepath.Join(dir, "contents"))
	check(t, err)
	t.Cleanup(func() { r.store.Close() })
	r.builder = compress.NewBuilder(r.store, quantizer{r.runner}, string(r.runtime.Digest)+"/"+runtime.GOARCH)
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// evaluate scores chunks of a recipe's variant.
func (r *recorder) evaluate(recipe study.Recipe, first, chunks int, save bool) []study.ChunkScore {
	refs, _, err := r.builder.Build(r.t.Context(), r.model, recipe)
	check(r.t, err)
	files, err := r.store.Files(refs)
	check(r.t, err)
	run := recipe.Run
	run.Threads = runtime.NumCPU()
	var scores []study.ChunkScore
	check(r.t, r.runner.Evaluate(r.t.Context(), job.Evaluate{
		Model: files, Run: run, Text: r.file.TextPath, First: first, Chunks: chunks,
		Base: filepath.Join(r.dir, "base.logits"), Save: save,
	}, func(c study.ChunkScore) error {
		scores = append(scores, c)
		return nil
	}))
	return scores
}

// prepare scores the original and ranks its half blocks as the table's study
// did, so that its assignments mean the same variants.
func (r *recorder) prepare() {
	_, baseline, _, err := r.model.BaselinePlan(&r.spec)
	check(r.t, err)
	if _, err := os.Stat(filepath.Join(r.dir, "base.logits")); errors.Is(err, fs.ErrNotExist) {
		r.evaluate(baseline, 0, recordedChunks, true)
	}
	ranked := filepath.Join(r.dir, "ranking.json")
	if b, err := os.ReadFile(ranked); err == nil {
		check(r.t, json.Unmarshal(b, &r.ranking))
		return
	}
	r.ranking = &study.Ranking{}
	for block := range r.model.Info().Blocks {
		damage := func(half string) float64 {
			recipe, err := r.model.HalfBlock(half, block, baseline.Run)
			check(r.t, err)
			return study.QualityValues(r.evaluate(recipe, tableChunks, rankedChunks, false))["quality.kld"].Value
		}
		r.ranking.Attention = append(r.ranking.Attention, damage(compress.Attention))
		r.ranking.FFN = append(r.ranking.FFN, damage(compress.FFN))
	}
	b, err := json.Marshal(r.ranking)
	check(r.t, err)
	check(r.t, os.WriteFile(ranked, b, 0o600))
}

// done reads the rows that were recorded before.
func (r *recorder) done() (rows [][]study.ChunkScore) {
	f, err := os.Open(filepath.Join(r.dir, "rows.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	check(r.t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row []study.ChunkScore
		check(r.t, json.Unmarshal(lines.Bytes(), &row))
		rows = append(rows, row)
	}
	check(r.t, lines.Err())
	return rows
}

// record evaluates a row and checks that it is the variant of the table.
func (r *recorder) record(row int) []study.ChunkScore {
	recipe, prediction, err := r.model.Plan(&r.spec, r.ranking, r.table.Rows[row].Assignment)
	check(r.t, err)
	scores := r.evaluate(recipe, 0, recordedChunks, false)
	want := r.table.Rows[row].Values
	got := study.QualityValues(scores[:tableChunks])["quality.kld"].Value
	if math.Abs(got-want[0]) > 1e-6+1e-4*math.Abs(want[0]) || float64(prediction.WeightBytes) != want[1] {
		r.t.Fatalf("row %d: divergence %g and %d bytes, the table has %v", row, got, prediction.WeightBytes, want)
	}
	b, err := json.Marshal(scores)
	check(r.t, err)
	f, err := os.OpenFile(filepath.Join(r.dir, "rows.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(r.t, err)
	_, err = f.Write(append(b, '\n'))
	check(r.t, err)
	check(r.t, f.Close())
	return scores
}

func (r *recorder) write(rows [][]study.ChunkScore) {
	rec := &replay.Recording{
		Model: r.spec.Model.Digest, Text: r.spec.Quality.Text.Digest, Runtime: r.runtime.RuntimeInfo, Context: r.spec.Workload.Context,
	}
	for _, row := range rows {
		for i := range row {
			for _, x := range []*float64{&row[i].NLL, &row[i].NLL2, &row[i].KLD, &row[i].KLD2} {
				short, err := strconv.ParseFloat(strconv.FormatFloat(*x, 'g', 6, 64), 64)
				check(r.t, err)
				*x = short
			}
		}
		rec.Add(row)
	}
	b, err := json.Marshal(rec)
	check(r.t, err)
	check(r.t, os.WriteFile(filepath.Join(r.dir, "chunks.json"), append(b, '\n'), 0o600))
}
