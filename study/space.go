package study

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// maxInt bounds the ends of an integer range, so that sizes cannot overflow.
const maxInt = 1_000_000_000

// lowest is the smallest integer of knobs that cannot be anything below it.
// Every integer knob that is not here starts at 0.
var lowest = map[string]int{"truncate.depth": 1, "runtime.threads": 1}

// typePattern matches what the types of a runtime may be called.
var typePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// KnobNames returns the names of all knobs, in the order they are documented.
func KnobNames() []string {
	names := make([]string, len(knobs))
	for i, k := range knobs {
		names[i] = k.Name
	}
	return names
}

func (c *checker) knobs(space []Knob) {
	if len(space) == 0 {
		c.add("knobs", "want at least one knob")
	}
	seen := map[string]bool{}
	for _, k := range space {
		path := "knobs." + k.Name
		info, ok := LookupKnob(k.Name)
		switch {
		case !ok:
			c.add("knobs."+clip(k.Name, 80), "unknown knob %q%s", clip(k.Name, 80), didYouMean(k.Name, KnobNames()))
			continue
		case seen[k.Name]:
			c.add(path, "the knob is given twice")
			continue
		}
		seen[k.Name] = true
		c.domain(path, k, info)
		c.when(path+".when", k, space)
	}
	c.cycles(space)
}

// domain checks that a knob has the one domain that the registry asks for.
func (c *checker) domain(path string, k Knob, info KnobInfo) {
	given := domains(k)
	if len(given) != 1 {
		c.add(path, "want exactly one of choice, int and float, not %s", orNone(given))
		return
	}
	if given[0] != info.Kind {
		c.add(path, "want %s, not %s", kindExample(info.Kind), given[0])
		return
	}
	path += "." + given[0]
	switch {
	case k.Choice != nil:
		c.choice(path, k)
	case k.Int != nil:
		c.intRange(path, k)
	case k.Float != nil:
		c.floatRange(path, k)
	}
}

func domains(k Knob) []string {
	var given []string
	if k.Choice != nil {
		given = append(given, "choice")
	}
	if k.Int != nil {
		given = append(given, "int")
	}
	if k.Float != nil {
		given = append(given, "float")
	}
	return given
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none of them"
	}
	return strings.Join(words, " and ")
}

func kindExample(kind string) string {
	if kind == "choice" {
		return "choice: [A, B]"
	}
	return kind + ": [lowest, highest]"
}

func (c *checker) choice(path string, k Knob) {
	if len(k.Choice) == 0 || len(k.Choice) > maxChoices {
		c.add(path, "want 1 to %d values, not %d", maxChoices, len(k.Choice))
	}
	if k.Log {
		c.add(path, "log is for ranges, not for choices")
	}
	seen := map[Value]bool{}
	for i, v := range k.Choice {
		at := fmt.Sprintf("%s.%d", path, i)
		switch {
		case seen[v]:
			c.add(at, "%s is given twice", v)
		case k.Name == "runtime.flash" && !v.IsBool():
			c.add(at, "want true or false, not %s", describe(v))
		case k.Name != "runtime.flash" && (!v.IsText() || !typePattern.MatchString(v.String())):
			c.add(at, "want the name of a type, not %s", describe(v))
		case k.Name == "quant.default" && v == Text(Inherit):
			c.add(at, "inherit takes the value of quant.default, which cannot inherit itself")
		}
		seen[v] = true
	}
}

func describe(v Value) string {
	if v.IsText() {
		return fmt.Sprintf("%q", clip(v.String(), 80))
	}
	return v.String()
}

func (c *checker) intRange(path string, k Knob) {
	low, high := k.Int[0], k.Int[1]
	least := lowest[k.Name]
	if k.Log {
		least = max(least, 1)
	}
	switch {
	case low > high:
		c.add(path, "the lowest, %d, is above the highest, %d", low, high)
	case low < least && k.Log:
		c.add(path, "a logarithmic range starts at 1 or above, not at %d", low)
	case low < least:
		c.add(path, "want %d or more, not %d", least, low)
	case high > maxInt:
		c.add(path, "want at most %d, not %d", maxInt, high)
	}
}

func (c *checker) floatRange(path string, k Knob) {
	low, high := k.Float[0], k.Float[1]
	switch {
	case math.IsNaN(low) || math.IsInf(low, 0) || math.IsNaN(high) || math.IsInf(high, 0):
		c.add(path, "want two finite numbers")
	case low > high:
		c.add(path, "the lowest, %g, is above the highest, %g", low, high)
	case k.Log && low <= 0:
		c.add(path, "a logarithmic range starts above 0, not at %g", low)
	}
}

// when checks that a condition names knobs of the space and values of theirs.
func (c *checker) when(path string, k Knob, space []Knob) {
	if k.When != nil && len(k.When) == 0 {
		c.add(path, "want at least one knob and its values")
	}
	for _, name := range slices.Sorted(maps.Keys(k.When)) {
		at := path + "." + clip(name, 80)
		i := slices.IndexFunc(space, func(o Knob) bool { return o.Name == name })
		switch {
		case name == k.Name:
			c.add(at, "a knob cannot depend on itself")
			continue
		case i < 0:
			c.add(at, "this study has no knob %q%s", clip(name, 80), didYouMean(name, namesOf(space)))
			continue
		case len(k.When[name]) == 0:
			c.add(at, "want at least one value of %s", name)
		}
		c.whenValues(at, k.When[name], space[i])
	}
}

func (c *checker) whenValues(path string, values []Value, on Knob) {
	for j, v := range values {
		at := fmt.Sprintf("%s.%d", path, j)
		switch {
		case slices.Contains(values[:j], v):
			c.add(at, "%s is given twice", v)
		case !on.Contains(v):
			c.add(at, "%s is not a value of %s%s", describe(v), on.Name, didYouMean(v.String(), textsOf(on.Choice)))
		}
	}
}

func namesOf(space []Knob) []string {
	names := make([]string, len(space))
	for i, k := range space {
		names[i] = k.Name
	}
	return names
}

func textsOf(values []Value) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return texts
}

// cycles reports the first circle of conditions, with its way round.
func (c *checker) cycles(space []Knob) {
	when := map[string][]string{}
	for _, k := range space {
		when[k.Name] = slices.Sorted(maps.Keys(k.When))
	}
	done := map[string]bool{}
	var visit func(name string, way []string) bool
	visit = func(name string, way []string) bool {
		if i := slices.Index(way, name); i >= 0 {
			if len(way)-i > 1 { // a knob that depends on itself has been reported
				c.add("knobs."+name+".when", "the conditions go in a circle: %s", strings.Join(append(way[i:], name), " → "))
				return true
			}
			return false
		}
		if done[name] {
			return false
		}
		for _, next := range when[name] {
			if visit(next, append(slices.Clone(way), name)) {
				return true
			}
		}
		done[name] = true
		return false
	}
	for _, k := range space {
		if visit(k.Name, nil) {
			return
		}
	}
}

// maxParents bounds the assignments that SpaceSize walks through.
const maxParents = 10_000

// SpaceSize is the number of different assignments of a valid space, without
// the values of inactive knobs: +Inf with a float range, and an upper bound
// where the knobs that others depend on have more than ten thousand
// combinations.
func SpaceSize(space []Knob) float64 {
	var parents, leaves []Knob
	all, combinations := 1.0, 1.0
	for _, k := range space {
		all *= k.Size()
		if dependedOn(k.Name, space) {
			parents = append(parents, k)
			combinations *= k.Size()
		} else {
			leaves = append(leaves, k)
		}
	}
	if math.IsInf(all, 1) || combinations > maxParents {
		return all
	}
	total := 0.0
	seen := map[string]bool{}
	forEach(parents, Assignment{}, func(a Assignment) {
		a = Prune(parents, a)
		if key := a.Key(); !seen[key] {
			seen[key] = true
			n := 1.0
			for _, k := range leaves {
				if k.Active(a) {
					n *= k.Size()
				}
			}
			total += n
		}
	})
	return total
}

func dependedOn(name string, space []Knob) bool {
	return slices.ContainsFunc(space, func(k Knob) bool { _, ok := k.When[name]; return ok })
}

// forEach calls f with every assignment of discrete knobs. f must not keep it.
func forEach(space []Knob, a Assignment, f func(Assignment)) {
	if len(space) == 0 {
		f(a)
		return
	}
	k := space[0]
	each := func(v Value) {
		a[k.Name] = v
		forEach(space[1:], a, f)
	}
	switch {
	case k.Int != nil:
		for x := k.Int[0]; x <= k.Int[1]; x++ {
			each(Number(float64(x)))
		}
	case k.Float != nil:
		each(Number(k.Float[0]))
	default:
		for _, v := range k.Choice {
			each(v)
		}
	}
}
