package search

import (
	"slices"

	"github.com/fettle-edge/fettle/search/gp"
)

// fits are the processes of the columns. Hyperparameters and warp of a column
// come from a fit on the first k tells, where k follows from the number of
// tells alone; all later evidence is appended one by one. So a process is a
// function of the evidence, whatever was worked out ahead or remembered.
type fits struct {
	ledger *ledger
	dims   []gp.Dim
	memory map[fitKey]*fit // nil: the data allow none
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

// surrogate is the process of a column.
type surrogate struct {
	fit     *fit
	tells   int   // that the fit is of
	events  int   // that the process has seen
	rows    []int // of every event, the number of its datum, or -1
	count   int   // of data
	process *gp.Process
}

// refitEvery is the number of tells between two fits.
func refitEvery(tells int) int {
	switch {
	case tells <= 20:
		return 1
	case tells <= 40:
		return 2
	case tells <= 100:
		return 5
	case tells <= 200:
		return 10
	}
	return 25
}

// scheduled is the number of tells that the fit in use after n tells is of.
// The columns take turns, so that not all are fitted at the same tell.
func scheduled(n int, c column, columns int) int {
	every := refitEvery(n)
	return n - (n+int(c)*max(1, every/columns))%every
}

// anchors are fits from which later ones start: each starts from the one before
// it, all others from the last anchor before them. So few fits have to be made
// again after a restart.
var anchors = [...]int{4, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 181, 256, 362}

const (
	lastChoice     = 90 // the last anchor at which a warp is chosen
	iterations     = 15 // of a fit that starts from another
	coldIterations = 40 // of one that starts from the prior, or chooses a warp
)

// anchor returns the last anchor before k, or 0.
func anchor(k int) int {
	last := 0
	for _, a := range anchors {
		if a < k {
			last = a
		}
	}
	return last
}

func isAnchor(k int) bool {
	for _, a := range anchors {
		if a == k {
			return true
		}
	}
	return false
}

// at returns the fit of a column on the first k tells.
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
	d := f.ledger.data(c, f.ledger.tells[k-1])
	if len(d.Y) < 2 {
		return nil
	}
	before := &fit{}
	if a := anchor(k); a > 0 && f.at(c, a) != nil {
		before = f.at(c, a)
	}
	terms, features := f.ledger.terms, f.ledger.foresee.features
	next := &fit{}
	var err error
	switch {
	case c == terms.ran(), int(c) >= len(terms.directions) && slices.Min(d.Y) > 0:
		// Labels have no scale, and a logarithm would put feasibility, which
		// begins at 0, out of reach.
		next.warp = gp.NewWarp(gp.Identity, d.Y)
		next.hyper, err = gp.Fit(f.dims, features, next.warp.Apply(d), before.hyper, iterations)
	case before.hyper.Scale == 0 || isAnchor(k) && k <= lastChoice:
		next.warp, next.hyper, err = gp.ChooseWarp(f.dims, features, d, before.hyper, coldIterations)
	default:
		next.warp = gp.NewWarp(before.warp.Kind(), d.Y)
		next.hyper, err = gp.Fit(f.dims, features, next.warp.Apply(d), before.hyper, iterations)
	}
	if err != nil {
		return nil
	}
	return next
}
