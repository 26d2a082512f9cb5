package history

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

var nan, inf = math.NaN(), math.Inf(1)

// bounded minimises the first objective and maximises the second, which must
// be at least 10, under some constraints. Its knob x is from 0 to 99; of 7 there
// is no recipe, and 90 and more are all one.
func bounded(t *testing.T, constraints int) *History {
	t.Helper()
	sp, err := space.New([]study.Knob{{Name: "x", Int: &[2]int{0, 99}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	terms, err := NewTerms([]study.Direction{study.Min, study.Max}, constraints, []float64{nan, 10})
	if err != nil {
		t.Fatal(err)
	}
	return New(sp, terms, func(a study.Assignment) (string, error) {
		switch x := a["x"].Int(); {
		case x == 7:
			return "", errors.New("no recipe")
		case x >= 90:
			return "large", nil
		}
		return a.Key(), nil
	})
}

func at(x int) study.Assignment { return study.Assignment{"x": study.Number(float64(x))} }

// add adds trial n at x.
func add(t *testing.T, h *History, n, x int) {
	t.Helper()
	if err := h.Add(n, at(x)); err != nil {
		t.Fatal(err)
	}
}

// tell adds trial n at x = 10 + n and tells its outcome.
func tell(t *testing.T, h *History, n int, o Outcome) *Trial {
	t.Helper()
	add(t, h, n, 10+n)
	if err := h.Tell(n, o); err != nil {
		t.Fatalf("trial %d: %v", n, err)
	}
	return h.Told[len(h.Told)-1]
}

func numbers(trials []*Trial) []int {
	out := make([]int, len(trials))
	for i, t := range trials {
		out[i] = t.Number
	}
	return out
}

func TestRecipesAreTaken(t *testing.T) {
	h := bounded(t, 0)
	add(t, h, 0, 95)
	add(t, h, 1, 5)
	for x, fresh := range map[int]bool{95: false, 90: false, 89: true, 5: false, 6: true, 7: false} {
		if got := h.Fresh(space.Point{x}); got != fresh {
			t.Errorf("%d is fresh: %v", x, got)
		}
	}
	if valid, taken := h.Recipe(at(7)); valid || taken {
		t.Errorf("an assignment without a recipe: valid %v, taken %v", valid, taken)
	}
	add(t, h, 2, 98) // again
	for n, fresh := range []bool{false, false, true} {
		if err := h.Forget([]int{1, 2, 0}[n]); err != nil {
			t.Fatal(err)
		}
		if got := h.Fresh(space.Point{91}); got != fresh {
			t.Errorf("after %d of 2 trials are forgotten, the recipe is fresh: %v", n, got)
		}
	}
	if err := h.Add(0, at(7)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a trial without a recipe: %v", err)
	}
}

// TestEarlierStates: what is seen of an earlier time is what a history of that
// time had.
func TestEarlierStates(t *testing.T) {
	h := bounded(t, 0)
	observe := func(x int) {
		if err := h.Observe(at(x), Outcome{Values: []float64{1, nan}}); err != nil {
			t.Fatal(err)
		}
	}
	good := Outcome{Values: []float64{1, 20}}
	add(t, h, 50, 50)
	tell(t, h, 3, good)
	observe(1)
	tell(t, h, 1, good)
	observe(2)
	add(t, h, 40, 40)
	tell(t, h, 2, good)

	now, before := h.Closed(), h.Before(2)
	if !slices.Equal(numbers(h.Outstanding()), []int{40, 50}) || now.Outstanding() != nil || before.Outstanding() != nil {
		t.Errorf("outstanding are %v, then %v and %v", numbers(h.Outstanding()), numbers(now.Outstanding()), numbers(before.Outstanding()))
	}
	if !slices.Equal(numbers(now.Told), []int{3, 1, 2}) || !slices.Equal(numbers(before.Told), []int{3, 1}) {
		t.Errorf("told are %v, and before that %v", numbers(now.Told), numbers(before.Told))
	}
	if now.Len() != 3 || before.Len() != 2 || len(now.Sisters) != 2 || len(before.Sisters) != 1 {
		t.Errorf("%d and %d trials, evidence of %d and %d", now.Len(), before.Len(), len(now.Sisters), len(before.Sisters))
	}
	for x, fresh := range map[int][2]bool{50: {false, true}, 40: {false, true}, 12: {false, true}, 13: {false, false}, 60: {true, true}} {
		if got := [2]bool{now.Fresh(space.Point{x}), before.Fresh(space.Point{x})}; got != fresh {
			t.Errorf("%d is fresh: %v, want %v", x, got, fresh)
		}
	}
}

// TestEvidenceStaysInOrder: what a sister lane saw takes no recipe.
func TestEvidenceStaysInOrder(t *testing.T) {
	h := bounded(t, 0)
	for i := range 3 {
		if err := h.Observe(at(2-i), Outcome{Values: []float64{float64(i), nan}}); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range h.Sisters {
		if s.Point[0] != 2-i || s.Values[0] != float64(i) || !math.IsNaN(s.Values[1]) || s.Infeasible {
			t.Errorf("evidence %d is %+v", i, s)
		}
		if !h.Fresh(s.Point) {
			t.Errorf("the recipe of evidence %d is taken", i)
		}
	}
}

func TestTermsThatAreRefused(t *testing.T) {
	two := []study.Direction{study.Min, study.Max}
	for want, terms := range map[string]struct {
		directions  []study.Direction
		constraints int
		limits      []float64
	}{
		"without an objective":      {nil, 0, nil},
		`direction "up"`:            {[]study.Direction{"up"}, 0, nil},
		"1 limits for 2 objectives": {two, 0, []float64{1}},
		"a limit that is infinite":  {two, 0, []float64{inf, nan}},
		"-1 constraints":            {two, -1, nil},
	} {
		if _, err := NewTerms(terms.directions, terms.constraints, terms.limits); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestReference(t *testing.T) {
	terms := Terms{Directions: []study.Direction{study.Min, study.Min}, Limits: []float64{nan, nan}}
	values := [][]float64{{0, 10}, {10, 0}, {20, 5}}
	for _, test := range []struct {
		limits []float64
		others [][]float64
		want   []float64
	}{
		{[]float64{nan, nan}, nil, []float64{20.5, 10.5}},
		{[]float64{nan, 7}, nil, []float64{20.5, 7}},
		{[]float64{nan, nan}, [][]float64{{nan, 40}, {30, nan}}, []float64{30.5, 40.5}},
	} {
		terms.Limits = test.limits
		if got := terms.Reference(values, test.others); !same(got, test.want) {
			t.Errorf("limits %v, others %v: %v, want %v", test.limits, test.others, got, test.want)
		}
	}
	if got := (Terms{Limits: []float64{nan, nan}}).Reference([][]float64{{3, 0}}, nil); !(got[0] > 3 && got[1] > 0) {
		t.Errorf("of a single value: %v", got)
	}
}

func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
}
