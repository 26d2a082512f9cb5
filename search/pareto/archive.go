package pareto

import "slices"

// Archive keeps the front of the points that it was given, and the hypervolume
// of that front. It never changes its reference.
type Archive struct {
	reference []float64
	front     [][]float64 // better than the reference; none dominates or equals another
	volume    float64
}

// NewArchive returns an empty archive.
func NewArchive(reference []float64) *Archive {
	return &Archive{reference: slices.Clone(reference)}
}

// Add returns by how much p enlarges the hypervolume, as Hypervolume measures
// it: 0 if p is dominated, not better than the reference, not finite or of
// another length. It costs one Hypervolume of the front, clipped to what p
// dominates.
func (a *Archive) Add(p []float64) (gain float64) {
	if len(p) == 0 || len(p) != len(a.reference) || !finite(p) || !strictlyBelow(p, a.reference) {
		return 0
	}
	gain = 1
	for m, x := range p {
		gain *= a.reference[m] - x
	}
	var others [][]float64
	for _, q := range a.front {
		if Dominates(q, p) || slices.Equal(p, q) {
			return 0
		}
		others = insert(others, clipped(q, p))
	}
	gain = max(0, gain-Hypervolume(others, a.reference))
	a.front = insert(a.front, slices.Clone(p))
	a.volume += gain
	return gain
}

// Clone returns an archive of the same points that grows on its own.
func (a *Archive) Clone() *Archive {
	b := *a
	b.front = slices.Clone(a.front)
	return &b
}

// Hypervolume returns the hypervolume of all points added so far.
func (a *Archive) Hypervolume() float64 { return a.volume }
