//go:build bench

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/configs"
	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

const (
	recordedChunks = 24
	rankedChunks   = 4 // that follow them, on which half blocks are ranked
)

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
	r := &recorder{t: t, dir: dir, table: gridTable()}
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

// build returns the files of a recipe's variant.
func (r *recorder) build(recipe study.Recipe) []string {
	refs, _, err := r.builder.Build(r.t.Context(), r.model, recipe)
	check(r.t, err)
	files, err := r.store.Files(refs)
	check(r.t, err)
	return files
}

// evaluate scores chunks of a recipe's variant.
func (r *recorder) evaluate(recipe study.Recipe, first, chunks int, save bool) []study.ChunkScore {
	files := r.build(recipe)
	run := recipe.Run
	run.Threads = 1 // other work may go on beside it
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

// prepare scores the original and ranks its half blocks as a study does.
func (r *recorder) prepare() {
	_, baseline, _, err := r.model.BaselinePlan(&r.spec)
	check(r.t, err)
	if _, err := os.Stat(filepath.Join(r.dir, "base.logits")); errors.Is(err, fs.ErrNotExist) {
		r.evaluate(baseline, 0, recordedChunks+rankedChunks, true)
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
			return study.QualityValues(r.evaluate(recipe, recordedChunks, rankedChunks, false))["quality.kld"].Value
		}
		r.ranking.Attention = append(r.ranking.Attention, damage(compress.Attention))
		r.ranking.FFN = append(r.ranking.FFN, damage(compress.FFN))
	}
	b, err := json.Marshal(r.ranking)
	check(r.t, err)
	check(r.t, os.WriteFile(ranked, b, 0o600))
}

// recipe is the variant of a row.
func (r *recorder) recipe(row int) (study.Recipe, study.Prediction) {
	recipe, prediction, err := r.model.Plan(&r.spec, r.ranking, r.table.Rows[row].Assignment)
	check(r.t, err)
	return recipe, prediction
}

// lines reads the values of a file of JSON lines; none if there is no file.
func lines[T any](t *testing.T, path string) (values []T) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	check(t, err)
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var v T
		check(t, json.Unmarshal(s.Bytes(), &v))
		values = append(values, v)
	}
	check(t, s.Err())
	return values
}

// appendLine writes a value to the end of a file of JSON lines.
func appendLine(t *testing.T, path string, v any) {
	b, err := json.Marshal(v)
	check(t, err)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(t, err)
	_, err = f.Write(append(b, '\n'))
	check(t, err)
	check(t, f.Close())
}
