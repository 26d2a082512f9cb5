//go:build bench

package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/search/fidelity/replay"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

// gridKnobs span the grid whose every variant is recorded.
var gridKnobs = []study.Knob{
	{Name: "quant.default", Choice: texts("F16", "Q8_0", "Q6_K", "Q5_K", "Q4_K", "Q4_0", "Q3_K", "Q2_K")},
	{Name: "quant.embedding", Choice: texts("inherit", "Q8_0", "Q4_K")},
	{Name: "prune.attention", Int: &[2]int{0, 2}},
	{Name: "prune.ffn", Int: &[2]int{0, 2}},
	{Name: "truncate.depth", Int: &[2]int{5, 6}},
}

// gridTerms are the knobs that together decide one part of what is known of a
// variant. Tensors of a block depend on the type of their group, and on how
// many blocks are left; so sizes are sums of these parts.
var gridTerms = [][]string{
	{"truncate.depth", "prune.attention", "prune.ffn"},
	{"quant.default", "truncate.depth", "prune.attention"},
	{"quant.default", "truncate.depth", "prune.ffn"},
	{"quant.default", "quant.embedding"},
}

func texts(of ...string) []study.Value {
	var values []study.Value
	for _, s := range of {
		values = append(values, study.Text(s))
	}
	return values
}

// gridTable has a row without values for every assignment.
func gridTable() *problems.Table {
	t := &problems.Table{
		Knobs: gridKnobs, Directions: []study.Direction{study.Min, study.Min, study.Min},
		Neutral: study.Assignment{
			"quant.default": study.Text("F16"), "quant.embedding": study.Text("inherit"),
			"prune.attention": study.Number(0), "prune.ffn": study.Number(0), "truncate.depth": study.Number(6),
		},
	}
	eachAssignment(gridKnobs, nil, study.Assignment{}, func(a study.Assignment) {
		t.Rows = append(t.Rows, problems.Row{Assignment: a})
	})
	return t
}

// gridWorkload is what is measured of a variant in each pass.
var gridWorkload = study.Workload{PromptTokens: 1, GenerateTokens: 48, Context: 128, WarmUp: 1, MinRepeats: 4, MaxRepeats: 4}

const gridPasses = 10

// TestRecordGrid measures every variant of a grid of the demo model and writes
// what search/problems/testdata/demo.json and search/fidelity/testdata/chunks.json
// are copies of:
//
//	FETTLE_GRID=DIR FETTLE_STEP=quality FETTLE_SECONDS=200 go test -tags bench -count=1 -run RecordGrid ./cmd/fettle
//
// and the same with FETTLE_STEP=costs, which wants a computer that does nothing
// else. It works for so many seconds and goes on where it was when it is run
// again; when all is there it writes DIR/table.json and DIR/chunks.json.
//
// Quality is evaluated on 24 chunks. The time for each token on one thread is
// measured in ten passes, each a process for every variant in a random order of
// its own, so that no variant has all its measurements in a slow minute.
func TestRecordGrid(t *testing.T) {
	dir, step := os.Getenv("FETTLE_GRID"), os.Getenv("FETTLE_STEP")
	if dir == "" {
		t.Log("nothing to record: FETTLE_GRID is not set")
		return
	}
	seconds, err := strconv.ParseFloat(os.Getenv("FETTLE_SECONDS"), 64)
	check(t, err)
	r := newRecorder(t, dir)
	r.prepare()
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	rows, costs := lines[[]study.ChunkScore](t, r.path("rows.jsonl")), lines[cost](t, r.path("costs.jsonl"))
	for step == "quality" && len(rows) < len(r.table.Rows) && time.Now().Before(end) {
		recipe, _ := r.recipe(len(rows))
		rows = append(rows, r.evaluate(recipe, 0, recordedChunks, false))
		appendLine(t, r.path("rows.jsonl"), rows[len(rows)-1])
	}
	for step == "costs" && len(costs) < gridPasses*len(r.table.Rows) && time.Now().Before(end) {
		costs = append(costs, r.measure(len(costs)))
		appendLine(t, r.path("costs.jsonl"), costs[len(costs)-1])
	}
	t.Logf("%d rows evaluated, %d measurements", len(rows), len(costs))
	if len(rows) == len(r.table.Rows) && len(costs) == gridPasses*len(rows) {
		r.writeTable(rows, costs)
		r.writeChunks(rows)
	}
}

func (r *recorder) path(name string) string { return filepath.Join(r.dir, name) }

// cost is one measurement of a row: the median time of a token, in seconds.
type cost struct {
	Row    int     `json:"row"`
	Decode float64 `json:"decode"`
}

// measure makes the n-th measurement.
func (r *recorder) measure(n int) cost {
	count := len(r.table.Rows)
	row := rand.New(rand.NewPCG(1, uint64(n/count))).Perm(count)[n%count]
	recipe, _ := r.recipe(row)
	run := recipe.Run
	run.Threads = 1
	var tokens []float64
	_, err := r.runner.Profile(r.t.Context(), job.Profile{Model: r.build(recipe), Run: run, Workload: gridWorkload, Seed: 1}, func(m job.Message) {
		if m.Repetition != nil && !m.Repetition.Discarded {
			tokens = append(tokens, study.Median(m.Repetition.Decode))
		}
	})
	check(r.t, err)
	return cost{row, study.Median(tokens)}
}

// level is the number of measurements to either side of one over which the
// level of the computer at that time is taken.
const level = 15

// steady returns the time of a token of every variant: the median of its
// measurements, each freed of how slow the computer was at that time. That is
// the median of how much the measurements around it lie above their variants'
// medians, on a logarithmic scale (Tukey's median polish). variant is that of
// each row.
func steady(costs []cost, variant []int) (median, deviation []float64) {
	logs := make([]float64, len(costs))
	for i, c := range costs {
		logs[i] = math.Log(c.Decode)
	}
	at := make([]float64, 1+slices.Max(variant))
	medians := func() {
		of := make([][]float64, len(at))
		for i, c := range costs {
			v := variant[c.Row]
			of[v] = append(of[v], logs[i])
		}
		for v := range at {
			at[v] = study.Median(of[v])
		}
	}
	for range 3 {
		medians()
		drift := make([]float64, len(costs))
		for i := range costs {
			var near []float64
			for k := max(0, i-level); k <= min(len(costs)-1, i+level); k++ {
				near = append(near, logs[k]-at[variant[costs[k].Row]])
			}
			drift[i] = study.Median(near)
		}
		for i := range logs {
			logs[i] -= drift[i]
		}
	}
	medians()
	deviation = make([]float64, len(costs))
	for i, c := range costs {
		deviation[i] = math.Abs(logs[i] - at[variant[c.Row]])
	}
	for v := range at {
		at[v] = math.Exp(at[v])
	}
	return at, deviation
}

func (r *recorder) writeTable(rows [][]study.ChunkScore, costs []cost) {
	t := r.table
	variant := r.variants()
	times, deviation := steady(costs, variant)
	r.t.Logf("%d variants; a measurement deviates from its variant's median by %.1f %% in the median", 1+slices.Max(variant), 100*study.Median(deviation))
	known := r.known()
	for i := range t.Rows {
		row := &t.Rows[i]
		row.Values = []float64{study.QualityValues(rows[i])["quality.kld"].Value, known(row.Assignment)[0], times[variant[i]]}
		row.Variant = 1 + variant[i]
		for k, x := range row.Values {
			row.Values[k] = short(r.t, x, 8)
		}
		if row.Assignment.Key() == t.Neutral.Key() {
			t.Reference = []float64{worstDamage, row.Values[1], row.Values[2]}
		}
	}
	r.plan(known)
	b, err := json.Marshal(t)
	check(r.t, err)
	check(r.t, os.WriteFile(r.path("table.json"), append(b, '\n'), 0o600))
}

// variants numbers the recipes: rows of one recipe have the same number.
func (r *recorder) variants() []int {
	numbers, of := map[string]int{}, []int(nil)
	for row := range r.table.Rows {
		recipe, _ := r.recipe(row)
		key := recipe.Key()
		if _, ok := numbers[key]; !ok {
			numbers[key] = len(numbers)
		}
		of = append(of, numbers[key])
	}
	return of
}

// worstDamage is the divergence, in nats for each token, beyond which a variant
// is of no use.
const worstDamage = 0.5

func (r *recorder) writeChunks(rows [][]study.ChunkScore) {
	rec := &replay.Recording{
		Model: r.spec.Model.Digest, Text: r.spec.Quality.Text.Digest, Runtime: r.runtime.RuntimeInfo, Context: r.spec.Workload.Context,
	}
	for _, row := range rows {
		for i := range row {
			for _, x := range []*float64{&row[i].NLL, &row[i].NLL2, &row[i].KLD, &row[i].KLD2} {
				*x = short(r.t, *x, 6)
			}
		}
		rec.Add(row)
	}
	b, err := json.Marshal(rec)
	check(r.t, err)
	check(r.t, os.WriteFile(r.path("chunks.json"), append(b, '\n'), 0o600))
}

// short rounds to so many digits.
func short(t *testing.T, x float64, digits int) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	check(t, err)
	return y
}
