package bayes

import (
	"slices"

	"github.com/fettle-edge/fettle/search/gp"
)

// fits are the processes of the columns. The hyperparameters and the warp of a
// column come from a fit on the first k tells, where k follows from the number
// of tells alone (scheduled); later evidence is appended one by one. So a
// process is a function of the evidence, to the last bit, whatever was worked
// out ahead or remembered.
type fits struct {
	ledger *ledger
	dims   []gp.Dim
	memory map[fitKey]*fit // nil: the data allow no fit
	last   []*surrogate    // of each column
}

type fitKey struct {
	column column
	tells  int
}

type fit struct {
	warp  gp.Warp
	hyper gp.Hyper
}

// surrogate is the process of a column with the evidence so far.
type surrogate struct {
	*fit
	tells   int   // that the fit is of
	rows    []int // of every event, the number of its datum, or -1
	count   int   // of data
	process *gp.Process
}

const (
	iterations     = 15 // of a fit that starts from another
	coldIterations = 40 // of one that starts from the prior, or chooses a warp
)

func newFits(l *ledger) *fits {
	return &fits{ledger: l, memory: map[fitKey]*fit{}, last: make([]*surrogate, l.terms.columns())}
}

// surrogate returns the process of a column with all evidence, or nil where
// there are not two values, or they make no process.
func (f *fits) surrogate(c column) *surrogate {
	k := scheduled(len(f.ledger.tells), c, f.ledger.terms.columns())
	s := f.last[c]
	if s == nil || s.tells != k {
		s = f.process(c, f.at(c, k), k)
	}
	if s != nil && !f.append(s, c) {
		s = nil
	}
	f.last[c] = s
	return s
}

// process makes the process of a column on the first k tells.
func (f *fits) process(c column, fit *fit, k int) *surrogate {
	if fit == nil {
		return nil
	}
	d, rows := f.ledger.data(c, f.ledger.tells[k-1])
	p, err := gp.New(f.dims, f.ledger.foresight.features, fit.warp.Apply(d), fit.hyper)
	if err != nil {
		return nil
	}
	return &surrogate{fit: fit, tells: k, rows: rows, count: len(d.Y), process: p}
}

// append adds the evidence that came since.
func (f *fits) append(s *surrogate, c column) bool {
	for _, e := range f.ledger.events[len(s.rows):] {
		y, noise, ok := f.ledger.terms.value(e, c)
		if !ok {
			s.rows = append(s.rows, -1)
			continue
		}
		d := s.warp.Apply(gp.Data{Y: []float64{y}, Noise: []float64{noise}})
		p, err := s.process.Append(e.input, d.Y[0], d.Noise[0])
		if err != nil {
			return false
		}
		s.rows = append(s.rows, s.count)
		s.process = p
		s.count++
	}
	return true
}

// at returns the fit of a column on the first k tells, or nil.
func (f *fits) at(c column, k int) *fit {
	key := fitKey{c, k}
	got, ok := f.memory[key]
	if !ok {
		got = f.make(c, k)
		f.memory[key] = got
	}
	return got
}

func (f *fits) make(c column, k int) *fit {
	d, _ := f.ledger.data(c, f.ledger.tells[k-1])
	if len(d.Y) < 2 {
		return nil
	}
	start, effort := &fit{}, coldIterations
	if a := anchor(k); a > 0 && f.at(c, a) != nil {
		start, effort = f.at(c, a), iterations
	}
	features := f.ledger.foresight.features
	next := &fit{}
	var err error
	if chooses(k) && f.choosy(c, d.Y) {
		next.warp, next.hyper, err = gp.ChooseWarp(f.dims, features, d, start.hyper, coldIterations)
	} else {
		next.warp = gp.NewWarp(start.warp.Kind(), d.Y)
		next.hyper, err = gp.Fit(f.dims, features, next.warp.Apply(d), start.hyper, effort)
	}
	if err != nil {
		return nil
	}
	return next
}

// choosy reports whether a column may have any warp. Labels have no scale. For
// a constraint that was always broken, a logarithm would put feasibility, which
// begins at 0, out of reach.
func (f *fits) choosy(c column, y []float64) bool {
	return int(c) < len(f.ledger.terms.Directions) || c < f.ledger.terms.ran() && slices.Min(y) <= 0
}
