package problems

import (
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// TestPlanKnowsWhatWasMeasured: for every recorded variant the plan has the
// bytes that the variant really had.
func TestPlanKnowsWhatWasMeasured(t *testing.T) {
	table, err := ReadTable(strings.NewReader(demoTable))
	if err != nil {
		t.Fatal(err)
	}
	p := Demo(true)
	different := map[float64]bool{}
	for i, row := range table.Rows {
		known := p.Predict(row.Assignment)
		if !row.Infeasible && known.Known[1] != row.Values[1] {
			t.Errorf("row %d has %v bytes of weights, the plan says %v", i+1, row.Values[1], known.Known[1])
		}
		if len(known.Features) != len(table.Plan.Features) {
			t.Errorf("row %d has %d features", i+1, len(known.Features))
		}
		different[known.Features[0]] = true
	}
	if len(different) < 100 {
		t.Errorf("the plan tells %d variants of %d apart", len(different), len(table.Rows))
	}
	if Demo(false).Predict != nil {
		t.Error("the table without predictions predicts")
	}
}

const planned = `{
 "knobs": [{"name": "type", "choice": ["a", "b"]}, {"name": "deep", "int": [1, 3], "when": {"type": ["b"]}}, {"name": "x", "float": [0, 0]}],
 "directions": ["min", "max"],
 "rows": [
  {"assignment": {"type": "a", "x": 0}, "values": [1, 5]},
  {"assignment": {"type": "b", "deep": 1, "x": 0}, "values": [2, 5]},
  {"assignment": {"type": "b", "deep": 2, "x": 0}, "values": [3, 5]},
  {"assignment": {"type": "b", "deep": 3, "x": 0}, "values": [4, 5]}
 ],
 "plan": {"features": ["size", "work"], "known": {"1": 0}, "terms": [
  {"knobs": ["deep", "type"], "values": [[0,0],[1,10], [0,0],[2,20], [0,0],[3,30], [7,70],[0,0]]},
  {"knobs": ["type"], "values": [[100,0],[200,0]]}
 ]}}`

func TestPlanSumsItsTerms(t *testing.T) {
	table, err := ReadTable(strings.NewReader(planned))
	if err != nil {
		t.Fatal(err)
	}
	predict := table.Problem("planned").Predict
	for _, c := range []struct {
		a          study.Assignment
		size, work float64
	}{
		{study.Assignment{"type": study.Text("a"), "x": study.Number(0)}, 107, 70},
		{study.Assignment{"type": study.Text("b"), "deep": study.Number(3), "x": study.Number(0)}, 203, 30},
	} {
		if got := predict(c.a); got.Features[0] != c.size || got.Features[1] != c.work || got.Known[1] != c.size || len(got.Known) != 1 {
			t.Errorf("%v: %+v, want %v and %v", c.a, got, c.size, c.work)
		}
	}
}

func TestPlanRefusals(t *testing.T) {
	for want, c := range map[string][2]string{
		`"odd", which is no knob with levels`:      {`"knobs": ["type"]`, `"knobs": ["odd"]`},
		`"x", which is no knob with levels`:        {`"knobs": ["type"]`, `"knobs": ["x"]`},
		"term 2 has 1 rows and should have 2":      {`[[100,0],[200,0]]`, `[[100,0]]`},
		"term 2 has a row of 1 numbers":            {`[100,0]`, `[100]`},
		"knows objective 1 of 2 as feature 2 of 2": {`"known": {"1": 0}`, `"known": {"1": 2}`},
		"knows objective 2 of 2 as feature 0":      {`"known": {"1": 0}`, `"known": {"2": 0}`},
	} {
		if _, err := ReadTable(strings.NewReader(strings.Replace(planned, c[0], c[1], 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestNoise(t *testing.T) {
	p := Layers(2).Noisy(0, 0.05)
	a := study.Assignment{}
	for _, k := range p.Knobs {
		a[k.Name] = study.Number(2)
	}
	o := p.Trial(a)
	var ratios []float64
	for seed := range int64(2000) {
		got := p.Observe(a, o, seed)
		if got.Values[0] != o.Values[0] || got.Noise[0] != 0 || got.Noise[1] != 0.05*o.Values[1] {
			t.Fatalf("observed %+v of %+v", got, o)
		}
		if again := p.Observe(a, o, seed); again.Values[1] != got.Values[1] {
			t.Fatal("the same observation has two values")
		}
		ratios = append(ratios, got.Values[1]/o.Values[1]-1)
	}
	mean, se := MeanError(ratios)
	if sd := se * 44.72; mean < -0.004 || mean > 0.004 || sd < 0.047 || sd > 0.053 { // √2000
		t.Errorf("the noise has mean %v and deviation %v", mean, sd)
	}
	if got := p.Observe(a, search.Outcome{Infeasible: true}, 1); got.Noise != nil {
		t.Errorf("an infeasible trial is observed as %+v", got)
	}
}
