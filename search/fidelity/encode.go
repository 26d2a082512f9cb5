package fidelity

import (
	"math"

	"github.com/fettle-edge/fettle/study"
)

// Encode makes features of an assignment: a number for each numeric knob, its
// logarithm on a logarithmic scale, and an indicator for each but the first
// choice of the others. A knob that is not active has its lowest number, or no
// indicator.
func Encode(knobs []study.Knob, a study.Assignment) []float64 {
	var out []float64
	for _, k := range knobs {
		v, active := a[k.Name]
		if k.Choice == nil {
			out = append(out, number(k, v, active))
			continue
		}
		for _, choice := range k.Choice[min(1, len(k.Choice)):] {
			x := 0.0
			if active && v == choice {
				x = 1
			}
			out = append(out, x)
		}
	}
	return out
}

func number(k study.Knob, v study.Value, active bool) float64 {
	x := v.Float()
	switch {
	case active:
	case k.Int != nil:
		x = float64(k.Int[0])
	case k.Float != nil:
		x = k.Float[0]
	}
	if k.Log && x > 0 {
		return math.Log(x)
	}
	return x
}
