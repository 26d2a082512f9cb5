package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search/gp"
)

func warp(w gp.Warp, y, noise float64) (t, v float64) {
	t = w.Forward(y)
	if noise > 0 {
		s := math.Sqrt(noise)
		h := (w.Forward(y+s) - w.Forward(y-s)) / 2
		v = h * h
	}
	return t, v
}

func makeWarp(kind int, y []float64) gp.Warp {
	switch kind {
	case 1:
		return gp.RankGauss(y)
	case 2:
		return gp.Log(y)
	}
	return gp.Identity(y)
}

func (f *fits) fit(kind int, d gp.Data, before *fit, iterations int) *fit {
	w := makeWarp(kind, d.Y)
	start := gp.Hyper{}
	if before != nil {
		start = before.hyper
	}
	h, err := gp.Fit(f.dims, f.ledger.foresee.features, warped(w, d), start, iterations)
	if err != nil {
		return nil
	}
	return &fit{kind, w, h}
}

func (f *fits) choose(c column, d gp.Data, before *fit) *fit {
	kinds := []int{0, 1}
	if slices.Min(d.Y) > 0 && int(c) < len(f.ledger.terms.directions) {
		kinds = append(kinds, 2)
	}
	if c == f.ledger.terms.ran() {
		kinds = kinds[:1]
	}
	var best *fit
	score := 0.0
	for _, k := range kinds {
		g := f.fit(k, d, nil, coldAttempts)
		if g == nil {
			continue
		}
		if len(kinds) == 1 {
			return g
		}
		wd := warped(g.warp, d)
		p, err := gp.New(f.dims, f.ledger.foresee.features, wd, g.hyper)
		if err != nil {
			continue
		}
		loo, _ := p.LeaveOneOut()
		s := spearman(loo, wd.Y)
		order := make([]int, len(d.Y))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.Y[a], d.Y[b]) })
		order = order[:min(len(order), max(6, len(order)/2))]
		var a, b []float64
		for _, i := range order {
			a, b = append(a, loo[i]), append(b, wd.Y[i])
		}
		s += spearman(a, b)
		if k == 0 {
			s += .03
		}
		if best == nil || s > score {
			best, score = g, s
		}
	}
	return best
}

func ranksOf(x []float64) []float64 {
	o := make([]int, len(x))
	for i := range o {
		o[i] = i
	}
	slices.SortStableFunc(o, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	r := make([]float64, len(x))
	for i := 0; i < len(o); {
		j := i
		for j < len(o) && x[o[j]] == x[o[i]] {
			j++
		}
		for k := i; k < j; k++ {
			r[o[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return r
}

func spearman(a, b []float64) float64 { return correlation(ranksOf(a), ranksOf(b)) }

func correlation(a, b []float64) float64 {
	n := float64(len(a))
	var ma, mb float64
	for i := range a {
		ma += a[i] / n
		mb += b[i] / n
	}
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
