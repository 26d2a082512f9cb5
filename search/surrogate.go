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
		t, v := warp(fit.warp, y, noise)
		p, err := s.process.Append(e.input, t, v)
		if err != nil {
			return nil
		}
		s.rows = append(s.rows, s.process.Len())
		s.process = p
	}
	return s
}

// fresh makes the process on the data of the fit.
func (f *fits) fresh(c column, fit *fit, k int) *surrogate {
	n := f.ledger.tells[k-1]
	s := &surrogate{fit: fit, tells: k, events: n}
	d := f.ledger.data(c, n)
	count := 0
	for _, e := range f.ledger.events[:n] {
		s.rows = append(s.rows, -1)
		if _, _, ok := f.ledger.terms.value(e, c); ok && e.ok {
			s.rows[len(s.rows)-1] = count
			count++
		}
	}
	p, err := gp.New(f.dims, f.ledger.foresee.features, warped(fit.warp, d), fit.hyper)
	if err != nil {
		return nil
	}
	s.process = p
	return s
}
