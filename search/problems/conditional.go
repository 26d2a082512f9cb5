package problems

import (
	"math"

	"github.com/fettle-edge/fettle/study"
)

// conditionalBest is the hypervolume of the front of Conditional. A test visits
// all 286,848 assignments to find it again.
const conditionalBest = 13.642820669083521

// Conditional is a made-up choice between three ways to make a layer smaller,
// each with knobs of its own that are active under it alone, one of them two
// conditions deep; beside knobs that are always active and interact with all.
// It minimises damage and time. The front has assignments of all three.
func Conditional() Problem {
	texts := func(names ...string) []study.Value {
		var values []study.Value
		for _, n := range names {
			values = append(values, study.Text(n))
		}
		return values
	}
	under := func(knob string, v study.Value) map[string][]study.Value { return map[string][]study.Value{knob: {v}} }
	yes, no := study.Bool(true), study.Bool(false)
	p := Problem{
		Name:       "conditional",
		Directions: minimise(2),
		Reference:  []float64{0.4, 60},
		Best:       conditionalBest,
		Knobs: []study.Knob{
			{Name: "method", Choice: texts("dense", "sparse", "lowrank")},
			{Name: "dense.bits", Int: &[2]int{2, 8}, When: under("method", study.Text("dense"))},
			{Name: "sparse.bits", Int: &[2]int{3, 8}, When: under("method", study.Text("sparse"))},
			{Name: "sparse.kept", Int: &[2]int{1, 9}, When: under("method", study.Text("sparse"))}, // tenths
			{Name: "sparse.pattern", Choice: texts("free", "block", "2:4"), When: under("method", study.Text("sparse"))},
			{Name: "rank", Int: &[2]int{1, 16}, When: under("method", study.Text("lowrank"))},
			{Name: "shared", Choice: []study.Value{no, yes}, When: under("method", study.Text("lowrank"))},
			{Name: "groups", Int: &[2]int{1, 4}, When: under("shared", yes)},
			{Name: "blocks", Int: &[2]int{4, 12}},
			{Name: "cache", Int: &[2]int{0, 3}},
			{Name: "threads", Int: &[2]int{1, 4}},
			{Name: "tile", Int: &[2]int{0, 3}},
			{Name: "fused", Choice: []study.Value{no, yes}},
		},
	}
	p.Trial = pure(conditionalValues)
	return p
}

// conditionalValues returns damage and time.
func conditionalValues(a study.Assignment) []float64 {
	damage, work, bytes := methodCosts(a)
	missing := 12 - a["blocks"].Float()
	damage += 0.004*missing*missing*(1+2*damage) + [...]float64{0, 0.004, 0.02, 0.09}[a["cache"].Int()]*(1+damage)
	work *= a["blocks"].Float() / 12
	bytes *= a["blocks"].Float() / 12
	bytes += 14 * math.Exp2(-a["cache"].Float())
	// More threads compute faster up to what memory can deliver, and the best
	// tile grows with the work.
	threads := a["threads"].Float()
	tile := 1 + 0.1*math.Abs(a["tile"].Float()-math.Log2(1+work/12))
	compute := work * tile / math.Pow(threads, 0.8)
	if a["fused"].True() {
		compute, bytes = 0.85*compute, bytes+3
	}
	time := math.Max(compute, bytes) + 0.3*math.Min(compute, bytes) + threads
	return []float64{damage / (1 + damage), time}
}

// methodCosts returns damage, work and bytes of the method and its own knobs.
func methodCosts(a study.Assignment) (damage, work, bytes float64) {
	switch a["method"].String() {
	case "dense":
		bits := a["dense.bits"].Float()
		return 0.8 * math.Exp2(-1.5*(bits-1)), 50, 8 * bits
	case "sparse":
		bits, kept := a["sparse.bits"].Float(), a["sparse.kept"].Float()/10
		damage = 1.2*math.Exp2(-1.5*(bits-1)) + 0.35*(1-kept)*(1-kept)
		switch a["sparse.pattern"].String() {
		case "free": // the places must be stored, and work is hard to spread
			return damage, 60 * (0.3 + 0.8*kept), 8*bits*kept + 6
		case "block":
			return 1.5 * damage, 60 * (0.05 + kept), 8*bits*kept + 1
		}
		return 1.2*damage + 0.5*math.Abs(kept-0.5), 60 * (0.1 + 0.7*kept), 8*bits*kept + 2
	}
	rank := a["rank"].Float()
	damage, work, bytes = 0.6*math.Exp(-rank/5), 6+3.5*rank, 5+3*rank
	if a["shared"].True() {
		groups := a["groups"].Float()
		damage, bytes = damage*(1+0.5/groups), 5+1.2*rank+0.45*rank*groups
	}
	return damage, work, bytes
}

// frontOf visits every assignment of discrete knobs and returns the front of
// what is feasible. Knobs come after those that they depend on.
func frontOf(knobs []study.Knob, values func(study.Assignment) []float64) [][]float64 {
	var front [][]float64
	a := study.Assignment{}
	var visit func(i int)
	visit = func(i int) {
		switch {
		case i == len(knobs):
			if v := values(a); v != nil {
				front = keepFront(front, v)
			}
			return
		case !knobs[i].Active(a):
			visit(i + 1)
			return
		}
		for l := range int(knobs[i].Size()) {
			if knobs[i].Int != nil {
				a[knobs[i].Name] = study.Number(float64(knobs[i].Int[0] + l))
			} else {
				a[knobs[i].Name] = knobs[i].Choice[l]
			}
			visit(i + 1)
		}
		delete(a, knobs[i].Name)
	}
	visit(0)
	return front
}
