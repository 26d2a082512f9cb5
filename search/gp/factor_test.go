package gp_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fettle-edge/fettle/search/gp"
	"gonum.org/v1/gonum/mat"
)

func TestFactorIsThatOfGonum(t *testing.T) {
	for _, n := range []int{1, 2, 15, 16, 17, 32, 75} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			root := mat.NewDense(n, n, nil)
			for i := range n {
				for j := range n {
					root.Set(i, j, rng.NormFloat64())
				}
				root.Set(i, i, root.At(i, i)+5)
			}
			var a mat.SymDense
			a.SymOuterK(1, root)
			got := make([]float64, n*n)
			for i := range n {
				for j := range i + 1 {
					got[i*n+j] = a.At(i, j)
				}
			}
			var want mat.Cholesky
			if !want.Factorize(&a) || !gp.Cholesky(got, n) {
				t.Fatal("not positive definite")
			}
			var l mat.TriDense
			want.LTo(&l)
			b, v := make([]float64, n), mat.NewVecDense(n, nil)
			for i := range n {
				b[i] = rng.NormFloat64()
				v.SetVec(i, b[i])
				for j := range i + 1 {
					near(t, "factor", got[i*n+j], l.At(i, j), 1e-11)
				}
			}
			if err := want.SolveVecTo(v, v); err != nil {
				t.Fatal(err)
			}
			gp.Forward(got, b, n, n)
			gp.Backward(got, b)
			for i := range n {
				near(t, "solution", b[i], v.AtVec(i), 1e-9)
			}
			var inverse mat.SymDense
			if err := want.InverseTo(&inverse); err != nil {
				t.Fatal(err)
			}
			gp.Invert(got, make([]float64, n*n), n)
			for i := range n {
				for j := range i + 1 {
					near(t, "inverse", got[i*n+j], inverse.At(i, j), 1e-9)
				}
			}
		})
	}
}

func TestNotPositiveDefinite(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, a := range [][]float64{{-1}, {0}, {nan}, {inf}, {1, 0, 2, 3}, {1, 0, nan, 3}, {1, 0, inf, 3}} {
		n := int(math.Sqrt(float64(len(a))))
		if gp.Cholesky(a, n) {
			t.Errorf("%v has a factor", a)
		}
	}
}

func TestDecay(t *testing.T) {
	for i := range 200_000 {
		x := 800 * math.Pow(float64(i)/200_000, 3)
		want := math.Exp(-x)
		if got := gp.Decay(x); !(math.Abs(got-want) <= 4e-16*(1+x)*want) {
			t.Fatalf("exp(-%v) is %v, want %v", x, got, want)
		}
	}
	if gp.Decay(0) != 1 || gp.Decay(math.Inf(1)) != 0 || !math.IsNaN(gp.Decay(math.NaN())) {
		t.Error("the ends are wrong")
	}
}
