package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study"
)

func rawSchema(t *testing.T) rule {
	t.Helper()
	var r rule
	if err := json.Unmarshal(Schema(), &r); err != nil {
		t.Fatal(err)
	}
	if r["$schema"] != "http://json-schema.org/draft-07/schema#" {
		t.Fatalf("editors need draft-07, not %v", r["$schema"])
	}
	return r
}

// resolve follows a $ref into the definitions.
func resolve(t *testing.T, root rule, node any) rule {
	t.Helper()
	r, ok := node.(map[string]any)
	if !ok {
		t.Fatalf("want a schema object, got %T", node)
	}
	ref, ok := r["$ref"].(string)
	if !ok {
		return r
	}
	definitions, _ := root["definitions"].(map[string]any)
	return resolve(t, root, definitions[strings.TrimPrefix(ref, "#/definitions/")])
}

// The Go struct and the schema have the same fields, of the same kinds, and
// agree on which may be absent.
func TestSchemaMatchesDocument(t *testing.T) {
	root := rawSchema(t)
	compare(t, root, root, reflect.TypeFor[document](), "study")
}

func compare(t *testing.T, root, r rule, typ reflect.Type, path string) {
	t.Helper()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ == reflect.TypeFor[study.Value](), typ == reflect.TypeFor[json.RawMessage]():
		if kinds, ok := r["type"].([]any); !ok || len(kinds) < 2 {
			t.Errorf("%s: the schema allows %v, the struct several kinds", path, r["type"])
		}
		return
	case typ.Kind() == reflect.Struct:
		compareStruct(t, root, r, typ, path)
		return
	case typ.Kind() == reflect.Slice, typ.Kind() == reflect.Array:
		wantType(t, r, "array", path)
		if typ.Kind() == reflect.Array && (r["minItems"] != float64(typ.Len()) || r["maxItems"] != float64(typ.Len())) {
			t.Errorf("%s: the schema allows %v to %v items, the struct %d", path, r["minItems"], r["maxItems"], typ.Len())
		}
		compare(t, root, resolve(t, root, r["items"]), typ.Elem(), path+"[]")
		return
	case typ.Kind() == reflect.Map:
		wantType(t, r, "object", path)
		for _, p := range r.properties() {
			compare(t, root, resolve(t, root, p), typ.Elem(), path+"{}")
		}
		if more, ok := r["additionalProperties"].(map[string]any); ok {
			compare(t, root, more, typ.Elem(), path+"{}")
		}
		return
	}
	names := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Int64: "integer", reflect.Float64: "number", reflect.Bool: "boolean"}
	if _, isEnum := r["enum"]; isEnum && typ.Kind() == reflect.String {
		return
	}
	wantType(t, r, names[typ.Kind()], path)
}

func wantType(t *testing.T, r rule, want, path string) {
	t.Helper()
	if r["type"] != want {
		t.Errorf("%s: the schema says %v, the struct %s", path, r["type"], want)
	}
}

func compareStruct(t *testing.T, root, r rule, typ reflect.Type, path string) {
	t.Helper()
	wantType(t, r, "object", path)
	if r["additionalProperties"] != false {
		t.Errorf("%s: the schema lets unknown keys pass", path)
	}
	fields, required := map[string]bool{}, []string{}
	for _, f := range reflect.VisibleFields(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = true
		if options == "" {
			required = append(required, name)
		}
		p, ok := r.properties()[name]
		if !ok {
			t.Errorf("%s: the schema lacks %s", path, name)
			continue
		}
		compare(t, root, resolve(t, root, p), f.Type, path+"."+name)
	}
	for name := range r.properties() {
		if !fields[name] {
			t.Errorf("%s: the struct lacks %s", path, name)
		}
	}
	var stated []string
	names, _ := r["required"].([]any)
	for _, n := range names {
		stated = append(stated, fmt.Sprint(n))
	}
	slices.Sort(stated)
	slices.Sort(required)
	if !slices.Equal(stated, required) {
		t.Errorf("%s: the schema requires %v, the struct %v", path, stated, required)
	}
}

// Editors complete knobs, metrics and samplers from the schema: it must list
// those of package study.
func TestSchemaListsTheRegistries(t *testing.T) {
	root := rawSchema(t)
	same := func(what string, got, want []string) {
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has\n%v\nand study has\n%v", what, got, want)
		}
	}
	knobs := resolve(t, root, root.properties()["knobs"])
	same("knobs", slices.Collect(maps.Keys(knobs.properties())), study.KnobNames())

	var metrics []string
	for _, m := range study.MetricRegistry() {
		metrics = append(metrics, m.Name)
		if m.Source == "target" {
			for _, s := range study.Statistics() {
				metrics = append(metrics, m.Name+"."+s)
			}
		}
	}
	enum := func(r rule) (words []string) {
		options, _ := r["enum"].([]any)
		for _, o := range options {
			words = append(words, fmt.Sprint(o))
		}
		return words
	}
	same("metrics", enum(resolve(t, root, map[string]any{"$ref": "#/definitions/metric"})), metrics)
	search := resolve(t, root, root.properties()["search"])
	same("samplers", enum(resolve(t, root, search.properties()["sampler"])), study.Samplers())
}

// Every place of the schema says in words what is wanted there.
func TestSchemaHasWordsForEveryPlace(t *testing.T) {
	root := rawSchema(t)
	var walk func(node any, path string)
	walk = func(node any, path string) {
		switch n := node.(type) {
		case map[string]any:
			_, hasType := n["type"]
			_, hasEnum := n["enum"]
			if (hasType || hasEnum) && rule(n).words() == "" {
				t.Errorf("%s has no x-want", path)
			}
			for k, v := range n {
				walk(v, path+"/"+k)
			}
		case []any:
			for _, v := range n {
				walk(v, path)
			}
		}
	}
	walk(map[string]any(root), "")
}

// The schema and Validate draw the same lines: the largest number that the
// schema allows is valid, and one more is not.
func TestSchemaLimitsAreThoseOfValidate(t *testing.T) {
	root := rawSchema(t)
	at := func(path ...string) rule {
		r := root
		for _, p := range path {
			if p == "[]" {
				r = resolve(t, root, r["items"])
			} else {
				r = resolve(t, root, r.properties()[p])
			}
		}
		return r
	}
	for _, c := range []struct {
		path string
		r    rule
		set  func(*study.Spec, int)
	}{
		{"workload.prompt_tokens", at("workload", "prompt_tokens"), func(s *study.Spec, x int) { s.Workload.PromptTokens = x }},
		{"workload.generate_tokens", at("workload", "generate_tokens"), func(s *study.Spec, x int) { s.Workload.GenerateTokens = x }},
		{"workload.context", at("workload", "context"), func(s *study.Spec, x int) { s.Workload.Context = x }},
		{"workload.warm_up", at("workload", "warm_up"), func(s *study.Spec, x int) { s.Workload.WarmUp = x }},
		{"workload.repeats", at("workload", "repeats", "[]"), func(s *study.Spec, x int) { s.Workload.MinRepeats, s.Workload.MaxRepeats = x, x }},
		{"quality.chunks", at("quality", "chunks"), func(s *study.Spec, x int) { s.Quality.Chunks = x }},
		{"search.seed", at("search", "seed"), func(s *study.Spec, x int) { s.Search.Seed = int64(x) }},
		{"budget.trials", at("budget", "trials"), func(s *study.Spec, x int) { s.Budget.Trials = x }},
	} {
		low, _ := c.r["minimum"].(float64)
		high, _ := c.r["maximum"].(float64)
		if high == 0 {
			t.Errorf("%s: no maximum in the schema", c.path)
		}
		for x, valid := range map[int]bool{int(low) - 1: false, int(low): true, int(high): true, int(high) + 1: false} {
			s := mustParse(t, "s.yaml", strings.NewReplacer("knobs:", "quality: {text: t.txt}\nknobs:", "context: 12", "context: 16").Replace(minimal)).Spec
			c.set(&s, x)
			refused := slices.ContainsFunc(problemsWithin(s), func(path string) bool { return path == c.path })
			if refused == valid {
				t.Errorf("%s = %d: refused is %v", c.path, x, refused)
			}
		}
	}
}

// problemsWithin returns the paths of problems with a range.
func problemsWithin(s study.Spec) []string {
	var paths []string
	for _, p := range s.Validate() {
		if strings.Contains(p.Message, " to ") {
			paths = append(paths, p.Path)
		}
	}
	return paths
}
