package replay

import (
	"math"

	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// The metrics of the demo's table, in the order of its values.
const (
	divergence = "quality.kld"
	size       = "size.weights"
	latency    = "latency.decode"
)

var tableMetrics = []string{divergence, size, latency}

// Bench is a table with the scores of every chunk of its rows.
type Bench struct {
	terms   fidelity.Terms
	table   *problems.Table // values are those of all chunks
	problem problems.Problem
	scores  [][]study.ChunkScore
	points  [][]float64    // of the table, less is better
	rows    map[string]int // by the key of the assignment
}

// NewBench joins a table with a recording. Objectives are the first so many of
// the table's: divergence, size, latency. The divergence is that of the
// recording's chunks.
func NewBench(t *problems.Table, rec *Recording, objectives int) (*Bench, error) {
	if len(t.Rows) != len(rec.Rows) || objectives < 2 || objectives > len(t.Directions) || len(t.Directions) != len(tableMetrics) {
		return nil, fault.New(fault.Invalid, "cannot join a table of %d rows and %d objectives with a recording of %d rows for %d objectives",
			len(t.Rows), len(t.Directions), len(rec.Rows), objectives)
	}
	b := &Bench{terms: fidelity.Terms{Chunks: len(rec.Count)}, rows: map[string]int{}}
	for i := range objectives {
		b.terms.Objectives = append(b.terms.Objectives, study.Objective{Metric: tableMetrics[i], Direction: t.Directions[i]})
	}
	b.table = &problems.Table{Knobs: t.Knobs, Directions: t.Directions[:objectives], Neutral: t.Neutral, Plan: t.Plan}
	if t.Reference != nil {
		b.table.Reference = t.Reference[:objectives]
	}
	for i, row := range t.Rows {
		chunks := rec.Chunks(i)
		values := append([]float64{study.QualityValues(chunks)[divergence].Value}, row.Values[1:objectives]...)
		b.table.Rows = append(b.table.Rows, problems.Row{Assignment: row.Assignment, Values: values, Variant: row.Variant})
		b.scores = append(b.scores, chunks)
	}
	b.problem = b.table.Problem("table")
	for i, row := range b.table.Rows {
		b.rows[row.Assignment.Key()] = i
		b.points = append(b.points, pareto.Orient(row.Values, b.table.Directions))
	}
	return b, nil
}

// Trial is what is known of a row before it is measured: its size; and as
// features the knobs and the logarithms of what the table's plan says.
func (b *Bench) Trial(row int) fidelity.Trial {
	r := b.table.Rows[row]
	t := fidelity.Trial{Exact: map[string]float64{size: r.Values[1]}, Features: fidelity.Encode(b.table.Knobs, r.Assignment)}
	known := []float64{r.Values[1]}
	if b.problem.Predict != nil {
		known = b.problem.Predict(r.Assignment).Features
	}
	for _, x := range known {
		t.Features = append(t.Features, math.Log1p(x))
	}
	return t
}

// past is a row as a complete trial.
func (b *Bench) past(number, row int) fidelity.Past {
	p := fidelity.Past{Number: number, Values: map[string]float64{}, Scores: b.scores[row], Features: b.Trial(row).Features}
	for i, o := range b.terms.Objectives {
		p.Values[o.Metric] = b.table.Rows[row].Values[i]
	}
	return p
}
