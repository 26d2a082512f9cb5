package study

import (
	"math"
	"reflect"
	"testing"
)

func texts(words ...string) []Value {
	values := make([]Value, len(words))
	for i, w := range words {
		values[i] = Text(w)
	}
	return values
}

func TestKnobSizeAndContains(t *testing.T) {
	for _, c := range []struct {
		knob    Knob
		size    float64
		in, out []Value
	}{
		{Knob{Choice: texts("a", "b")}, 2, texts("a", "b"), []Value{Text("c"), Text(""), Number(0), Bool(true)}},
		{Knob{Choice: []Value{Bool(false), Bool(true)}}, 2, []Value{Bool(true)}, []Value{Text("true"), Number(1)}},
		{Knob{Int: &[2]int{-1, 2}}, 4, []Value{Number(-1), Number(0), Number(2)}, []Value{Number(-2), Number(3), Number(0.5), Text("0"), Bool(true)}},
		{Knob{Int: &[2]int{5, 5}}, 1, []Value{Number(5)}, []Value{Number(4)}},
		{Knob{Float: &[2]float64{0.5, 1}}, math.Inf(1), []Value{Number(0.5), Number(0.7), Number(1)}, []Value{Number(0.49), Number(1.01), Text("1"), Bool(true)}},
		{Knob{Float: &[2]float64{2, 2}}, 1, []Value{Number(2)}, []Value{Number(2.1)}},
		{Knob{}, math.Inf(1), nil, []Value{Number(0), Text("")}},
	} {
		if got := c.knob.Size(); got != c.size {
			t.Errorf("%+v: size %v, want %v", c.knob, got, c.size)
		}
		for _, v := range c.in {
			if !c.knob.Contains(v) {
				t.Errorf("%+v does not contain %v", c.knob, v)
			}
		}
		for _, v := range c.out {
			if c.knob.Contains(v) {
				t.Errorf("%+v contains %v", c.knob, v)
			}
		}
	}
}

func TestPrune(t *testing.T) {
	on := func(names ...string) map[string][]Value {
		m := map[string][]Value{}
		for _, n := range names {
			m[n] = texts("on")
		}
		return m
	}
	yes, no := Text("on"), Text("off")
	// c depends on b, b on a; d on both a and b.
	chain := []Knob{{Name: "d", When: on("a", "b")}, {Name: "c", When: on("b")}, {Name: "b", When: on("a")}, {Name: "a"}}
	circle := []Knob{{Name: "a", When: on("b")}, {Name: "b", When: on("a")}}
	for _, c := range []struct {
		name     string
		knobs    []Knob
		in, want Assignment
	}{
		{"all on", chain, Assignment{"a": yes, "b": yes, "c": yes, "d": yes}, Assignment{"a": yes, "b": yes, "c": yes, "d": yes}},
		{"root off", chain, Assignment{"a": no, "b": yes, "c": yes, "d": yes}, Assignment{"a": no}},
		{"middle off", chain, Assignment{"a": yes, "b": no, "c": yes, "d": yes}, Assignment{"a": yes, "b": no}},
		{"root absent", chain, Assignment{"b": yes, "c": yes}, Assignment{}},
		{"unknown names stay", chain, Assignment{"x": yes}, Assignment{"x": yes}},
		{"circle that holds", circle, Assignment{"a": yes, "b": yes}, Assignment{"a": yes, "b": yes}},
		{"circle that breaks", circle, Assignment{"a": no, "b": yes}, Assignment{}},
		{"itself", []Knob{{Name: "a", When: on("a")}}, Assignment{"a": no}, Assignment{}},
		{"any of several values", []Knob{{Name: "b", When: map[string][]Value{"a": texts("x", "on")}}, {Name: "a"}}, Assignment{"a": yes, "b": no}, Assignment{"a": yes, "b": no}},
		{"no knobs", nil, Assignment{"a": yes}, Assignment{"a": yes}},
	} {
		before := c.in.Key()
		forward := Prune(c.knobs, c.in)
		var reversed []Knob
		for i := range c.knobs {
			reversed = append(reversed, c.knobs[len(c.knobs)-1-i])
		}
		if backward := Prune(reversed, c.in); !reflect.DeepEqual(forward, c.want) || !reflect.DeepEqual(backward, c.want) {
			t.Errorf("%s: got %v, and %v in the other order; want %v", c.name, forward, backward, c.want)
		}
		if c.in.Key() != before {
			t.Errorf("%s: the argument was changed", c.name)
		}
		if again := Prune(c.knobs, forward); !reflect.DeepEqual(again, forward) {
			t.Errorf("%s: pruned twice gives %v", c.name, again)
		}
	}
}

func TestKnobRegistry(t *testing.T) {
	seen := map[string]bool{}
	for i, k := range KnobRegistry() {
		if seen[k.Name] || k.Help == "" || k.Part != ModelPart && k.Part != RunPart || k.Kind != "choice" && k.Kind != "int" {
			t.Errorf("entry %+v", k)
		}
		seen[k.Name] = true
		if got, ok := LookupKnob(k.Name); !ok || got != k || KnobNames()[i] != k.Name {
			t.Errorf("%s: looked up as %+v, %v", k.Name, got, ok)
		}
	}
	for _, name := range []string{"", "quant", "quant.Default", "quant.default ", "latency.decode"} {
		if got, ok := LookupKnob(name); ok {
			t.Errorf("%q: found %+v", name, got)
		}
	}
	KnobRegistry()[0].Name = "changed"
	if KnobRegistry()[0].Name == "changed" {
		t.Error("the registry can be changed from outside")
	}
}

func TestLookupMetric(t *testing.T) {
	for _, c := range []struct{ in, metric, statistic string }{
		{"latency.decode", "latency.decode", "p50"}, {"latency.decode.p50", "latency.decode", "p50"}, {"latency.decode.p95", "latency.decode", "p95"},
		{"latency.decode.mean", "latency.decode", "mean"}, {"latency.decode.max", "latency.decode", "max"},
		{"power.max", "power.max", "p50"}, {"power.max.max", "power.max", "max"}, {"temperature.max.p95", "temperature.max", "p95"},
		{"quality.kld", "quality.kld", "p50"}, {"size.file", "size.file", "p50"},
	} {
		info, statistic, ok := LookupMetric(c.in)
		if !ok || info.Name != c.metric || statistic != c.statistic {
			t.Errorf("%s: got %s, %s, %v", c.in, info.Name, statistic, ok)
		}
	}
	for _, in := range []string{"", ".", "p50", ".p50", "power", "temperature", "latency", "latency.decode.", "latency.decode.p99", "latency.decode.p50.p50", "Latency.decode", "power.max.max.max"} {
		if info, statistic, ok := LookupMetric(in); ok {
			t.Errorf("%q: got %s, %s", in, info.Name, statistic)
		}
	}
}

func TestMetricRegistry(t *testing.T) {
	seen := map[string]bool{}
	for i, m := range MetricRegistry() {
		if seen[m.Name] || m.Help == "" || m.Better != Min && m.Better != Max || m.Source != "target" && m.Source != "host" && m.Source != "exact" {
			t.Errorf("entry %+v", m)
		}
		seen[m.Name] = true
		if info, _, ok := LookupMetric(m.Name); !ok || info != m || MetricNames()[i] != m.Name {
			t.Errorf("%s: looked up as %+v, %v", m.Name, info, ok)
		}
	}
	want := map[string]string{"latency.decode.p95": "s/token", "memory.peak": "B", "quality.ppl": ""}
	if got := Units([]string{"latency.decode.p95", "memory.peak", "quality.ppl", "no.such"}); !reflect.DeepEqual(got, want) {
		t.Errorf("units %v, want %v", got, want)
	}
	Statistics()[0], MetricRegistry()[0].Name = "changed", "changed"
	if Statistics()[0] == "changed" || MetricRegistry()[0].Name == "changed" {
		t.Error("the registry can be changed from outside")
	}
}
