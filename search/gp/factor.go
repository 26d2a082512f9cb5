package gp

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// Matrices are n×n by rows, and of symmetric ones only the lower triangle
// counts. gonum's routines for them start goroutines where n is some hundred,
// which a sampler must not: so here are the few that are needed, on gonum's
// dot product.

// panel is how many rows go together, so that what they meet is fetched from
// memory once for all.
const panel = 16

// cholesky replaces a matrix by its Cholesky factor, and reports whether it is
// positive definite.
func cholesky(a []float64, n int) bool {
	for from := 0; from < n; from += panel {
		to := min(from+panel, n)
		forward(a, a[from*n:to*n], n, from)
		for i := from; i < to; i++ {
			row := a[i*n : i*n+i+1]
			for j := from; j < i; j++ {
				row[j] = (row[j] - floats.Dot(a[j*n:j*n+j], row[:j])) / a[j*n+j]
			}
			d := row[i] - floats.Dot(row[:i], row[:i])
			if !(d > 0) || math.IsInf(d, 1) {
				return false
			}
			row[i] = math.Sqrt(d)
		}
	}
	return true
}

// forward solves L v = b for the first m elements of each b, a row of n
// elements of rows, in place.
func forward(l, rows []float64, n, m int) {
	for j := range m {
		lj, d := l[j*n:j*n+j], l[j*n+j]
		for r := 0; r < len(rows); r += n {
			b := rows[r : r+j+1]
			b[j] = (b[j] - floats.Dot(lj, b[:j])) / d
		}
	}
}

// backward solves Lᵀ v = b in place.
func backward(l, b []float64) {
	n := len(b)
	for j := n - 1; j >= 0; j-- {
		b[j] /= l[j*n+j]
		floats.AddScaled(b[:j], -b[j], l[j*n:j*n+j])
	}
}

// invert replaces the Cholesky factor of a matrix by the inverse of that
// matrix. It needs room for another one.
func invert(l, room []float64, n int) {
	// Row j of room becomes column j of L⁻¹, from the diagonal on.
	for from := 0; from < n; from += panel {
		to := min(from+panel, n)
		for i := from; i < n; i++ {
			li := l[i*n : i*n+i+1]
			for j := from; j < min(i, to); j++ {
				c := room[j*n : j*n+n]
				c[i] = -floats.Dot(li[j:i], c[j:i]) / li[i]
			}
			if i < to {
				room[i*n+i] = 1 / li[i]
			}
		}
	}
	for from := 0; from < n; from += panel {
		to := min(from+panel, n)
		for j := range to {
			cj := room[j*n : j*n+n]
			for i := max(j, from); i < to; i++ {
				l[i*n+j] = floats.Dot(room[i*n+i:i*n+n], cj[i:])
			}
		}
	}
}
