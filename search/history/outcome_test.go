package history

import (
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

func TestOutcomesAreRead(t *testing.T) {
	cases := []struct {
		name                 string
		outcome              Outcome
		values, noise        []float64
		constraints          []float64
		infeasible, complete bool
	}{
		{"all known", Outcome{Values: []float64{1, 20}, Noise: []float64{0, 2}, Constraints: []float64{-1, 0}},
			[]float64{1, -20}, []float64{0, 2}, []float64{-1, 0}, false, true},
		{"noise unknown", Outcome{Values: []float64{1, 20}, Noise: []float64{-1, inf}, Constraints: []float64{-1, 0}},
			[]float64{1, -20}, []float64{nan, nan}, []float64{-1, 0}, false, true},
		{"beyond the limit", Outcome{Values: []float64{1, 9}, Constraints: []float64{-1, 0}},
			[]float64{1, -9}, []float64{nan, nan}, []float64{-1, 0}, true, true},
		{"at the limit", Outcome{Values: []float64{1, 10}, Constraints: []float64{-1, 0}},
			[]float64{1, -10}, []float64{nan, nan}, []float64{-1, 0}, false, true},
		{"a broken constraint", Outcome{Values: []float64{1, 20}, Constraints: []float64{0.1, nan}},
			[]float64{1, -20}, []float64{nan, nan}, []float64{0.1, nan}, true, false},
		{"without end", Outcome{Values: []float64{inf, 20}, Constraints: []float64{inf, -inf}},
			[]float64{nan, -20}, []float64{nan, nan}, []float64{inf, nan}, true, false},
		{"a missing value", Outcome{Values: []float64{nan, 20}, Constraints: []float64{-1, -1}},
			[]float64{nan, -20}, []float64{nan, nan}, []float64{-1, -1}, false, false},
		{"constraints not known", Outcome{Values: []float64{1, 20}},
			[]float64{1, -20}, []float64{nan, nan}, []float64{nan, nan}, false, false},
		{"told infeasible", Outcome{Infeasible: true},
			[]float64{nan, nan}, []float64{nan, nan}, []float64{nan, nan}, true, false},
	}
	h := bounded(t, 2)
	for n, want := range cases {
		got := tell(t, h, n, want.outcome)
		if !same(got.Values, want.values) || !same(got.Noise, want.noise) || !same(got.Constraints, want.constraints) ||
			got.Infeasible != want.infeasible || got.complete() != want.complete {
			t.Errorf("%s: %+v, complete %v", want.name, got.Evidence, got.complete())
		}
	}
}

func TestOutcomesThatAreRefused(t *testing.T) {
	h := bounded(t, 2)
	add(t, h, 0, 1)
	for want, o := range map[string]Outcome{
		"1 values for 2 objectives":              {Values: []float64{1}},
		"0 values for 2 objectives":              {},
		"3 values for 2 objectives":              {Values: []float64{1, 2, 3}, Infeasible: true},
		"the noise of 1 values for 2 objectives": {Values: []float64{1, 2}, Noise: []float64{1}},
		"1 values for 2 constraints":             {Values: []float64{1, 2}, Constraints: []float64{1}},
	} {
		for what, err := range map[string]error{"tell": h.Tell(0, o), "observe": h.Observe(study.Assignment{}, o)} {
			e, ok := fault.As(err)
			if !ok || e.Kind != fault.Invalid || !strings.HasPrefix(e.Sentence, "cannot t") || !strings.HasSuffix(e.Sentence, want) {
				t.Errorf("%s %+v: %v, want %q", what, o, err, want)
			}
		}
	}
	if len(h.Told) != 0 || len(h.Sisters) != 0 {
		t.Error("what was refused is in the history")
	}
}
