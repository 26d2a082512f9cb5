package ehvi

import "slices"

// MaxBoxes is the number of boxes up to which the expectation is exact. Fronts
// of some 150 points in four objectives, or 60 in five, stay below it.
const MaxBoxes = 8192

// Improvement is the expected hypervolume improvement over one front. It does
// not change once made.
type Improvement struct {
	axes  []*nodes
	exact bool
	// bounds are, box by box and objective by objective, the places of the
	// box's low and high end in the table of ψ: 0 stands for -∞, k+1 for
	// coordinate k.
	bounds []int32
	// weights are what a box counts; nil: 1 each.
	weights []float64
}

// New prepares the improvement over a front, with the axes of its objectives.
// Points of the front beyond the reference count for nothing, and neither do
// dominated or repeated ones.
func New(front [][]float64, reference []float64, axes []Axis) *Improvement {
	im := &Improvement{}
	boxes, ok := decompose(front, reference, MaxBoxes)
	im.exact = ok
	if !ok {
		boxes, im.weights = thinned(inside(front, reference), reference, MaxBoxes/2)
	}
	im.bounds = make([]int32, 2*len(reference)*len(boxes))
	for m := range reference {
		at := coordinates(boxes, m)
		im.axes = append(im.axes, newNodes(at, axes[m]))
		for i, b := range boxes {
			place := im.bounds[2*(i*len(reference)+m):]
			place[0], place[1] = index(at, b.Low[m]), index(at, b.High[m])
		}
	}
	return im
}

func index(coordinates []float64, x float64) int32 {
	i, ok := slices.BinarySearch(coordinates, x)
	if !ok {
		return 0 // -∞
	}
	return int32(i) + 1
}

// Exact reports whether the expectation is exact. It is not where there would
// be more than MaxBoxes boxes; then half as many stand in for them.
func (im *Improvement) Exact() bool { return im.exact }

// Expect writes the expected improvement of every candidate to out, in the
// product of the objectives' units. mean[j][i] and sd[j][i] are the prediction
// of objective j for candidate i, on the objective's scale; sd is 0 for a value
// that is known.
func (im *Improvement) Expect(mean, sd [][]float64, out []float64) {
	psi := make([][]float64, len(im.axes))
	for m, a := range im.axes {
		psi[m] = make([]float64, len(a.marked)+1)
	}
	for i := range out {
		for m, a := range im.axes {
			a.psi(mean[m][i], sd[m][i], psi[m][1:])
		}
		out[i] = im.sum(psi)
	}
}

// sum adds up the boxes.
func (im *Improvement) sum(psi [][]float64) float64 {
	total := 0.0
	switch {
	case im.weights != nil:
		for i, w := range im.weights {
			total += w * im.product(psi, i)
		}
	case len(psi) == 2:
		a, b := psi[0], psi[1]
		for k := 0; k < len(im.bounds); k += 4 {
			at := im.bounds[k : k+4 : k+4]
			total += (a[at[1]] - a[at[0]]) * (b[at[3]] - b[at[2]])
		}
	case len(psi) == 3:
		a, b, c := psi[0], psi[1], psi[2]
		for k := 0; k < len(im.bounds); k += 6 {
			at := im.bounds[k : k+6 : k+6]
			total += (a[at[1]] - a[at[0]]) * (b[at[3]] - b[at[2]]) * (c[at[5]] - c[at[4]])
		}
	default:
		for i := 0; i < len(im.bounds); i += 2 * len(psi) {
			total += im.product(psi, i/(2*len(psi)))
		}
	}
	return total
}

// product is the factor of every objective for one box.
func (im *Improvement) product(psi [][]float64, box int) float64 {
	at := im.bounds[2*box*len(psi):]
	p := 1.0
	for m, table := range psi {
		p *= table[at[2*m+1]] - table[at[2*m]]
	}
	return p
}
