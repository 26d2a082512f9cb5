package ehvi

import (
	"math"
	"slices"
)

// Scale is a strictly increasing map from an objective's value to the number
// whose prediction is Gaussian.
type Scale interface {
	Forward(y float64) float64
	Inverse(t float64) float64
}

// Axis describes how an objective is predicted.
type Axis struct {
	// Scale is nil where the value itself is Gaussian.
	Scale Scale
	// Unit is a typical difference on the scale, such as the standard deviation
	// of what was observed. Between nodes the scale is taken as linear; nodes
	// are as dense as that makes an error of a hundredth of Unit at most.
	Unit float64
}

const (
	tolerance = 0.01 // of Axis.Unit
	depth     = 6    // of bisections between two coordinates
	tailUnits = 4    // how far below the lowest coordinate a scale is followed
	tailNodes = 32
)

// nodes are the places where ψ of one objective is computed.
type nodes struct {
	scale  Scale
	y, t   []float64 // ascending; t is y on the scale
	marked []int     // the nodes that are coordinates of boxes, ascending
}

// newNodes spans the coordinates, of which there is at least one, ascending
// without repeats.
func newNodes(coordinates []float64, a Axis) *nodes {
	n := &nodes{scale: a.Scale}
	if a.Scale == nil {
		n.y, n.t = coordinates, coordinates
		for i := range coordinates {
			n.marked = append(n.marked, i)
		}
		return n
	}
	first := a.Scale.Forward(coordinates[0])
	for i := range tailNodes {
		n.add(a.Scale.Inverse(first-a.Unit*tailUnits*float64(tailNodes-i)/tailNodes), coordinates[0])
	}
	for i, y := range coordinates {
		if i > 0 {
			n.refine(coordinates[i-1], y, a, depth)
		}
		n.add(y, math.Inf(1))
		n.marked = append(n.marked, len(n.y)-1)
	}
	return n
}

// add appends a node unless it is out of order, or not finite.
func (n *nodes) add(y, before float64) {
	if math.IsInf(y, 0) || !(y < before) || len(n.y) > 0 && !(y > n.y[len(n.y)-1]) {
		return
	}
	t := n.scale.Forward(y)
	if len(n.t) > 0 {
		t = max(t, n.t[len(n.t)-1]) // rounding
	}
	n.y, n.t = append(n.y, y), append(n.t, t)
}

// refine adds nodes between two values where the scale is not linear.
func (n *nodes) refine(low, high float64, a Axis, depth int) {
	middle := low + (high-low)/2
	linear := (a.Scale.Forward(low) + a.Scale.Forward(high)) / 2
	if depth == 0 || !(math.Abs(a.Scale.Forward(middle)-linear) > tolerance*a.Unit) {
		return
	}
	n.refine(low, middle, a, depth-1)
	n.add(middle, high)
	n.refine(middle, high, a, depth-1)
}

// flat is the difference in standard deviations below which Φ is taken as
// constant between two nodes.
const flat = 1e-3

// psi writes ψ(a) = ∫ P(Y < u) du from -∞ to a for every coordinate, exact for
// the piecewise linear scale; below the lowest node it goes on as between the
// first two.
func (n *nodes) psi(mean, sd float64, out []float64) {
	switch {
	case sd == 0:
		y := mean
		if n.scale != nil {
			y = n.scale.Inverse(mean)
		}
		for i, k := range n.marked {
			out[i] = max(0, n.y[k]-y)
		}
	case n.scale == nil:
		for i, y := range n.y {
			out[i] = sd * integral((y-mean)/sd)
		}
	default:
		n.curved(mean, sd, out)
	}
}

func (n *nodes) curved(mean, sd float64, out []float64) {
	perT := 1.0 // dy/dt
	if len(n.y) > 1 && n.t[1] > n.t[0] {
		perT = (n.y[1] - n.y[0]) / (n.t[1] - n.t[0])
	}
	z := (n.t[0] - mean) / sd
	before := integral(z)
	sum := sd * perT * before
	next := 0
	for k := range n.y {
		if k > 0 {
			zk := (n.t[k] - mean) / sd
			at := integral(zk)
			dy := n.y[k] - n.y[k-1]
			if zk-z > flat {
				sum += dy / (zk - z) * (at - before)
			} else {
				sum += dy * cdf((z+zk)/2)
			}
			z, before = zk, at
		}
		if next < len(n.marked) && n.marked[next] == k {
			out[next] = sum
			next++
		}
	}
}

// coordinates returns the finite bounds of boxes along objective m, ascending,
// each once.
func coordinates(boxes []Box, m int) []float64 {
	var all []float64
	for _, b := range boxes {
		for _, x := range [2]float64{b.Low[m], b.High[m]} {
			if !math.IsInf(x, 0) {
				all = append(all, x)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
