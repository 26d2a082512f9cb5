package configs

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-edge/fettle/study"
)

// unit is one way to write a metric's base unit: by a power of ten, which is
// exact, or by a factor.
type unit struct {
	name   string
	power  int     // of ten
	factor float64 // 0 is 1
}

// family is the units in which one base unit may be written, from small to
// large.
type family struct {
	base    string // of study.MetricInfo
	suffix  string // that may follow the unit: /token
	example string
	units   []unit
	alias   map[string]string // other spellings → name
}

var seconds = []unit{{"ns", -9, 0}, {"us", -6, 0}, {"ms", -3, 0}, {"s", 0, 0}, {"min", 0, 60}, {"h", 0, 3600}}
var secondAlias = map[string]string{"µs": "us", "μs": "us", "m": "min"}
var joules = []unit{{"uJ", -6, 0}, {"mJ", -3, 0}, {"J", 0, 0}, {"kJ", 3, 0}}
var jouleAlias = map[string]string{"µJ": "uJ", "μJ": "uJ"}

// families has every base unit of the metrics that need a unit to be written.
var families = []family{
	{"s", "", "20ms", seconds, secondAlias},
	{"s/token", "/token", "20ms", seconds, secondAlias},
	{"B", "", "512MiB", []unit{
		{"B", 0, 0}, {"kB", 3, 0}, {"MB", 6, 0}, {"GB", 9, 0},
		{"KiB", 0, 1 << 10}, {"MiB", 0, 1 << 20}, {"GiB", 0, 1 << 30},
	}, map[string]string{"KB": "kB"}},
	{"J", "", "1.5J", joules, jouleAlias},
	{"J/token", "/token", "1.5J", joules, jouleAlias},
	{"W", "", "5W", []unit{{"mW", -3, 0}, {"W", 0, 0}}, nil},
	{"°C", "", "80C", []unit{{"C", 0, 0}}, map[string]string{"°C": "C"}},
}

// bare has the base units that are written as a bare number, with the unit
// that may follow it all the same.
var bare = map[string]string{"": "", "nat/token": "nat", "bit/B": "bit/B"}

// percent is a hundredth.
var percent = unit{"%", -2, 0}

var percentPattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?%$`)

func familyOf(base string) (family, bool) {
	for _, f := range families {
		if f.base == base {
			return f, true
		}
	}
	return family{}, false
}

var quantityPattern = regexp.MustCompile(`^(-?[0-9]+(?:\.[0-9]+)?) ?([a-zA-Zµμ°/]+)$`)

// parseQuantity reads a bound of a metric: a JSON number or a text such as
// 512MiB. The result is in the metric's base unit. The error is a message for
// people.
func parseQuantity(raw json.RawMessage, info study.MetricInfo) (float64, error) {
	var number float64
	if json.Unmarshal(raw, &number) == nil {
		return bareNumber(number, info)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return 0, fmt.Errorf("want %s", wantQuantity(info))
	}
	m := quantityPattern.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("want %s, not %q", wantQuantity(info), clip(text))
	}
	x, ok := convert(m[1], m[2], info.Unit)
	if !ok {
		return 0, fmt.Errorf("%s does not fit %s: want %s", m[2], info.Name, wantQuantity(info))
	}
	if math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is too large", clip(text))
	}
	return x, nil
}

func bareNumber(x float64, info study.MetricInfo) (float64, error) {
	if _, ok := bare[info.Unit]; !ok {
		return 0, fmt.Errorf("%v what? want %s", x, wantQuantity(info))
	}
	return x, nil
}

func wantQuantity(info study.MetricInfo) string {
	if _, ok := bare[info.Unit]; ok {
		return "a bare number"
	}
	f, _ := familyOf(info.Unit)
	names := make([]string, len(f.units))
	for i, u := range f.units {
		names[i] = u.name
	}
	return fmt.Sprintf("a number in %s, such as %s", strings.Join(names, ", "), f.example)
}

// convert turns digits and a unit into base units.
func convert(digits, name, base string) (x float64, ok bool) {
	if want, ok := bare[base]; ok {
		x, _ := strconv.ParseFloat(digits, 64) // the pattern admits numbers only; too large ones are infinite
		return x, name == want || name == base || base == "nat/token" && name == "nats"
	}
	f, ok := familyOf(base)
	if !ok {
		return 0, false
	}
	if f.suffix != "" {
		name = strings.TrimSuffix(name, f.suffix)
	}
	if a, ok := f.alias[name]; ok {
		name = a
	}
	for _, u := range f.units {
		if u.name == name {
			return u.value(digits), true
		}
	}
	return 0, false
}

// value is the number of base units. Powers of ten are put into the text, so
// that 20ms is exactly the float64 nearest to 0.02.
func (u unit) value(digits string) float64 {
	x, _ := strconv.ParseFloat(fmt.Sprintf("%se%d", digits, u.power), 64)
	if u.factor != 0 {
		x *= u.factor
	}
	return x
}

// number is value's inverse: the shortest digits for x base units, which need
// not be exact.
func (u unit) number(x float64) string {
	if u.factor != 0 {
		return plainNumber(x / u.factor)
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent) // FormatFloat writes one
	shifted, _ := strconv.ParseFloat(fmt.Sprintf("%se%d", digits, e-u.power), 64)
	return plainNumber(shifted)
}

// formatQuantity writes a bound so that parseQuantity reads the same number,
// in the unit that takes the fewest digits, the largest of several. The base
// unit is always exact.
func formatQuantity(x float64, info study.MetricInfo) string {
	f, ok := familyOf(info.Unit)
	if !ok {
		return plainNumber(x)
	}
	best, digits := "", math.MaxInt
	for _, u := range f.units {
		number := u.number(x)
		short := len(number) <= digits && (number[0] != '0' || u.isBase())
		if short && u.value(number) == x {
			best, digits = number+u.name, len(number)
		}
	}
	return best
}

// isBase tells the unit in which a number is in base units.
func (u unit) isBase() bool { return u.power == 0 && u.factor == 0 }

// plainNumber writes x without an exponent, as the shortest text that reads as
// x. YAML readers keep whole numbers up to 64 bits only; larger ones get a
// fraction.
func plainNumber(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if math.Abs(x) >= 1<<53 && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// parseDuration reads 90s or 1h30m.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("want a time with its unit, such as 90s or 1h30m, not %q", clip(s))
	}
	return d, nil
}
