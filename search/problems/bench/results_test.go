package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search/problems"
)

// made makes a record whose score after n trials is 1 - worst/n (less 1 from
// 1 for one objective).
func made(problem, sampler string, seed int64, trials int, worst float64) Record {
	r := Record{Key: Key{Problem: problem, Print: "p", Sampler: sampler, Seed: seed, Trials: trials, Outstanding: 1}}
	for n := 1; n <= trials; n++ {
		r.Share = append(r.Share, 1-worst/float64(n))
		r.Feasible = append(r.Feasible, n%5 != 0)
		if problem == "one" {
			r.Value = append(r.Value, worst/float64(n))
		}
		r.Ask, r.Tell, r.Prepare = append(r.Ask, 0.003), append(r.Tell, 0.001), append(r.Prepare, 0.5)
	}
	return r
}

func twoProblems() []Problem {
	return []Problem{
		{Name: "two", Print: "p", Objectives: 2, Constraints: 1}, {Name: "one", Print: "p", Objectives: 1},
		{Name: "two-noisy", Print: "p", Objectives: 2, Quiet: "two"},
		{Name: "demo", Print: "p", Objectives: 2}, {Name: "demo-predictions", Print: "p", Objectives: 2},
	}
}

func someResults() *Results {
	var records []Record
	for seed := range int64(3) {
		spread := 0.01 * float64(seed)
		for _, p := range []string{"two", "one"} {
			records = append(records, made(p, "good", seed, 200, 0.5+spread), made(p, "poor", seed, 200, 2+2*spread))
		}
		eight := made("two", "good", seed, 200, 6)
		eight.Outstanding = 8
		records = append(records, eight, made("two-noisy", "good", seed, 200, 3),
			made("demo", "poor", seed, 200, 5), made("demo", "good", seed, 200, 2), made("demo-predictions", "good", seed, 200, 1))
	}
	other := made("two", "good", 7, 200, 0.9)
	other.Print = "an older definition"
	slow := made("two", "good", 0, 300, 0.5)
	slow.Prepare[0], slow.Ask[1] = 1.5, 0.2
	return Collect(twoProblems(), append(records, other, slow, made("two", "poor", 0, 100, 9)))
}

func TestRunsTakeOneForEachSeed(t *testing.T) {
	r := someResults()
	runs := r.Runs(Curve{"two", "poor", 1, budget})
	if len(runs) != 3 || runs[0].Trials != 200 {
		t.Errorf("%d runs, the first of %d trials", len(runs), runs[0].Trials)
	}
	if got := r.At(Curve{"two", "good", 1, budget}, 100); got.Seeds != 3 || math.Abs(got.Mean-(1-0.51/100)) > 1e-12 {
		t.Errorf("after 100 trials: %v", got)
	}
	if got := r.At(Curve{"one", "good", 1, budget}, 100); math.Abs(got.Mean-0.0051) > 1e-12 {
		t.Errorf("one objective after 100 trials: %v", got)
	}
	if got := r.At(Curve{"two", "nobody", 1, budget}, 100); got.String() != "–" {
		t.Errorf("a sampler that was not run: %v", got)
	}
}

func TestLeadIsPositiveWhereBetter(t *testing.T) {
	r := someResults()
	for _, p := range []string{"two", "one"} {
		good, poor := Curve{p, "good", 1, budget}, Curve{p, "poor", 1, budget}
		if lead, ok := r.Lead(good, poor, 50); !ok || lead.Low <= 0 {
			t.Errorf("%s: the better one leads by %v", p, lead)
		}
		if lead, ok := r.Lead(poor, good, 50); !ok || lead.High >= 0 {
			t.Errorf("%s: the worse one leads by %v", p, lead)
		}
	}
	if _, ok := r.Lead(Curve{"two", "good", 1, budget}, Curve{"two", "nobody", 1, budget}, 50); ok {
		t.Error("a lead over a sampler that was not run")
	}
}

func TestTable(t *testing.T) {
	got := someResults().Table([]string{"good", "poor", "nobody"})
	for _, want := range []string{"| two | good | 0.980 ± 0.000 | 0.990 ± 0.000 | 0.995 ± 0.000 | 0.997 ± 0.000 | 3 |\n", "| one | poor |"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "nobody") || strings.Count(got, "\n") != 10 {
		t.Errorf("%s", got)
	}
}

func TestGoals(t *testing.T) {
	r := someResults()
	good, poor := r.Goals("good", []string{"poor"}), r.Goals("poor", []string{"good"})
	for _, want := range []string{
		"two: at 50 trials what the best peer has at 100 | 0.990 ± 0.000; poor 0.980 ± 0.000 | yes |",
		"| below in 0 of 9 comparisons | yes |",
		"| 0.960 ± 0.000 (without predictions 0.920 ± 0.000); poor 0.950 ± 0.000 | yes |",
		"two: 8 outstanding asks lose at most 3 % at 100 | 5.5 %", "two: 8 outstanding asks lose at most 3 % at 200 | 2.8 %",
		"two-noisy: loses less than 3 % at 100 trials | 2.5 %",
		"two: 80 % of asks feasible after 30 trials | 80.0 % | yes |",
	} {
		if !strings.Contains(good, want) {
			t.Errorf("no %q in\n%s", want, good)
		}
	}
	if !strings.Contains(poor, "two at 25 under good") || !strings.Contains(poor, "one at 200 under good") || !strings.Contains(poor, "**no**") {
		t.Errorf("the worse sampler:\n%s", poor)
	}
	if strings.Contains(good, "two-noisy: at 50") {
		t.Errorf("a noisy problem is not in the list of the first goal:\n%s", good)
	}
}

func TestTimes(t *testing.T) {
	got := someResults().Times("two")
	// One of 300 asks takes 201 ms; the work ahead of one takes half a second too long.
	if want := "| good | 1–300 | 4 ms | 4 ms | 504 ms | 504 ms | 508 ms | 0.3 % |\n"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
	if strings.Contains(got, "poor") {
		t.Errorf("runs of 200 trials are not for timing:\n%s", got)
	}
}

// TestSVG: the picture is well formed, and has a line and a band for every
// curve.
func TestSVG(t *testing.T) {
	picture := someResults().SVG([]string{"good", "poor"})
	paths := 0
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range e.Attr {
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Errorf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
			}
			if a.Name.Local == "fill-opacity" {
				paths++
			}
		}
	}
	if paths != 8 { // two, one: both samplers; two-noisy, demo-predictions: one; demo: both
		t.Errorf("%d bands, want 8", paths)
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	r := made("one", "good", 3, 5, 1)
	line, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(string(line) + string(line) + `{"problem":"cut o`)
	if err != nil || len(got) != 2 || got[1].Key != r.Key || math.Abs(got[1].Share[2]-r.Share[2]) > 1e-9 || got[1].Value[4] != r.Value[4] {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Read("{}\nx\n"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a line that is no record: %v", err)
	}
}

func TestPrintTellsDefinitionsApart(t *testing.T) {
	prints := map[string]string{}
	for _, p := range []problems.Problem{problems.ZDT1(12, 0), problems.ZDT1(11, 0), problems.ZDT1(12, 5), problems.ZDT2(12), problems.ZDT1(12, 0).Noisy(0.1, 0.1), problems.Demo(true), problems.Demo(false)} {
		print, err := Print(p)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Print(p); again != print {
			t.Errorf("%s has the prints %s and %s", p.Name, print, again)
		}
		if other, ok := prints[print]; ok {
			t.Errorf("%s and %s have the same print", p.Name, other)
		}
		prints[print] = p.Name
	}
}

func TestFill(t *testing.T) {
	got, err := Fill("a\n<!-- x -->\nold\n<!-- end of x -->\nb", "x", "new\n")
	if err != nil || got != "a\n<!-- x -->\nnew\n<!-- end of x -->\nb" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "<!-- x -->\n"} {
		if _, err := Fill(bad, "x", ""); err == nil {
			t.Errorf("%q was filled", bad)
		}
	}
}
