package study

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Value is what a knob can be set to: a string, a boolean or a finite number.
// Values are comparable with ==; the zero Value is the empty string.
type Value struct {
	kind valueKind
	text string
	num  float64
}

type valueKind uint8

const (
	textValue valueKind = iota
	boolValue
	numValue
)

// Text returns a string value.
func Text(s string) Value { return Value{text: s} }

// Bool returns a boolean value.
func Bool(b bool) Value {
	v := Value{kind: boolValue}
	if b {
		v.num = 1
	}
	return v
}

// Number returns a numeric value. NaN and infinities are not values: they
// become 0, so callers that read foreign input check first (ParseValue does).
func Number(x float64) Value {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		x = 0
	}
	return Value{kind: numValue, num: x + 0} // +0 turns -0 into 0, so that == is equality of meaning
}

// ParseValue turns a decoded YAML or JSON scalar into a Value.
func ParseValue(x any) (Value, error) {
	switch x := x.(type) {
	case string:
		return Text(x), nil
	case bool:
		return Bool(x), nil
	case int:
		return Number(float64(x)), nil
	case int64:
		return Number(float64(x)), nil
	case uint64:
		return Number(float64(x)), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Value{}, fmt.Errorf("%v is not a finite number", x)
		}
		return Number(x), nil
	case Value:
		return x, nil
	}
	return Value{}, fmt.Errorf("want a string, a boolean or a number, not %T", x)
}

// IsNumber, IsBool and IsText tell the kind.
func (v Value) IsNumber() bool { return v.kind == numValue }
func (v Value) IsBool() bool   { return v.kind == boolValue }
func (v Value) IsText() bool   { return v.kind == textValue }

// Float returns the number, or 0 or 1 for a boolean, or 0 for a string.
func (v Value) Float() float64 { return v.num }

// Int returns the number rounded to the nearest integer.
func (v Value) Int() int { return int(math.Round(v.num)) }

// True reports whether v is the boolean true.
func (v Value) True() bool { return v.kind == boolValue && v.num == 1 }

// String returns the value as people write it: Q8_0, true, 4.
func (v Value) String() string {
	switch v.kind {
	case boolValue:
		return strconv.FormatBool(v.num == 1)
	case numValue:
		if v.num == math.Trunc(v.num) && math.Abs(v.num) < 1e15 {
			return strconv.FormatInt(int64(v.num), 10) // not 1e+06
		}
		return strconv.FormatFloat(v.num, 'g', -1, 64)
	}
	return v.text
}

// MarshalJSON writes a JSON scalar.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case boolValue:
		return json.Marshal(v.num == 1)
	case numValue:
		return json.Marshal(v.num)
	}
	return json.Marshal(v.text)
}

// UnmarshalJSON reads a JSON scalar.
func (v *Value) UnmarshalJSON(b []byte) error {
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	got, err := ParseValue(x)
	if err != nil {
		return err
	}
	*v = got
	return nil
}
