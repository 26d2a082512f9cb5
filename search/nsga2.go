package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fettle-edge/fettle/search/history"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
)

const (
	// population is the number of trials that have children.
	population = 20
	// crossed is the share of children that have two parents.
	crossed = 0.9
	// spreadCross and spreadMutate are the distribution indices of simulated
	// binary crossover and polynomial mutation: the larger, the nearer children
	// are to their parents.
	spreadCross, spreadMutate = 10, 10
)

// nsga2 is the genetic algorithm NSGA-II (Deb et al. 2002) without
// generations, so that any number of asks may be outstanding: the parents of
// every child come from the best trials told so far, by rank and crowding.
// Feasible trials come before infeasible ones, and those by how much they are
// so (Deb's constraint domination).
type nsga2 struct{ space *space.Space }

// individual is a trial that may have children.
type individual struct {
	point    space.Point // with a level for every knob
	rank     int
	crowding float64
}

func (s nsga2) next(h *history.History, _ int) draw {
	parents := s.parents(h)
	return func(_ int, rng *rand.Rand) (space.Point, string) {
		if len(parents) == 0 {
			return s.space.Random(rng), OriginRandom
		}
		child := slices.Clone(tournament(parents, rng).point)
		if other := tournament(parents, rng).point; rng.Float64() < crossed {
			s.cross(child, other, rng)
		}
		s.mutate(child, rng)
		return child, OriginModel
	}
}

// parents returns the best trials told so far.
func (s nsga2) parents(h *history.History) []individual {
	var out []individual
	keep := func(r *history.Trial, rank int, crowding float64) {
		out = append(out, individual{s.space.Canonical(r.Point), rank, crowding})
	}
	feasible, others := h.Terms.Classes(h.Told)
	rank := 0
	for _, front := range history.Fronts(feasible, population) {
		points := make([][]float64, len(front))
		for i, r := range front {
			points[i] = r.Values
		}
		crowding := pareto.Crowding(points)
		order := make([]int, len(front))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(crowding[j], crowding[i]) })
		for _, i := range order[:min(len(order), population-len(out))] {
			keep(front[i], rank, crowding[i])
		}
		rank++
	}
	for _, r := range others[:min(len(others), population-len(out))] {
		keep(r, rank, 0)
		rank++
	}
	return out
}

// tournament returns the better of two.
func tournament(parents []individual, rng *rand.Rand) individual {
	a, b := parents[rng.IntN(len(parents))], parents[rng.IntN(len(parents))]
	if b.rank < a.rank || b.rank == a.rank && b.crowding > a.crowding {
		return b
	}
	return a
}

// cross mixes a parent's levels into child: a choice is taken over, a number
// is drawn near either (simulated binary crossover, Deb and Agrawal 1995);
// each for half of the knobs.
func (s nsga2) cross(child, other space.Point, rng *rand.Rand) {
	for i, d := range s.space.Dims() {
		swap, u := rng.Float64() < 0.5, rng.Float64()
		switch {
		case !swap || child[i] == other[i]:
		case !d.Ordered():
			child[i] = other[i]
		default:
			a, b := d.Unit(child[i]), d.Unit(other[i])
			beta := math.Pow(2*u, 1.0/(spreadCross+1))
			if u > 0.5 {
				beta = math.Pow(1/(2-2*u), 1.0/(spreadCross+1))
			}
			if rng.Float64() < 0.5 {
				a, b = b, a
			}
			child[i] = d.At(min(max((a+b)/2+beta*(a-b)/2, 0), 1))
		}
	}
}

// mutate changes one knob on average: a choice to any other, a number by
// polynomial mutation (Deb and Goyal 1996), at least to the next level.
func (s nsga2) mutate(child space.Point, rng *rand.Rand) {
	rate := 1 / float64(len(child))
	for i, d := range s.space.Dims() {
		hit, u := rng.Float64() < rate, rng.Float64()
		switch {
		case !hit:
		case !d.Ordered():
			child[i] = (child[i] + 1 + int(u*float64(d.Levels-1))) % d.Levels
		default:
			child[i] = moved(d, child[i], u)
		}
	}
}

// moved returns another level, lower for u below a half and higher above.
func moved(d space.Dim, level int, u float64) int {
	at := d.Unit(level)
	x := at * (math.Pow(2*u, 1.0/(spreadMutate+1)) - 1)
	if u > 0.5 {
		x = (1 - at) * (1 - math.Pow(2-2*u, 1.0/(spreadMutate+1)))
	}
	to := d.At(min(max(at+x, 0), 1))
	switch {
	case to != level:
	case u <= 0.5 && level > 0 || level == d.Levels-1:
		to--
	default:
		to++
	}
	return to
}
