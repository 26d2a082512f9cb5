package explain_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// grid is a search over a, b and c of 4 levels each, d that counts for nothing
// and e that counts while d is 0.
func grid(objectives ...study.Direction) search.Config {
	cfg := search.Config{Directions: objectives, Sampler: search.Random, Seed: 3, Budget: 200}
	for _, name := range []string{"a", "b", "c"} {
		cfg.Knobs = append(cfg.Knobs, study.Knob{Name: name, Choice: []study.Value{study.Number(0), study.Number(1), study.Number(2), study.Number(3)}})
	}
	cfg.Knobs = append(cfg.Knobs, study.Knob{Name: "d", Int: &[2]int{0, 1}},
		study.Knob{Name: "e", Float: &[2]float64{0, 1}, When: map[string][]study.Value{"d": {study.Number(0)}}})
	return cfg
}

// told tells n trials of f.
func told(t testing.TB, cfg search.Config, n int, f func(a study.Assignment) search.Outcome) search.Sampler {
	t.Helper()
	s := newSampler(t, cfg)
	for i := range n {
		if err := s.Tell(i, f(ask(t, s, i).Assignment)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func newSampler(t testing.TB, cfg search.Config) search.Sampler {
	t.Helper()
	s, err := search.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(t testing.TB, s search.Sampler, n int) search.Suggestion {
	t.Helper()
	got, err := s.Ask(n)
	if err != nil {
		t.Fatalf("ask %d: %v", n, err)
	}
	return got
}

func explain(t testing.TB, s search.Sampler) *search.Explanation {
	t.Helper()
	x, err := search.Explain(s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func values(x ...float64) search.Outcome { return search.Outcome{Values: x} }

func TestImportanceOfKnownFunctions(t *testing.T) {
	s := told(t, grid(study.Min, study.Max), 80, func(a study.Assignment) search.Outcome {
		x, y := a["a"].Float(), a["b"].Float()
		product := 0.0
		if x == y {
			product = 3
		}
		return values(10+2*x+y, 5+product)
	})
	x := explain(t, s)
	if len(x.Importance) != 2 || x.NoImportance != "" || x.ImportanceBy == "" {
		t.Fatalf("%+v", x.Importance)
	}
	// The variances of 2a and b are as 4 to 1.
	sum := x.Importance[0]
	for _, k := range sum.Knobs {
		want := map[string]float64{"a": 0.8, "b": 0.2}[k.Knob]
		if math.Abs(k.Main-want) > 0.03 || math.Abs(k.Total-want) > 0.03 {
			t.Errorf("sum: %s explains %.3f alone, %.3f in all; want %.1f", k.Knob, k.Main, k.Total, want)
		}
	}
	if sum.Interactions > 0.03 {
		t.Errorf("a sum has interactions of %.3f", sum.Interactions)
	}
	// Equality explains nothing by one knob alone.
	equal := x.Importance[1]
	for _, k := range equal.Knobs {
		want := map[string]float64{"a": 1, "b": 1}[k.Knob]
		if k.Main > 0.1 || math.Abs(k.Total-want) > 0.15 {
			t.Errorf("equality: %s explains %.3f alone, %.3f in all; want 0 and %.0f", k.Knob, k.Main, k.Total, want)
		}
	}
	if equal.Interactions < 0.8 {
		t.Errorf("equality has interactions of %.3f", equal.Interactions)
	}
}

func TestImportanceOfAConditionalKnob(t *testing.T) {
	s := told(t, grid(study.Min), 80, func(a study.Assignment) search.Outcome {
		if e, ok := a["e"]; ok {
			return values(e.Float())
		}
		return values(0.5)
	})
	knobs := explain(t, s).Importance[0].Knobs
	at := slices.IndexFunc(knobs, func(k search.Share) bool { return k.Knob == "e" })
	// Where e is active it explains everything; d only says whether it is.
	if k := knobs[at]; k.Main < 0.4 || k.Total < 0.9 {
		t.Errorf("the only knob explains %+v", k)
	}
}

func TestHypervolumeOfEveryTrial(t *testing.T) {
	f := func(a study.Assignment) search.Outcome {
		return values(a["a"].Float()+a["b"].Float(), a["b"].Float()-a["c"].Float())
	}
	cfg := grid(study.Min, study.Max)
	cfg.Limits = []float64{5, math.NaN()}
	var points [][]float64
	s := told(t, cfg, 30, func(a study.Assignment) search.Outcome {
		o := f(a)
		points = append(points, pareto.Orient(o.Values, cfg.Directions))
		return o
	})
	x := explain(t, s)
	if x.Reference[0] != 5 || !x.Limited[0] || x.Limited[1] || x.Reference[1] >= -3 {
		t.Fatalf("reference %v, limited %v", x.Reference, x.Limited)
	}
	reference := pareto.Orient(x.Reference, cfg.Directions)
	for i, v := range x.Hypervolume {
		if want := pareto.Hypervolume(points[:i+1], reference); v.Trial != i || math.Abs(v.Value-want) > 1e-9 {
			t.Errorf("trial %d: hypervolume %v, want %v", v.Trial, v.Value, want)
		}
	}
	if len(x.Hypervolume) != 30 {
		t.Errorf("%d trials", len(x.Hypervolume))
	}
}

func TestPredictedFront(t *testing.T) {
	truth := func(a study.Assignment) (float64, float64) {
		return 20 + 3*a["a"].Float() + a["b"].Float(), 40 - 3*a["a"].Float() + 2*a["c"].Float()
	}
	rng := rand.New(rand.NewPCG(1, 1))
	cfg := grid(study.Min, study.Max)
	cfg.Predict = func(a study.Assignment) search.Prediction {
		size, _ := truth(a)
		return search.Prediction{Known: map[int]float64{0: size}}
	}
	s := told(t, cfg, 60, func(a study.Assignment) search.Outcome {
		size, y := truth(a)
		return search.Outcome{Values: []float64{size, y + rng.NormFloat64()}, Noise: []float64{0, 1}}
	})
	x := explain(t, s)
	if len(x.Front) == 0 {
		t.Fatal("no front")
	}
	inside, all := 0, 0
	for v := range 64 {
		a := study.Assignment{"a": study.Number(float64(v % 4)), "b": study.Number(float64(v / 4 % 4)), "c": study.Number(float64(v / 16)), "d": study.Number(1)}
		e, err := x.Predict(a)
		if err != nil {
			t.Fatal(err)
		}
		size, y := truth(a)
		if e.Values[0] != size || e.Low[0] != size || e.High[0] != size {
			t.Fatalf("a known size of %v is predicted as %v (%v to %v)", size, e.Values[0], e.Low[0], e.High[0])
		}
		if e.Feasible < 0.999 || e.Trial != -1 {
			t.Errorf("%+v", e)
		}
		all++
		if e.Low[1] <= y && y <= e.High[1] {
			inside++
		}
	}
	if inside < all*85/100 {
		t.Errorf("%d of %d true values lie in their intervals of 95 %%", inside, all)
	}
	for _, bad := range []study.Assignment{{}, {"a": study.Number(9), "b": study.Number(0), "c": study.Number(0), "d": study.Number(1)}} {
		if _, err := x.Predict(bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("predict %v: %v", bad, err)
		}
	}
}

func TestRedundantObjectives(t *testing.T) {
	s := told(t, grid(study.Min, study.Max, study.Min), 25, func(a study.Assignment) search.Outcome {
		y := a["a"].Float() + 0.3*a["b"].Float()
		return values(y, 100-7*y, a["c"].Float()-y*a["b"].Float())
	})
	got := explain(t, s).Redundant
	if len(got) != 1 || got[0].A != 0 || got[0].B != 1 || math.Abs(got[0].Correlation+1) > 1e-9 {
		t.Errorf("redundant: %+v", got)
	}
}

func TestExplanationFollowsFromTheHistory(t *testing.T) {
	p, _ := problems.Lookup("layers24-2")
	for _, name := range []string{search.GP, search.Random} {
		first, again := newSampler(t, p.Config(name, 5, 60)), newSampler(t, p.Config(name, 5, 60))
		for n := range 26 {
			a := ask(t, first, n).Assignment
			if err := again.Add(n, a); err != nil {
				t.Fatal(err)
			}
			if n == 25 {
				break // stays outstanding
			}
			o := p.Trial(a)
			for _, s := range []search.Sampler{first, again} {
				if err := s.Tell(n, o); err != nil {
					t.Fatal(err)
				}
			}
			if n == 22 {
				explain(t, first)
			}
		}
		x, y := explain(t, first), explain(t, again)
		if !same(x, y) || x.Remaining == nil {
			t.Errorf("%s: explanations differ, or nothing remains:\n%+v\n%+v", name, x, y)
		}
		r, err := search.Forecast(again)
		if err != nil || r != *x.Remaining {
			t.Errorf("%s: forecast %+v, %v; explained %+v", name, r, err, x.Remaining)
		}
		if a, b := ask(t, first, 26), ask(t, again, 26); a.Assignment.Key() != b.Assignment.Key() {
			t.Errorf("%s: the next asks differ: %v and %v", name, a.Assignment, b.Assignment)
		}
	}
}

// same compares what explanations say.
func same(a, b *search.Explanation) bool {
	return reflect.DeepEqual(a.Hypervolume, b.Hypervolume) && reflect.DeepEqual(a.Importance, b.Importance) &&
		reflect.DeepEqual(a.Front, b.Front) && reflect.DeepEqual(a.Remaining, b.Remaining) && reflect.DeepEqual(a.Reference, b.Reference)
}

func TestExplainWithoutMuchToSay(t *testing.T) {
	constant := func(study.Assignment) search.Outcome { return values(7) }
	infeasible := func(study.Assignment) search.Outcome { return search.Outcome{Infeasible: true} }
	broken := func(a study.Assignment) search.Outcome {
		return search.Outcome{Values: []float64{a["a"].Float()}, Infeasible: true}
	}
	for _, test := range []struct {
		name                                            string
		trials                                          int
		f                                               func(study.Assignment) search.Outcome
		noReference, noModel, noImportance, noRemaining string // part of the sentence; "" there is one
	}{
		{"no trials", 0, constant, "no feasible trial", "fewer than 4", "-", "-"},
		{"few trials", 6, func(a study.Assignment) search.Outcome { return values(a["a"].Float()) }, "", "", "20 told trials, there are 6", ""},
		{"all infeasible", 30, infeasible, "no feasible trial", "fewer than 4", "-", "-"},
		{"all infeasible with values", 30, broken, "no feasible trial", "", "", "no feasible trial"},
		{"a constant", 30, constant, "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := explain(t, told(t, grid(study.Min), test.trials, test.f))
			for _, c := range []struct{ what, got, want string }{
				{"reference", x.NoReference, test.noReference}, {"model", x.NoModel, test.noModel},
				{"importance", x.NoImportance, test.noImportance}, {"remaining", x.NoRemaining, test.noRemaining},
			} {
				if c.want == "-" {
					continue
				}
				if (c.want == "") != (c.got == "") || !strings.Contains(c.got, c.want) {
					t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
				}
			}
			if _, err := x.Predict(study.Assignment{}); err == nil {
				t.Error("an empty assignment has a prediction")
			}
		})
	}
	x := explain(t, told(t, grid(study.Min), 30, constant))
	if x.Importance[0].Absent == "" && x.Importance[0].Knobs[0].Main > 1 {
		t.Errorf("a constant objective has %+v", x.Importance[0])
	}
	if x.Remaining.Share > 0.5 {
		t.Errorf("a constant objective is to gain %+v", x.Remaining)
	}
	if _, err := search.Explain(nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no sampler: %v", err)
	}
	if _, err := search.Forecast(newSampler(t, grid(study.Min))); err == nil {
		t.Error("a forecast without trials")
	}
}

// BenchmarkExplain explains a search that was just read from its history.
func BenchmarkExplain(b *testing.B) {
	p, _ := problems.Lookup("layers24-3")
	for _, name := range []string{search.GP, search.Random} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				draw := newSampler(b, p.Config(search.Random, 1, 300))
				s := newSampler(b, p.Config(name, 1, 300))
				for n := range 300 {
					a := ask(b, draw, n).Assignment
					o := p.Trial(a)
					if err := s.Add(n, a); err != nil {
						b.Fatal(err)
					}
					if err := s.Tell(n, o); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				explain(b, s)
			}
		})
	}
}
