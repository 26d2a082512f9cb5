package search

import (
	"math/rand/v2"

	"github.com/fettle-edge/fettle/search/space"
)

const (
	// maxVisited is the number of points after which the walk for an unseen
	// neighbour goes no further. Smaller spaces are searched to the end.
	maxVisited = 10000
	// moreDraws are made where the walk found nothing and had no end.
	moreDraws = 1000
)

// unseen returns the recipe nearest to a point that has not been asked yet:
// breadth first, one step being another value of one choice or the next number
// of one range. Ties are broken by a random order of the knobs. It returns
// ErrExhausted once the space has no such recipe, or none within reach of the
// bounds.
func (c *core) unseen(from space.Point, rng *rand.Rand) (space.Point, error) {
	order := rng.Perm(len(c.space.Dims()))
	queue := []space.Point{c.space.Canonical(from)}
	visited := map[string]bool{queue[0].Key(): true}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if c.history.Fresh(p) {
			return p, nil
		}
		if len(visited) >= maxVisited {
			continue
		}
		for _, q := range c.space.Neighbours(p, order) {
			if id := q.Key(); !visited[id] {
				visited[id] = true
				queue = append(queue, q)
			}
		}
	}
	if len(visited) < maxVisited {
		return nil, ErrExhausted // the walk has seen the whole space
	}
	for range moreDraws {
		p := c.space.Random(rng)
		if c.history.Fresh(p) {
			return p, nil
		}
	}
	return nil, ErrExhausted
}
