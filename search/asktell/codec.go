package asktell

import (
	"maps"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// maxInt bounds integers on a line, so that the number of levels cannot
// overflow.
const maxInt = 1_000_000_000

// Codec translates between assignments and params: a categorical or an ordinal
// knob is the index of its value, an int or float knob its number.
type Codec struct {
	knobs []study.Knob
	index map[string]int
}

// FromSpace makes the codec of a space as it is written on a line. An ordinal
// param becomes an integer knob of its levels.
func FromSpace(space []Param) (*Codec, error) {
	knobs := make([]study.Knob, len(space))
	for i, p := range space {
		k, err := knobOf(p)
		if err != nil {
			return nil, err
		}
		knobs[i] = k
	}
	c := FromKnobs(knobs)
	for i, p := range space {
		for _, name := range slices.Sorted(maps.Keys(p.When)) {
			j, ok := c.index[name]
			if !ok {
				return nil, cannotUse(p, "it depends on %q, which is not in the space", name)
			}
			var values []study.Value
			for _, x := range p.When[name] {
				v, err := valueOf(knobs[j], x)
				if err != nil {
					return nil, err
				}
				values = append(values, v)
			}
			if knobs[i].When == nil {
				knobs[i].When = map[string][]study.Value{}
			}
			knobs[i].When[name] = values
		}
	}
	return c, nil
}

// FromKnobs makes the codec of knobs.
func FromKnobs(knobs []study.Knob) *Codec {
	c := &Codec{knobs: knobs, index: make(map[string]int, len(knobs))}
	for i, k := range knobs {
		c.index[k.Name] = i
	}
	return c
}

// Knobs returns the knobs.
func (c *Codec) Knobs() []study.Knob { return c.knobs }

// Space writes the knobs as params.
func (c *Codec) Space() []Param {
	space := make([]Param, len(c.knobs))
	for i, k := range c.knobs {
		p := Param{Name: k.Name, Log: k.Log}
		switch {
		case k.Choice != nil:
			p.Type = Categorical
			for _, v := range k.Choice {
				p.Choices = append(p.Choices, v)
			}
		case k.Int != nil:
			low, high := float64(k.Int[0]), float64(k.Int[1])
			p.Type, p.Low, p.High = Int, &low, &high
		default:
			p.Type, p.Low, p.High = Float, &k.Float[0], &k.Float[1]
		}
		for name, values := range k.When {
			if p.When == nil {
				p.When = map[string][]float64{}
			}
			for _, v := range values {
				p.When[name] = append(p.When[name], number(c.knobs[c.index[name]], v))
			}
		}
		space[i] = p
	}
	return space
}

// Params writes an assignment.
func (c *Codec) Params(a study.Assignment) map[string]float64 {
	params := make(map[string]float64, len(a))
	for _, k := range c.knobs {
		if v, ok := a[k.Name]; ok {
			params[k.Name] = number(k, v)
		}
	}
	return params
}

// Assignment reads params. Those of inactive knobs are left out; a missing or
// unknown one, and one outside its domain, are fault.Invalid.
func (c *Codec) Assignment(params map[string]float64) (study.Assignment, error) {
	a := make(study.Assignment, len(params))
	for _, name := range slices.Sorted(maps.Keys(params)) {
		i, ok := c.index[name]
		if !ok {
			return nil, fault.New(fault.Invalid, "cannot use the params: %q is not in the space", name)
		}
		v, err := valueOf(c.knobs[i], params[name])
		if err != nil {
			return nil, err
		}
		a[name] = v
	}
	a = study.Prune(c.knobs, a)
	for _, k := range c.knobs {
		if _, ok := a[k.Name]; !ok && k.Active(a) {
			return nil, fault.New(fault.Invalid, "cannot use the params: %q is missing", k.Name)
		}
	}
	return a, nil
}

// number is a value on a line.
func number(k study.Knob, v study.Value) float64 {
	if k.Choice != nil {
		return float64(slices.Index(k.Choice, v))
	}
	return v.Float()
}

// valueOf is what a number on a line means.
func valueOf(k study.Knob, x float64) (study.Value, error) {
	if k.Choice != nil {
		if x != math.Trunc(x) || x < 0 || x >= float64(len(k.Choice)) {
			return study.Value{}, fault.New(fault.Invalid, "cannot set %q to %g: want an index from 0 to %d", k.Name, x, len(k.Choice)-1)
		}
		return k.Choice[int(x)], nil
	}
	v := study.Number(x)
	if !k.Contains(v) {
		return v, fault.New(fault.Invalid, "cannot set %q to %g: it is not in its range", k.Name, x)
	}
	return v, nil
}

func cannotUse(p Param, format string, args ...any) error {
	e := fault.New(fault.Invalid, "cannot use the param %q: "+format, append([]any{p.Name}, args...)...)
	return e.Trying(`{"name":"x","type":"float","low":0,"high":1}`)
}

func knobOf(p Param) (study.Knob, error) {
	k := study.Knob{Name: p.Name, Log: p.Log}
	listed, ranged := p.Choices != nil || p.Values != nil, p.Low != nil || p.High != nil
	switch p.Type {
	case Categorical:
		if len(p.Choices) == 0 || p.Values != nil || ranged || p.Log {
			return k, cannotUse(p, "a categorical param has choices and nothing else")
		}
		for _, c := range p.Choices {
			v, err := study.ParseValue(c)
			if err != nil || slices.Contains(k.Choice, v) {
				return k, cannotUse(p, "its choices must be texts, booleans or numbers, each once")
			}
			k.Choice = append(k.Choice, v)
		}
	case Ordinal:
		if len(p.Values) == 0 || p.Choices != nil || ranged || p.Log {
			return k, cannotUse(p, "an ordinal param has values and nothing else")
		}
		k.Int = &[2]int{0, len(p.Values) - 1}
	case Int, Float:
		if listed || p.Low == nil || p.High == nil {
			return k, cannotUse(p, "a param of type %s has low and high, and no list", p.Type)
		}
		return numeric(p, k)
	default:
		return k, cannotUse(p, "its type must be %s, %s, %s or %s", Categorical, Ordinal, Int, Float)
	}
	return k, nil
}

func numeric(p Param, k study.Knob) (study.Knob, error) {
	low, high := *p.Low, *p.High
	switch {
	case low > high:
		return k, cannotUse(p, "low is above high")
	case p.Log && low <= 0:
		return k, cannotUse(p, "a logarithmic range starts above 0")
	case p.Type == Float:
		k.Float = &[2]float64{low, high}
		return k, nil
	case low != math.Trunc(low) || high != math.Trunc(high) || low < -maxInt || high > maxInt:
		return k, cannotUse(p, "low and high of an int are integers of at most %d", maxInt)
	}
	k.Int = &[2]int{int(low), int(high)}
	return k, nil
}
