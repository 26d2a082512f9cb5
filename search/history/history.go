// Package history keeps what was asked and what was told: all that a strategy
// may know. It reads outcomes, judges them by the user's terms, ranks trials,
// and knows which recipes are taken.
package history

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// History is a list of trials. What is exported of it is to be read only.
type History struct {
	Space   *space.Space
	Terms   Terms
	Told    []*Trial // in the order of the tells
	Sisters []Sister // in the order of Observe

	trials  map[int]*Trial
	keys    *keyring
	taken   map[string]int // recipe key → number of trials that have it
	version int
}

// Trial is an assignment that was asked or added.
type Trial struct {
	Number     int
	Assignment study.Assignment
	Point      space.Point
	Evidence       // of a told trial
	Sisters    int // evidence from sister lanes that came before the tell

	key  string
	told bool
}

// Sister is evidence from a sister lane.
type Sister struct {
	Assignment study.Assignment
	Point      space.Point
	Evidence
}

// ErrUnknown is the error for a trial that is not outstanding.
var ErrUnknown = errors.New("trial is not outstanding")

// New starts a history. Assignments of which key says the same make one recipe;
// an error of key means that they make none.
func New(sp *space.Space, t Terms, key func(study.Assignment) (string, error)) *History {
	return &History{Space: sp, Terms: t, keys: newKeyring(key), trials: map[int]*Trial{}, taken: map[string]int{}}
}

// Add registers a trial. Its assignment may lie outside the space, and its
// recipe may be taken.
func (h *History) Add(n int, a study.Assignment) error {
	key, err := h.keys.of(a)
	if err != nil {
		return fault.New(fault.Invalid, "cannot add trial %d: its assignment makes no recipe", n).Because(err)
	}
	if h.Has(n) {
		return fault.New(fault.Conflict, "cannot add trial %d: the search has a trial of this number", n)
	}
	h.trials[n] = &Trial{Number: n, Assignment: maps.Clone(a), Point: h.Space.Point(a), key: key}
	h.taken[key]++
	h.version++
	return nil
}

// open returns an outstanding trial.
func (h *History) open(n int) (*Trial, error) {
	t, ok := h.trials[n]
	if !ok || t.told {
		return nil, fmt.Errorf("trial %d: %w", n, ErrUnknown)
	}
	return t, nil
}

// Tell closes an outstanding trial.
func (h *History) Tell(n int, o Outcome) error {
	t, err := h.open(n)
	if err != nil {
		return err
	}
	e, err := h.Terms.read(o)
	if err != nil {
		return fault.New(fault.Invalid, "cannot tell trial %d: %v", n, err)
	}
	t.told, t.Evidence, t.Sisters = true, e, len(h.Sisters)
	h.Told = append(h.Told, t)
	h.version++
	return nil
}

// Observe adds evidence from a sister lane. It takes no recipe.
func (h *History) Observe(a study.Assignment, o Outcome) error {
	e, err := h.Terms.read(o)
	if err != nil {
		return fault.New(fault.Invalid, "cannot take the evidence of a sister lane: %v", err)
	}
	h.Sisters = append(h.Sisters, Sister{Assignment: maps.Clone(a), Point: h.Space.Point(a), Evidence: e})
	h.version++
	return nil
}

// Forget removes an outstanding trial: its recipe is free again.
func (h *History) Forget(n int) error {
	t, err := h.open(n)
	if err != nil {
		return err
	}
	delete(h.trials, n)
	if h.taken[t.key]--; h.taken[t.key] == 0 {
		delete(h.taken, t.key)
	}
	h.version++
	return nil
}

// Has reports whether there is a trial of this number.
func (h *History) Has(n int) bool { _, ok := h.trials[n]; return ok }

// Len is the number of trials, told and outstanding.
func (h *History) Len() int { return len(h.trials) }

// Version rises with every change.
func (h *History) Version() int { return h.version }

// Recipe says whether an assignment makes a recipe, and whether a trial has it.
func (h *History) Recipe(a study.Assignment) (valid, taken bool) {
	key, err := h.keys.of(a)
	return err == nil, err == nil && h.taken[key] > 0
}

// Fresh reports whether p makes a recipe that no trial has.
func (h *History) Fresh(p space.Point) bool {
	valid, taken := h.Recipe(h.Space.Assignment(p))
	return valid && !taken
}

// Outstanding returns the trials that are not told yet, by number.
func (h *History) Outstanding() []*Trial {
	var open []*Trial
	for _, t := range h.trials {
		if !t.told {
			open = append(open, t)
		}
	}
	slices.SortFunc(open, byNumber)
	return open
}

func byNumber(a, b *Trial) int { return cmp.Compare(a.Number, b.Number) }

// Closed is h without its outstanding trials. Their recipes stay taken.
func (h *History) Closed() *History {
	closed := *h
	closed.trials = make(map[int]*Trial, len(h.Told))
	for _, t := range h.Told {
		closed.trials[t.Number] = t
	}
	return &closed
}

// Before is what had been told when n trials were told, n > 0: nothing was
// outstanding, and no other recipe was taken.
func (h *History) Before(n int) *History {
	before := *h
	before.Told = h.Told[:n:n]
	before.Sisters = h.Sisters[:before.Told[n-1].Sisters]
	before.taken = make(map[string]int, n)
	for _, t := range before.Told {
		before.taken[t.key]++
	}
	return before.Closed()
}
