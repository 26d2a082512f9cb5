package problems

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

// TestNearestRowIsAlike: what stands for a row of the demo's table, were it not
// there, has outcomes in about the same order.
func TestNearestRowIsAlike(t *testing.T) {
	table, err := ReadTable(strings.NewReader(demoTable))
	if err != nil {
		t.Fatal(err)
	}
	withPlan := newNearness(table)
	alone := withPlan
	alone.features = nil
	var own, planned, unplanned [3][]float64
	for _, row := range table.Rows {
		itself := func(a study.Assignment) bool { return maps.Equal(a, row.Assignment) }
		near, other := table.Rows[withPlan.nearest(row.Assignment, itself)], table.Rows[alone.nearest(row.Assignment, itself)]
		for m := range own {
			own[m] = append(own[m], row.Values[m])
			planned[m] = append(planned[m], near.Values[m])
			unplanned[m] = append(unplanned[m], other.Values[m])
		}
	}
	for m, name := range []string{"damage", "bytes", "seconds"} {
		a, b := rankCorrelation(own[m], planned[m]), rankCorrelation(own[m], unplanned[m])
		t.Logf("%s: rank correlation %.2f with the plan, %.2f without", name, a, b)
		if least := [...]float64{0.95, 0.8, 0.6}[m]; a < least || a < b {
			t.Errorf("%s: %.2f, want %.2f", name, a, least)
		}
	}
}

// rankCorrelation is Spearman's coefficient; equal numbers keep their order.
func rankCorrelation(x, y []float64) float64 {
	ranks := func(v []float64) []float64 {
		order := make([]int, len(v))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(v[i], v[j]) })
		r := make([]float64, len(v))
		for rank, i := range order {
			r[i] = float64(rank)
		}
		return r
	}
	p, q := ranks(x), ranks(y)
	middle := float64(len(x)-1) / 2
	var xy, xx, yy float64
	for i := range p {
		xy, xx, yy = xy+(p[i]-middle)*(q[i]-middle), xx+(p[i]-middle)*(p[i]-middle), yy+(q[i]-middle)*(q[i]-middle)
	}
	return xy / math.Sqrt(xx*yy)
}
