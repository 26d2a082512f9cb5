package pareto_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-edge/fettle/search/pareto"
)

func TestArchiveGrowsAsHypervolumeDoes(t *testing.T) {
	each(t, 40, func(t *testing.T, points [][]float64, objectives int) {
		reference := ones(objectives)
		a := pareto.NewArchive(reference)
		before := 0.0
		for i, p := range points {
			gain := a.Add(p)
			want := pareto.Hypervolume(points[:i+1], reference)
			if math.Abs(a.Hypervolume()-want) > 1e-9 || math.Abs(gain-(want-before)) > 1e-9 {
				t.Fatalf("after %d points: %v, gain %v; want %v, gain %v", i+1, a.Hypervolume(), gain, want, want-before)
			}
			before = want
		}
	})
}

func TestArchiveOfRealNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for objectives := 1; objectives <= 4; objectives++ {
		a := pareto.NewArchive(slices.Repeat([]float64{0.9}, objectives))
		var points [][]float64
		for range 60 {
			p := make([]float64, objectives)
			for m := range p {
				p[m] = rng.NormFloat64()
			}
			points = append(points, p)
			a.Add(p)
		}
		want := pareto.Hypervolume(points, slices.Repeat([]float64{0.9}, objectives))
		if got := a.Hypervolume(); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%d objectives: %v, want %v", objectives, got, want)
		}
	}
}

func TestArchiveRefusesWhatHasNoVolume(t *testing.T) {
	reference := []float64{1, 1}
	a := pareto.NewArchive(reference)
	p := []float64{0.5, 0.5}
	if gain := a.Add(p); gain != 0.25 {
		t.Fatalf("the first point gains %v", gain)
	}
	p[0], reference[0] = -9, 9 // the archive keeps copies
	for _, q := range [][]float64{{0.5, 0.5}, {0.6, 0.7}, {1, 0}, {math.NaN(), 0}, {math.Inf(-1), 0}, {0}, nil} {
		if gain := a.Add(q); gain != 0 {
			t.Errorf("%v gains %v", q, gain)
		}
	}
	if got := a.Hypervolume(); got != 0.25 {
		t.Errorf("hypervolume %v", got)
	}
	if gain := pareto.NewArchive(nil).Add([]float64{}); gain != 0 {
		t.Errorf("without an objective a point gains %v", gain)
	}
}
