package history

import (
	"slices"
	"testing"
)

// TestClasses orders trials that are not on a front: by what is missing, then
// by how much they break their bounds, each bound on its own scale.
func TestClasses(t *testing.T) {
	h := bounded(t, 2)
	for n, o := range []Outcome{
		0: {Infeasible: true},
		1: {Values: []float64{1, 20}, Constraints: []float64{50, -1}},  // half of the worst of this constraint
		2: {Values: []float64{1, 20}, Constraints: []float64{100, -1}}, // all of it
		3: {Values: []float64{5, 30}, Constraints: []float64{-1, -1}},
		4: {Values: []float64{1, 20}, Constraints: []float64{-1, 0.003}}, // a quarter of the worst of this one
		5: {Values: []float64{nan, 20}, Constraints: []float64{-1, -1}},
		6: {Values: []float64{1, 20}, Constraints: []float64{-1, 0.012}},
		7: {Values: []float64{1, 20}, Constraints: []float64{60, 0.006}}, // more than all
		8: {Values: []float64{4, 30}, Constraints: []float64{-1, -1}},
		9: {Values: []float64{1, 20}, Constraints: []float64{inf, nan}},
	} {
		tell(t, h, n, o)
	}
	feasible, others := h.Terms.Classes(h.Told)
	if got := numbers(feasible); !slices.Equal(got, []int{3, 8}) {
		t.Errorf("feasible are %v", got)
	}
	if got, want := numbers(others), []int{5, 4, 1, 2, 6, 7, 0, 9}; !slices.Equal(got, want) {
		t.Errorf("the others come as %v, want %v", got, want)
	}
	best, rest := h.Split(1)
	if got := numbers(best); !slices.Equal(got, []int{8}) || len(rest) != 9 {
		t.Errorf("the best is %v", got)
	}
	if best, rest = h.Split(4); !slices.Equal(numbers(best), []int{8, 3, 5, 4}) || len(rest) != 6 {
		t.Errorf("the four best are %v", numbers(best))
	}
	if best, rest = h.Split(100); len(best) != 10 || len(rest) != 0 {
		t.Errorf("of more than all: %d and %d", len(best), len(rest))
	}
}

// TestSplitSpreads: of a front that is larger than asked for, the chosen ones
// lie apart.
func TestSplitSpreads(t *testing.T) {
	h := bounded(t, 0)
	for n := range 41 { // a straight front in eleven clumps
		x := float64(n / 4)
		tell(t, h, n, Outcome{Values: []float64{x + 0.001*float64(n%4), 12 + x + 0.001*float64(n%4)}})
	}
	best, _ := h.Split(10)
	clumps := map[int]bool{}
	for _, r := range best {
		clumps[r.Number/4] = true
	}
	if len(clumps) != 10 {
		t.Errorf("the ten best come from %d clumps: %v", len(clumps), numbers(best))
	}
}
