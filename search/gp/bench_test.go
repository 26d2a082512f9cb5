package gp_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fettle-edge/fettle/search/gp"
)

// layers is the regime of the search: 24 ordinal knobs of five levels.
func layers(n, features int) ([]gp.Dim, gp.Data) {
	dims := make([]gp.Dim, 24)
	for i := range dims {
		dims[i].At = []float64{0.1, 0.3, 0.5, 0.7, 0.9}
	}
	return dims, sample(rand.New(rand.NewPCG(1, uint64(n))), dims, nil, features, n)
}

func BenchmarkGradient(b *testing.B) {
	for _, n := range []int{100, 300, 400, 500, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dims, d := layers(n, 0)
			at, z, _ := gp.LogPosterior(dims, 0, d)
			grad := make([]float64, len(z))
			for b.Loop() {
				at(z, grad)
			}
		})
	}
}

func BenchmarkFit(b *testing.B) {
	for _, n := range []int{100, 300, 400} {
		for _, features := range []int{0, 3} {
			b.Run(fmt.Sprintf("n=%d/features=%d", n, features), func(b *testing.B) {
				dims, d := layers(n, features)
				for b.Loop() {
					if _, err := gp.Fit(dims, features, d, gp.Hyper{}, 10); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{100, 300, 500, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dims, d := layers(n, 0)
			for b.Loop() {
				if _, err := gp.New(dims, 0, d, gp.Hyper{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, n := range []int{100, 300, 400, 500, 1000} {
		dims, d := layers(n, 0)
		_, c := layers(800, 0)
		p, err := gp.New(dims, 0, d, gp.Hyper{})
		if err != nil {
			b.Fatal(err)
		}
		mean, sd := make([]float64, len(c.X)), make([]float64, len(c.X))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Predict(c.X, mean, sd)
			}
		})
		b.Run(fmt.Sprint("mean/", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.PredictMean(c.X, mean)
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{100, 300, 500, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dims, d := layers(n, 0)
			p, err := gp.New(dims, 0, d, gp.Hyper{})
			if err != nil {
				b.Fatal(err)
			}
			_, c := layers(800, 0)
			for b.Loop() {
				if _, err := p.Append(c.X[7], 1, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
