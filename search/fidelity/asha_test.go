package fidelity

import (
	"slices"
	"testing"
)

func TestRungs(t *testing.T) {
	if got := (ASHA{Min: 1, Factor: 3}).Rungs(24); !slices.Equal(got, []int{1, 3, 9}) {
		t.Errorf("rungs %v", got)
	}
	if got := (ASHA{Min: 2, Factor: 4}).Rungs(8); !slices.Equal(got, []int{2}) {
		t.Errorf("rungs %v: the last chunk is none", got)
	}
}

func TestASHA(t *testing.T) {
	a := ASHA{Min: 1, Factor: 3}
	for _, test := range []struct {
		others []float64
		own    float64
		want   bool
	}{
		{nil, 5, true}, // the first
		{[]float64{5}, 4, true},
		{[]float64{5}, 6, false},
		{[]float64{5, 5}, 5, true}, // as good as the best
		{[]float64{1, 2, 3, 4, 5}, 1.5, true},
		{[]float64{1, 2, 3, 4, 5}, 2.5, false},
	} {
		if got := a.Promotes(test.others, test.own); got != test.want {
			t.Errorf("%v among %v: %v", test.own, test.others, got)
		}
	}
}

func TestMOASHA(t *testing.T) {
	a := MOASHA{ASHA{Min: 1, Factor: 2}}
	front := [][]float64{{0, 10}, {10, 0}, {5, 5}, {5.1, 4.9}}
	// The front in order: the best in the first objective, the furthest from
	// it, the middle, its twin; then what is dominated.
	if got := order(append(front, []float64{6, 6})); !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Errorf("order %v", got)
	}
	for n, want := range [][]int{nil, nil, {0}, {0}, {0, 1}} {
		if got := a.Best(front[:n]); !slices.Equal(got, want) {
			t.Errorf("of %d trials %v go on, want %v", n, got, want)
		}
	}
	if got := a.Best([][]float64{{1, 2}, {1, 1}, {1, 1}, {3, 3}}); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("equals: %v", got)
	}
}
