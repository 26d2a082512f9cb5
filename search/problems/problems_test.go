package problems_test

import (
	"math"
	"os"
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

const table = `{
 "knobs": [{"name": "type", "choice": ["a", "b"]}, {"name": "n", "int": [0, 4]},
           {"name": "deep", "int": [1, 3], "when": {"type": ["b"]}}],
 "directions": ["min", "max"],
 "rows": [
  {"assignment": {"type": "a", "n": 0}, "values": [1, 5]},
  {"assignment": {"type": "a", "n": 3}, "values": [2, 9]},
  {"assignment": {"type": "b", "n": 4, "deep": 1}, "values": [3, 5]},
  {"assignment": {"type": "b", "n": 0, "deep": 3}, "values": null, "infeasible": true}
 ]}`

func readTable(t *testing.T, text string) *problems.Table {
	t.Helper()
	got, err := problems.ReadTable(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTableTakesTheNearestRow(t *testing.T) {
	p := readTable(t, table).Problem("small")
	// The worst values are 3 and 5; (2, 9) lies (1, 4) from them, (1, 5) on an edge.
	if p.Best != 4 {
		t.Errorf("the front's hypervolume is %v, want 4", p.Best)
	}
	used := map[string]bool{}
	cases := []struct {
		asked study.Assignment
		want  int // n of the row
		kind  string
	}{
		{study.Assignment{"type": study.Text("a"), "n": study.Number(3)}, 3, "a"}, // in the table
		{study.Assignment{"type": study.Text("a"), "n": study.Number(3)}, 0, "a"}, // used: the next nearest
		{study.Assignment{"type": study.Text("b"), "n": study.Number(1), "deep": study.Number(2)}, 0, "b"},
		{study.Assignment{"type": study.Text("a"), "n": study.Number(0)}, 4, "b"}, // the last row left
		{study.Assignment{"type": study.Text("a"), "n": study.Number(1)}, 0, "a"}, // all used: the nearest of all
	}
	for i, c := range cases {
		a, o := p.Trial(c.asked, func(a study.Assignment) bool { return used[a.Key()] })
		used[a.Key()] = true
		if a["n"].Int() != c.want || a["type"].String() != c.kind {
			t.Errorf("case %d: %v stands for %v", i, c.asked, a)
		}
		if o.Infeasible != (c.kind == "b" && c.want == 0) {
			t.Errorf("case %d: outcome %v", i, o)
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
		"cannot read the table":          {`"rows"`, `"lines"`},
		"1 values for 2":                 {`[2, 9]`, `[2]`},
		"row 2 repeats":                  {`"n": 3`, `"n": 0`},
		"in row 3 knob n cannot":         {`"n": 4`, `"n": 5`},
		"knob type cannot be c":          {`"type": "b", "n": 4`, `"type": "c", "n": 4`},
		"cannot read the table: invalid": {`]}`, `]`},
		"reference has 1 values for 2":   {`"rows"`, `"reference": [4], "rows"`},
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

// TestSearchOfATable: every trial lands on a row of its own, so as many trials
// as rows find the whole front.
func TestSearchOfATable(t *testing.T) {
	p := readTable(t, table).Problem("small")
	for _, name := range []string{search.TPE, search.Random, search.Sobol} {
		shares, err := problems.Run(p, name, 1, 4)
		if err != nil {
			t.Fatal(err)
		}
		if shares[3] != 1 {
			t.Errorf("%s: after all rows the share is %v", name, shares[3])
		}
	}
}

// BenchmarkTable compares tpe with random on a recorded table of real variants
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
		got, err := problems.Compare(p, search.TPE, search.Random, 10, 20, 40, 60)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range got {
			b.Logf("%d rows, %d trials: tpe %.3f, random %.3f, lead %+.3f", len(table.Rows), c.Trials, c.A, c.B, c.Lead)
		}
		last := got[len(got)-1]
		b.ReportMetric(last.A.Mean, "tpe-share")
		b.ReportMetric(last.B.Mean, "random-share")
		b.ReportMetric(last.Lead.Low, "lead-low")
	}
}
