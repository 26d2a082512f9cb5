package problems

import (
	"fmt"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
)

// Plan is what is known of every assignment of a space without measuring:
// features that are sums of terms, each looked up by the values of a few
// knobs. The bytes and operations of a variant are such sums, because a tensor
// depends on few knobs.
type Plan struct {
	Features []string `json:"features"` // names
	// Known holds the feature that is the exact value of an objective, by the
	// number of the objective.
	Known map[int]int `json:"known"`
	Terms []Term      `json:"terms"`
}

// Term is a table of what some knobs add to the features. Values has one row
// of features for each combination of levels, the last knob's level counting
// fastest. A knob with a condition has one level more than values: the last,
// for when it is inactive.
type Term struct {
	Knobs  []string    `json:"knobs"`
	Values [][]float64 `json:"values"`
}

// slots is the number of levels of a knob in a term.
func slots(k study.Knob) int {
	if k.When != nil {
		return int(k.Size()) + 1
	}
	return int(k.Size())
}

// slot is the level of a knob under an assignment.
func slot(k study.Knob, a study.Assignment) int {
	v, active := a[k.Name]
	switch {
	case !active:
		return slots(k) - 1
	case k.Int != nil:
		return v.Int() - k.Int[0]
	}
	return slices.Index(k.Choice, v)
}

// Row returns the place of an assignment in the term's values.
func (t Term) Row(knobs []study.Knob, a study.Assignment) int {
	row := 0
	for _, name := range t.Knobs {
		k := knobs[slices.IndexFunc(knobs, func(k study.Knob) bool { return k.Name == name })]
		row = row*slots(k) + slot(k, a)
	}
	return row
}

// Rows is the number of rows that the term's values must have.
func (t Term) Rows(knobs []study.Knob) (int, error) {
	rows := 1
	for _, name := range t.Knobs {
		i := slices.IndexFunc(knobs, func(k study.Knob) bool { return k.Name == name })
		if i < 0 || knobs[i].Float != nil {
			return 0, fmt.Errorf("a term depends on %q, which is no knob with levels", name)
		}
		rows *= slots(knobs[i])
	}
	return rows, nil
}

func (p *Plan) check(knobs []study.Knob, objectives int) error {
	for objective, feature := range p.Known {
		if objective < 0 || objective >= objectives || feature < 0 || feature >= len(p.Features) {
			return fmt.Errorf("it knows objective %d of %d as feature %d of %d", objective, objectives, feature, len(p.Features))
		}
	}
	for i, t := range p.Terms {
		rows, err := t.Rows(knobs)
		if err != nil {
			return err
		}
		if len(t.Values) != rows {
			return fmt.Errorf("term %d has %d rows and should have %d", i+1, len(t.Values), rows)
		}
		for _, v := range t.Values {
			if len(v) != len(p.Features) {
				return fmt.Errorf("term %d has a row of %d numbers for %d features", i+1, len(v), len(p.Features))
			}
		}
	}
	return nil
}

// Of returns the features of an assignment: the sums of the terms.
func (p *Plan) Of(knobs []study.Knob, a study.Assignment) []float64 {
	sums := make([]float64, len(p.Features))
	for _, t := range p.Terms {
		for f, x := range t.Values[t.Row(knobs, a)] {
			sums[f] += x
		}
	}
	return sums
}

func (p *Plan) predict(knobs []study.Knob, a study.Assignment) search.Prediction {
	out := search.Prediction{Features: p.Of(knobs, a), Known: make(map[int]float64, len(p.Known))}
	for objective, feature := range p.Known {
		out.Known[objective] = out.Features[feature]
	}
	return out
}
