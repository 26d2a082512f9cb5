package problems

import (
	_ "embed"
	"strings"
)

// demoTable is a recorded study of the demo model on one computer: 340 real
// variants, drawn evenly from the space of the demo's study.
//
//go:embed testdata/demo.json
var demoTable string

// Demo is the recorded study of the demo model as a problem: damage, bytes of
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
