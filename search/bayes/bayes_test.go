package bayes

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
)

// told is a history of n even draws over x and y from 0 to 49, with outcomes
// of f.
func told(t *testing.T, directions, n int, f func(x, y float64) []float64) *history.History {
	t.Helper()
	sp, err := space.New([]study.Knob{{Name: "x", Int: &[2]int{0, 49}}, {Name: "y", Int: &[2]int{0, 49}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	terms, err := history.NewTerms([]study.Direction{study.Min, study.Min, study.Min}[:directions], 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := history.New(sp, terms, func(a study.Assignment) (string, error) { return a.Key(), nil })
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		a := sp.Assignment(sp.Random(rng))
		if err := h.Add(i, a); err != nil {
			t.Fatal(err)
		}
		if err := h.Tell(i, history.Outcome{Values: f(a["x"].Float(), a["y"].Float())}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func bowls(x, y float64) []float64 {
	return []float64{math.Hypot(x-10, y-10), math.Hypot(x-40, y-40)}
}

func TestHistoriesWithoutAModel(t *testing.T) {
	for n, want := range map[int]error{0: errTooFew, MinValues - 1: errTooFew, MinValues: nil, MaxEvents + 1: errTooMany} {
		h := told(t, 2, n, bowls)
		if _, err := New(h.Space, h.Terms, nil).Model(h); err != want {
			t.Errorf("%d trials, as they come: %v, want %v", n, err, want)
		}
		if _, err := Look(h, nil); err != want {
			t.Errorf("%d trials, looked at: %v, want %v", n, err, want)
		}
	}
}

// TestBestIsOnTheFront: most of what is asked next lies between the two bowls,
// where the front is, and none of it was asked.
func TestBestIsOnTheFront(t *testing.T) {
	h := told(t, 2, 20, bowls)
	o := New(h.Space, h.Terms, nil)
	rng, near := rand.New(rand.NewPCG(3, 4)), 0
	for n := 100; n < 120; n++ {
		m, err := o.Model(h)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := m.Best(rng)
		if !ok || !h.Fresh(p) {
			t.Fatalf("trial %d is %v, %v", n, p, ok)
		}
		if x, y := float64(p[0]), float64(p[1]); math.Abs(x-y) <= 10 && x+y >= 10 && x+y <= 90 {
			near++
		}
		if err := h.Add(n, h.Space.Assignment(p)); err != nil { // stays outstanding
			t.Fatal(err)
		}
	}
	if near < 14 { // of even draws, 6
		t.Errorf("of 20 trials, %d are where the front is", near)
	}
}

// TestLinkedObjectives: objectives that follow each other share a process, and
// each is predicted on its own scale.
func TestLinkedObjectives(t *testing.T) {
	m, err := Look(told(t, 3, 30, func(x, y float64) []float64 { return []float64{x + y, x * y, 100 - 3*(x+y)} }), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := m.Correlation(0, 2); !ok || math.Abs(r+1) > 1e-9 {
		t.Errorf("the correlation is %v, %v", r, ok)
	}
	if r, ok := m.Correlation(0, 1); ok {
		t.Errorf("a sum and a product are linked by %v", r)
	}
	f, ok := m.Foresee(space.Point{20, 30}, nil)
	if !ok {
		t.Fatal("nothing is foreseen")
	}
	e := m.Estimates([]Foreseen{f})[0]
	for j, want := range []float64{50, 600, -50} {
		if !(e.Low[j] <= e.Values[j] && e.Values[j] <= e.High[j]) || math.Abs(e.Values[j]-want) > 5+0.1*math.Abs(want) {
			t.Errorf("objective %d is %v (%v to %v), want %v", j, e.Values[j], e.Low[j], e.High[j], want)
		}
	}
	first, _ := m.Mean(0, []Foreseen{f})
	third, _ := m.Mean(2, []Foreseen{f})
	if first[0] != third[0] {
		t.Errorf("two processes: %v and %v", first, third)
	}
}

// TestAheadIsFresh: what comes next is new, each time another point, and worth
// something together.
func TestAheadIsFresh(t *testing.T) {
	h := told(t, 2, 20, bowls)
	m, err := Look(h, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := m.Denoised()
	reference := h.Terms.Reference(values, nil)
	batch, err := m.Ahead(5, reference, rand.New(rand.NewPCG(5, 6)))
	if err != nil || len(batch) != 5 {
		t.Fatalf("%d points, %v", len(batch), err)
	}
	met := map[string]bool{}
	for _, f := range batch {
		p := space.Point(f.input.Levels)
		if met[p.Key()] || !h.Fresh(p) {
			t.Errorf("%v is asked already", p)
		}
		met[p.Key()] = true
	}
	archive := pareto.NewArchive(reference)
	for _, v := range values {
		archive.Add(v)
	}
	gain := func(n int) float64 { return m.Gain(batch[:n], archive, rand.New(rand.NewPCG(7, 8))) }
	if one, all := gain(1), gain(5); !(one > 0) || !(all > one) {
		t.Errorf("one point gains %v, five gain %v", one, all)
	}
}

// TestSchedule: the fit in use is recent, and the columns take turns.
func TestSchedule(t *testing.T) {
	const columns = 4
	for n := 1; n <= MaxEvents; n++ {
		fresh := 0
		for c := range column(columns) {
			k := scheduled(n, c, columns)
			if k < 1 || k > n || n-k >= refitEvery(n) {
				t.Errorf("after %d tells, column %d is fitted to %d", n, c, k)
			}
			if k == n {
				fresh++
			}
		}
		if n > 20 && fresh > (columns+1)/2 {
			t.Errorf("after %d tells, %d of %d columns are fitted at once", n, fresh, columns)
		}
	}
}
