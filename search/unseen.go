package search

import (
	"encoding/binary"
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
func (c *core) unseen(from space.Point, rng *rand.Rand) (space.Point, string, error) {
	order := rng.Perm(len(c.space.Dims()))
	queue := []space.Point{c.space.Canonical(from)}
	visited := map[string]bool{name(queue[0]): true}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if key, ok := c.fresh(p); ok {
			return p, key, nil
		}
		if len(visited) >= maxVisited {
			continue
		}
		for _, q := range c.space.Neighbours(p, order) {
			if id := name(q); !visited[id] {
				visited[id] = true
				queue = append(queue, q)
			}
		}
	}
	if len(visited) < maxVisited {
		return nil, "", ErrExhausted // the walk has seen the whole space
	}
	for range moreDraws {
		p := c.space.Random(rng)
		if key, ok := c.fresh(p); ok {
			return p, key, nil
		}
	}
	return nil, "", ErrExhausted
}

// fresh reports whether p makes a recipe that has not been asked yet.
func (c *core) fresh(p space.Point) (key string, ok bool) {
	key, err := c.keys.of(c.space.Assignment(p))
	return key, err == nil && c.history.seen[key] == 0
}

func (c *core) isFresh(p space.Point) bool {
	_, ok := c.fresh(p)
	return ok
}

// name is a map key for a point.
func name(p space.Point) string {
	b := make([]byte, 0, 2*len(p))
	for _, level := range p {
		b = binary.AppendVarint(b, int64(level))
	}
	return string(b)
}
