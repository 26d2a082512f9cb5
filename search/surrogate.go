package search

import "github.com/fettle-edge/fettle/search/gp"

// surrogate returns the process of a column with all evidence, or nil where
// there are not two values yet or a process cannot be made.
func (f *fits) surrogate(c column) *surrogate {
	terms := f.ledger.terms
	k := scheduled(len(f.ledger.tells), c, terms.columns())
	fit := f.at(c, k)
	if fit == nil {
		return nil
	}
	s := f.last[c]
	if s == nil || s.tells != k {
		if s = f.fresh(c, fit, k); s == nil {
			return nil
		}
		f.last[c] = s
	}
	for _, e := range f.ledger.events[s.events:] {
		s.events++
		y, noise, ok := terms.value(e, c)
		if !ok || !e.ok {
			s.rows = append(s.rows, -1)
			continue
		}
		t := fit.warp.Apply(gp.Data{Y: []float64{y}, Noise: []float64{noise}})
		p, err := s.process.Append(e.input, t.Y[0], t.Noise[0])
		if err != nil {
			f.last[c] = nil
			return nil
		}
		s.rows = append(s.rows, s.count)
		s.process = p
		s.count++
	}
	return s
}

// fresh makes the process on the data of the fit.
func (f *fits) fresh(c column, fit *fit, k int) *surrogate {
	n := f.ledger.tells[k-1]
	s := &surrogate{fit: fit, tells: k, events: n}
	d := f.ledger.data(c, n)
	for _, e := range f.ledger.events[:n] {
		s.rows = append(s.rows, -1)
		if _, _, ok := f.ledger.terms.value(e, c); ok && e.ok {
			s.rows[len(s.rows)-1] = s.count
			s.count++
		}
	}
	p, err := gp.New(f.dims, f.ledger.foresee.features, fit.warp.Apply(d), fit.hyper)
	if err != nil {
		return nil
	}
	s.process = p
	return s
}
