package problems

import (
	_ "embed"
	"strings"
)

// demoTable has what was measured of variants of the demo model on one
// computer: all 432 of a grid of types of weights, halves of blocks left out and
// depths.
//
//go:embed testdata/demo.json
var demoTable string

// Demo is the recorded grid of the demo model as a problem: damage, bytes of
// weights and seconds for each token. With predictions the search knows what
// can be computed of a variant before it is measured. Hypervolume is measured
// from the costs of the unchanged model and half a nat of damage for each token:
// worse variants are of no use.
func Demo(predictions bool) Problem {
	t, err := ReadTable(strings.NewReader(demoTable))
	if err != nil {
		panic(err) // the table is part of the program
	}
	if predictions {
		return t.Problem("demo-predictions")
	}
	p := t.Problem("demo")
	p.Predict = nil
	return p
}
