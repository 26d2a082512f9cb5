package problems_test

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// TestLeads: the mean lead of one sampler over another in the share at the last
// trial, paired by seed, has an interval above 0.
func TestLeads(t *testing.T) {
	for _, c := range []struct {
		problem, sampler, rival string
		seeds, trials           int
	}{
		{"zdt1", search.TPE, search.Random, 8, 100}, // tpe is not reproducible: the lead has room
		{"zdt1", search.MOTPE, search.TPE, 6, 100},
		{"dtlz2-3", search.MOTPE, search.Random, 4, 60},
		{"layers24-2", search.MOTPE, search.Random, 4, 80},
		{"conditional", search.MOTPE, search.Random, 6, 60},
		{"osy", search.MOTPE, search.Random, 6, 100},
		{"layers24-3", search.NSGA2, search.Random, 4, 100},
		{"zdt1", search.NSGA2, search.Random, 4, 100},
		{"rosenbrock4", search.CMAES, search.Random, 6, 100},
		{"dtlz2-2", search.CMAES, search.Random, 4, 60},
	} {
		p, ok := problems.Lookup(c.problem)
		if !ok {
			t.Fatalf("no problem %s", c.problem)
		}
		got, err := problems.Compare(p, c.sampler, c.rival, c.seeds, c.trials)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, %d trials: %s %.3f, %s %.3f, lead %+.3f", c.problem, c.trials, c.sampler, got[0].A, c.rival, got[0].B, got[0].Lead)
		if got[0].Lead.Low <= 0 {
			t.Errorf("%s: %s leads %s by %.3f", c.problem, c.sampler, c.rival, got[0].Lead)
		}
	}
}

func TestRunNeverPassesTheFront(t *testing.T) {
	p := problems.ZDT1(2, 4) // 16 assignments: 20 trials exhaust it
	for _, name := range search.Samplers() {
		shares, err := problems.Run(p, name, 1, 20)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < len(shares); n++ {
			if shares[n] < shares[n-1] {
				t.Errorf("%s: the share falls to %v at trial %d", name, shares[n], n)
			}
		}
		if last := shares[len(shares)-1]; math.Abs(last-1) > 1e-12 {
			t.Errorf("%s: all assignments together have a share of %v", name, last)
		}
	}
}

func TestMean(t *testing.T) {
	got := problems.Mean([]float64{1, 2, 3, 4, 5}) // s = 1.5811, t(4) = 2.776
	want := problems.Interval{Mean: 3, Low: 1.037, High: 4.963}
	if math.Abs(got.Mean-want.Mean)+math.Abs(got.Low-want.Low)+math.Abs(got.High-want.High) > 0.002 {
		t.Errorf("interval %v, want %v", got, want)
	}
}

// table has six assignments: "deep" is active under one of the types. Rows 4
// and 6 are one variant.
const table = `{
 "knobs": [{"name": "type", "choice": ["a", "b"]}, {"name": "n", "int": [0, 1]},
           {"name": "deep", "int": [1, 2], "when": {"type": ["b"]}}],
 "directions": ["min", "max"],
 "rows": [
  {"assignment": {"type": "a", "n": 0}, "values": [1, 5]},
  {"assignment": {"type": "a", "n": 1}, "values": [2, 9]},
  {"assignment": {"type": "b", "n": 1, "deep": 2}, "values": [3, 5]},
  {"assignment": {"type": "b", "n": 1, "deep": 1}, "values": [2, 6], "variant": 7},
  {"assignment": {"type": "b", "n": 0, "deep": 2}, "values": null, "infeasible": true},
  {"assignment": {"type": "b", "n": 0, "deep": 1}, "values": [2, 10], "variant": 7}
 ]}`

func readTable(t *testing.T, text string) *problems.Table {
	t.Helper()
	got, err := problems.ReadTable(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTableHasARowForEveryAssignment(t *testing.T) {
	p := readTable(t, table).Problem("small")
	// The worst values are 3 and 5; (2, 9) lies (1, 4) from them, (1, 5) on an
	// edge. Row 6 counts as row 4.
	if p.Best != 4 {
		t.Errorf("the front's hypervolume is %v, want 4", p.Best)
	}
	b := func(n, deep float64) study.Assignment {
		return study.Assignment{"type": study.Text("b"), "n": study.Number(n), "deep": study.Number(deep)}
	}
	for i, c := range []struct {
		asked, identity study.Assignment
		values          []float64 // nil is infeasible
	}{
		{study.Assignment{"type": study.Text("a"), "n": study.Number(1)}, nil, []float64{2, 9}},
		{b(1, 2), nil, []float64{3, 5}},
		{b(1, 1), nil, []float64{2, 6}},
		{b(0, 2), nil, nil},
		{b(0, 1), b(1, 1), []float64{2, 6}},
	} {
		if c.identity == nil {
			c.identity = c.asked
		}
		if o := p.Trial(c.asked); !slices.Equal(o.Values, c.values) || o.Infeasible != (c.values == nil) {
			t.Errorf("case %d: outcome %+v, want %v", i, o, c.values)
		}
		if key, err := p.Key(c.asked); key != c.identity.Key() || err != nil {
			t.Errorf("case %d: the key is %s, want %s (%v)", i, key, c.identity.Key(), err)
		}
	}
}

func TestTableWithReference(t *testing.T) {
	p := readTable(t, strings.Replace(table, `"rows"`, `"reference": [4, 4], "rows"`, 1)).Problem("small")
	// (1, 5), (2, 9) and (3, 5), from (4, 4): 1·1 + 2·5.
	if p.Best != 11 {
		t.Errorf("the front's hypervolume is %v, want 11", p.Best)
	}
}

func TestTableRefusals(t *testing.T) {
	cases := map[string][2]string{
		"cannot read the table":                             {`"rows"`, `"lines"`},
		"cannot read the table: invalid":                    {`]}`, `]`},
		"1 values for 2":                                    {`[2, 9]`, `[2]`},
		"row 2 repeats":                                     {`"type": "a", "n": 1`, `"type": "a", "n": 0`},
		"in row 3 knob n cannot be 5":                       {`"n": 1, "deep": 2`, `"n": 5, "deep": 2`},
		"knob type cannot be c":                             {`"type": "b", "n": 0, "deep": 2`, `"type": "c", "n": 0, "deep": 2`},
		`row 2 has {"deep":2,"n":1,"type":"a"}, which lies`: {`"type": "a", "n": 1`, `"type": "a", "n": 1, "deep": 2`},
		`which lies on the grid at {"deep":1,"n":1`:         {`"n": 1, "deep": 2`, `"n": 1`},
		`it has no row for {"n":0,"type":"c"}`:              {`["a", "b"]`, `["a", "b", "c"]`},
		`it has no row for {"n":2,"type":"a"}`:              {`"int": [0, 1]`, `"int": [0, 2000000000]`},
		"cannot use the table's knobs":                      {`"int": [0, 1]`, `"int": [1, 0]`},
		"reference has 1 values for 2":                      {`"rows"`, `"reference": [4], "rows"`},
	}
	for want, c := range cases {
		_, err := problems.ReadTable(strings.NewReader(strings.Replace(table, c[0], c[1], 1)))
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	empty := `{"knobs": [], "directions": ["min"], "rows": [{"assignment": {}, "values": null, "infeasible": true}]}`
	if _, err := problems.ReadTable(strings.NewReader(empty)); err == nil || !strings.Contains(err.Error(), "no row is feasible") {
		t.Errorf("a table without a feasible row: %v", err)
	}
}

// TestSearchOfATable: no recipe is asked twice, so as many trials as recipes
// find the whole front.
func TestSearchOfATable(t *testing.T) {
	p := readTable(t, table).Problem("small")
	for _, name := range []string{search.TPE, search.Random, search.Sobol} {
		shares, err := problems.Run(p, name, 1, 5)
		if err != nil {
			t.Fatal(err)
		}
		if shares[4] != 1 {
			t.Errorf("%s: after all recipes the share is %v", name, shares[4])
		}
	}
}

// BenchmarkTable compares gp with random on a recorded table of real variants
// of the demo model (testdata/demo.json), or on the file that FETTLE_TABLE
// names, in the form of problems.Table. Ten seeds; the figures are shares of the
// hypervolume of the table's front, with 95 % intervals.
func BenchmarkTable(b *testing.B) {
	path := os.Getenv("FETTLE_TABLE")
	if path == "" {
		path = "testdata/demo.json"
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	table, err := problems.ReadTable(f)
	if err != nil {
		b.Fatal(err)
	}
	p := table.Problem(path)
	for b.Loop() {
		got, err := problems.Compare(p, search.GP, search.Random, 10, 20, 40, 60)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range got {
			b.Logf("%d rows, %d trials: gp %.3f, random %.3f, lead %+.3f", len(table.Rows), c.Trials, c.A, c.B, c.Lead)
		}
		last := got[len(got)-1]
		b.ReportMetric(last.A.Mean, "gp-share")
		b.ReportMetric(last.B.Mean, "random-share")
		b.ReportMetric(last.Lead.Low, "lead-low")
	}
}
