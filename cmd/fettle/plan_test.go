//go:build bench

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/configs"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

// planTerms are the knobs that together decide one part of what is known of a
// variant of the demo model. Tensors of a block depend on the type of their
// group, and on how many blocks are left; so sizes are sums of these parts.
var planTerms = [][]string{
	{"truncate.depth", "prune.attention", "prune.ffn"},
	{"quant.default", "quant.attention", "truncate.depth", "prune.attention"},
	{"quant.default", "quant.ffn_down", "truncate.depth", "prune.ffn"},
	{"quant.default", "quant.embedding"},
	{"runtime.flash", "runtime.kv", "truncate.depth", "prune.attention"},
}

// TestPlanTable adds to the table of the demo model what compress knows of
// every assignment without measuring it:
//
//	FETTLE_TABLE=search/problems/testdata/demo.json go test -tags bench -run PlanTable ./cmd/fettle
//
// The terms are found by planning their assignments with all other knobs at
// their first value, and checked by planning every assignment of the space.
func TestPlanTable(t *testing.T) {
	path := os.Getenv("FETTLE_TABLE")
	if path == "" {
		t.Log("nothing to plan: FETTLE_TABLE is not set")
		return
	}
	if !os.IsPathSeparator(path[0]) {
		path = "../../" + path
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table, err := problems.ReadTable(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	know := demoPlanner(t)
	table.Plan = &problems.Plan{
		Features: []string{"size.weights", "size.kv", "operations"},
		Known:    map[int]int{1: 0}, // the demo's second objective is size.weights
	}
	for _, names := range planTerms {
		table.Plan.Terms = append(table.Plan.Terms, findTerm(table, names, know))
	}
	checked := 0
	eachAssignment(table.Knobs, nil, study.Assignment{}, func(a study.Assignment) {
		if got, want := table.Plan.Of(table.Knobs, a), know(a); !slices.Equal(got, want) {
			t.Fatalf("the terms of %v give %v, its plan %v", a, got, want)
		}
		checked++
	})
	var out bytes.Buffer
	if err := json.NewEncoder(&out).Encode(table); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d assignments agree", checked)
}

// demoPlanner returns what is known of an assignment for the bundled model. No
// half block is ranked by measurement here: all blocks of a kind have the same
// size, so it does not matter which ones are left out.
func demoPlanner(t *testing.T) func(study.Assignment) []float64 {
	file, err := configs.WriteDemo(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, m, err := loadStudy(file)
	if err != nil {
		t.Fatal(err)
	}
	n := m.Info().Blocks
	ranking := &study.Ranking{Attention: make([]float64, n), FFN: make([]float64, n)}
	return func(a study.Assignment) []float64 {
		_, p, err := m.Plan(&f.Spec, ranking, a)
		if err != nil {
			t.Fatal(err)
		}
		return []float64{float64(p.WeightBytes), float64(p.KVBytes), float64(p.OpsPerToken)}
	}
}

// findTerm is what the knobs of a term add to the terms before it.
func findTerm(table *problems.Table, names []string, know func(study.Assignment) []float64) problems.Term {
	term := problems.Term{Knobs: names}
	rows, err := term.Rows(table.Knobs)
	if err != nil {
		panic(err)
	}
	term.Values = make([][]float64, rows)
	for i := range term.Values {
		term.Values[i] = make([]float64, len(table.Plan.Features))
	}
	eachAssignment(table.Knobs, names, study.Assignment{}, func(a study.Assignment) {
		row := term.Row(table.Knobs, a)
		before := table.Plan.Of(table.Knobs, a)
		for f, x := range know(a) {
			term.Values[row][f] = x - before[f]
		}
	})
	return term
}

// eachAssignment visits the assignments in which the named knobs have every
// value and the others their first; no names are all. Knobs come after those
// that they depend on.
func eachAssignment(knobs []study.Knob, names []string, a study.Assignment, visit func(study.Assignment)) {
	if len(knobs) == 0 {
		visit(maps.Clone(a))
		return
	}
	k := knobs[0]
	if !k.Active(a) {
		eachAssignment(knobs[1:], names, a, visit)
		return
	}
	size := int(k.Size())
	if names != nil && !slices.Contains(names, k.Name) {
		size = 1
	}
	for l := range size {
		if k.Int != nil {
			a[k.Name] = study.Number(float64(k.Int[0] + l))
		} else {
			a[k.Name] = k.Choice[l]
		}
		eachAssignment(knobs[1:], names, a, visit)
	}
	delete(a, k.Name)
}
