package study

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestValuesAreComparable(t *testing.T) {
	for _, c := range []struct {
		a, b Value
		same bool
	}{
		{Text("4"), Text("4"), true},
		{Text("4"), Number(4), false},
		{Text("true"), Bool(true), false},
		{Bool(true), Number(1), false},
		{Bool(false), Number(0), false},
		{Bool(false), Text(""), false},
		{Number(0), Number(math.Copysign(0, -1)), true},
		{Number(math.NaN()), Number(0), true},
		{Number(math.Inf(1)), Number(0), true},
		{Text(""), Value{}, true},
	} {
		if (c.a == c.b) != c.same {
			t.Errorf("%#v == %#v is %v", c.a, c.b, !c.same)
		}
	}
}

func TestValueKindsAndReadings(t *testing.T) {
	for _, c := range []struct {
		v                     Value
		number, boolean, text bool
		float                 float64
		integer               int
		isTrue                bool
		written               string
	}{
		{Text("Q8_0"), false, false, true, 0, 0, false, "Q8_0"},
		{Text("true"), false, false, true, 0, 0, false, "true"},
		{Bool(true), false, true, false, 1, 1, true, "true"},
		{Bool(false), false, true, false, 0, 0, false, "false"},
		{Number(1), true, false, false, 1, 1, false, "1"},
		{Number(-2.5), true, false, false, -2.5, -3, false, "-2.5"},
		{Number(4096), true, false, false, 4096, 4096, false, "4096"},
		{Number(1e6), true, false, false, 1e6, 1000000, false, "1000000"},
		{Number(123456789), true, false, false, 123456789, 123456789, false, "123456789"},
		{Number(0.001), true, false, false, 0.001, 0, false, "0.001"},
		{Number(1e15), true, false, false, 1e15, 1e15, false, "1e+15"},
	} {
		if c.v.IsNumber() != c.number || c.v.IsBool() != c.boolean || c.v.IsText() != c.text {
			t.Errorf("%v: kinds %v %v %v", c.v, c.v.IsNumber(), c.v.IsBool(), c.v.IsText())
		}
		if c.v.Float() != c.float || c.v.Int() != c.integer || c.v.True() != c.isTrue || c.v.String() != c.written {
			t.Errorf("%v: float %v, int %v, true %v, written %q", c.v, c.v.Float(), c.v.Int(), c.v.True(), c.v.String())
		}
	}
}

func TestParseValue(t *testing.T) {
	for _, c := range []struct {
		in   any
		want Value
	}{
		{"x", Text("x")}, {true, Bool(true)}, {3, Number(3)}, {int64(-3), Number(-3)}, {uint64(3), Number(3)}, {2.5, Number(2.5)}, {Text("y"), Text("y")},
	} {
		if got, err := ParseValue(c.in); err != nil || got != c.want {
			t.Errorf("%#v: got %v, %v", c.in, got, err)
		}
	}
	for _, in := range []any{nil, math.NaN(), math.Inf(-1), []any{1}, map[string]any{}, struct{}{}} {
		if got, err := ParseValue(in); err == nil {
			t.Errorf("%#v: accepted as %v", in, got)
		}
	}
}

func TestValueJSON(t *testing.T) {
	for text, want := range map[string]Value{
		`"Q8_0"`: Text("Q8_0"), `"4"`: Text("4"), `4`: Number(4), `-0.5`: Number(-0.5), `true`: Bool(true), `false`: Bool(false), `""`: Text(""), `"<&>"`: Text("<&>"),
	} {
		var got Value
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
		written, err := json.Marshal(want)
		var again Value
		if err != nil || json.Unmarshal(written, &again) != nil || again != want {
			t.Errorf("%v is written as %s and read as %v (%v)", want, written, again, err)
		}
	}
	for _, text := range []string{`null`, `[1]`, `{}`, `1e999`} {
		got := Text("before")
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s: accepted as %v", text, got)
		}
	}
	var list []Value
	if err := json.Unmarshal([]byte(`["a", null]`), &list); err == nil {
		t.Errorf("null in a list: accepted as %v", list)
	}
}

func TestAssignmentKeysTellAssignmentsApart(t *testing.T) {
	all := []Assignment{
		{},
		{"a": Text("1")}, {"a": Number(1)}, {"a": Bool(true)}, {"a": Text("true")}, {"a": Text("")},
		{"a": Text("1"), "b": Text("2")}, {"a": Text("2"), "b": Text("1")},
		// Texts that look like the next entry.
		{"a": Text("1;b=0:2")}, {"a": Text(`1";"b"=0:"2`)}, {`a"=0:"1";"b`: Text("2")},
	}
	seen := map[string]int{}
	for i, a := range all {
		if j, ok := seen[a.Key()]; ok {
			t.Errorf("%v and %v have the key %q", all[j], a, a.Key())
		}
		seen[a.Key()] = i
	}
	for range 20 { // maps iterate in any order
		if a := (Assignment{"x": Number(1), "y": Number(2), "z": Number(3)}); a.Key() != (Assignment{"z": Number(3), "y": Number(2), "x": Number(1)}).Key() {
			t.Fatal("the key depends on the order")
		}
	}
}

func TestDigest(t *testing.T) {
	// FIPS 180-2, appendix B.1.
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := DigestOf([]byte("abc")); got != abc {
		t.Errorf("digest of abc is %s", got)
	}
	if d, err := ParseDigest(abc); err != nil || d != abc || d.Short() != "ba7816bf8f01" {
		t.Errorf("got %s, %v", d, err)
	}
	for _, bad := range []string{"", abc[1:], abc + "0", strings.ToUpper(abc), "g" + abc[1:], abc[:63] + "é", "../" + abc[3:], strings.Repeat("x", 1000)} {
		if d, err := ParseDigest(bad); err == nil || d != "" || len(err.Error()) > 200 {
			t.Errorf("%q: got %q, %v", bad, d, err)
		}
	}
	if got := Digest("abc").Short(); got != "abc" {
		t.Errorf("short of a short digest is %q", got)
	}
}

func TestRecipeIdentities(t *testing.T) {
	base := Recipe{Format: "gguf/1", Model: json.RawMessage(`{"a":1}`), Run: RunOptions{Threads: 2, KV: "f16", Context: 256}, Text: "one"}
	change := func(f func(*Recipe)) Recipe { r := base; f(&r); return r }
	model := DigestOf([]byte("model"))

	sameVariant := []Recipe{base, change(func(r *Recipe) { r.Run.Threads = 1 }), change(func(r *Recipe) { r.Text = "two" })}
	for _, r := range sameVariant {
		if r.Variant(model) != base.Variant(model) {
			t.Errorf("%+v is another variant", r)
		}
	}
	if change(func(r *Recipe) { r.Text = "two" }).Key() != base.Key() {
		t.Error("the text for people changes the key")
	}
	seen := map[string]bool{base.Key(): true}
	for _, r := range []Recipe{
		change(func(r *Recipe) { r.Run.Threads = 1 }), change(func(r *Recipe) { r.Run.Flash = true }), change(func(r *Recipe) { r.Run.KV = "q8_0" }),
		change(func(r *Recipe) { r.Run.Context = 512 }), change(func(r *Recipe) { r.Format = "gguf/2" }), change(func(r *Recipe) { r.Model = json.RawMessage(`{"a":2}`) }),
	} {
		if seen[r.Key()] {
			t.Errorf("%+v has the key of another recipe", r)
		}
		seen[r.Key()] = true
	}
	if base.Variant(model) == base.Variant(DigestOf([]byte("other"))) || base.Variant(model) == change(func(r *Recipe) { r.Model = json.RawMessage(`{}`) }).Variant(model) {
		t.Error("variants of other models or model parts are the same")
	}
}
