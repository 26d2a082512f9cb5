package problems

import (
	"math"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// layer is a made-up layer: its share of the weights, and how much it suffers
// from coarse weights.
type layer struct{ weights, sensitivity float64 }

var mixedLayers = [...]layer{{0.30, 0.2}, {0.15, 1.0}, {0.20, 0.5}, {0.10, 2.0}, {0.25, 0.8}}

// mixedTypes are made-up weight types: bits for each weight, and the cost of
// unpacking one relative to reading a bit.
var mixedTypes = [...]struct {
	name         string
	bits, unpack float64
}{{"b16", 16, 0}, {"b8", 8.5, 0.5}, {"b6", 6.5, 3}, {"b4", 4.5, 1}, {"b2", 2.6, 4}}

// Mixed is a small mixed-precision problem in the manner of a study: a type
// for each of five layers, the number of layers that are pruned, and a cache
// type that is active under fast attention only. The damage of neighbouring
// layers multiplies, and pruning hurts more in coarse models. It minimises
// damage, size and time; damage above 4 is infeasible.
func Mixed() Problem {
	p := Problem{
		Name:       "mixed",
		Directions: []study.Direction{study.Min, study.Min, study.Min},
		Reference:  []float64{4, 16, 20},
	}
	var types []study.Value
	for _, t := range mixedTypes {
		types = append(types, study.Text(t.name))
	}
	for i := range mixedLayers {
		p.Knobs = append(p.Knobs, study.Knob{Name: knobName("type", i), Choice: types})
	}
	p.Knobs = append(p.Knobs,
		study.Knob{Name: "pruned", Int: &[2]int{0, 2}},
		study.Knob{Name: "fast", Choice: []study.Value{study.Bool(false), study.Bool(true)}},
		study.Knob{Name: "cache", Choice: []study.Value{study.Text("b16"), study.Text("b8"), study.Text("b4")},
			When: map[string][]study.Value{"fast": {study.Bool(true)}}},
	)
	p.Trial = pure(mixedValues)
	p.Best = p.hypervolume(frontOf(p.Knobs, mixedValues))
	return p
}

// mixedValues returns damage, size and time, or nil if infeasible.
func mixedValues(a study.Assignment) []float64 {
	damage, size, time, before := 0.0, 0.0, 0.0, 0.0
	for i, l := range mixedLayers {
		for _, t := range mixedTypes {
			if a[knobName("type", i)] == study.Text(t.name) {
				d := l.sensitivity * 30 * math.Exp2(-t.bits)
				damage += d + 2*math.Sqrt(d*before)
				size += l.weights * t.bits
				time += l.weights * (t.bits + t.unpack)
				before = d
			}
		}
	}
	pruned := a["pruned"].Float()
	damage += 0.15 * pruned * pruned * (1 + damage)
	size *= 1 - 0.08*pruned
	time *= 1 - 0.08*pruned
	if a["fast"].True() {
		time *= 0.9
		switch a["cache"].String() {
		case "b8":
			damage, time = damage+0.02, time*0.97
		case "b4":
			damage, time = damage+0.6, time*0.93
		}
	}
	if damage > 4 {
		return nil
	}
	return []float64{damage, size, time}
}

// keepFront adds a point to a front unless it is dominated or there already.
func keepFront(front [][]float64, p []float64) [][]float64 {
	kept := front[:0:0]
	for _, q := range front {
		if pareto.Dominates(q, p) || equal(q, p) {
			return front
		}
		if !pareto.Dominates(p, q) {
			kept = append(kept, q)
		}
	}
	return append(kept, p)
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
