package configs

import (
	"bytes"
	_ "embed" // for the schema
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

//go:embed study.v1.json
var schemaJSON []byte

// Schema returns the JSON Schema (draft-07) of study files, for editors. Its
// x-want keywords are Fettle's own: they say in words what is wanted, and
// error messages are made of them.
func Schema() []byte { return bytes.Clone(schemaJSON) }

const schemaURL = "study.v1.json"

// schema is the compiled schema with its raw form, in which x-want is found.
type schema struct {
	compiled *jsonschema.Schema
	raw      any
}

// loadSchema returns the compiled schema, which never changes and is safe for
// concurrent use. An error is a mistake in the program.
var loadSchema = sync.OnceValues(compileSchema)

func compileSchema() (*schema, error) {
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaURL, raw); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(schemaURL)
	if err != nil {
		return nil, err
	}
	return &schema{compiled, raw}, nil
}

// check validates the structure of a study file.
func (s *schema) check(t *tree) []fault.Problem {
	err := s.compiled.Validate(t.plain())
	var failed *jsonschema.ValidationError
	if !errors.As(err, &failed) {
		return nil
	}
	var found []fault.Problem
	s.collect(failed, t, &found)
	return merge(found)
}

// collect walks to the leaves of the validator's error. Alternatives are not
// walked into: why each of them failed is noise.
func (s *schema) collect(e *jsonschema.ValidationError, t *tree, into *[]fault.Problem) {
	_, alternatives := e.ErrorKind.(*kind.OneOf)
	if len(e.Causes) > 0 && !alternatives {
		for _, cause := range missingLast(e.Causes) {
			s.collect(cause, t, into)
		}
		return
	}
	want := s.at(e.SchemaURL)
	node := t.at(e.InstanceLocation...)
	path := strings.Join(e.InstanceLocation, ".")
	add := func(line int, format string, args ...any) {
		*into = append(*into, fault.Problem{Path: path, Line: line, Message: fmt.Sprintf(format, args...)})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known := slices.Sorted(maps.Keys(want.properties()))
		for _, name := range k.Properties {
			add(node.keyLine(name), "unknown %s %q%s", keyWord(path), clip(name), suggest(name, known))
		}
	case *kind.Required:
		if missing := without(k.Missing, *into, path); len(missing) > 0 {
			add(node.line, "%s missing", areList(missing))
		}
	case *kind.OneOf:
		add(node.line, "want exactly one of choice, int and float")
	case *kind.Enum:
		add(node.line, "%s", want.unknownWord(node.value))
	default:
		add(node.line, "want %s, not %s", want.words(), describe(node))
	}
}

// missingLast puts missing keys behind all else.
func missingLast(causes []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	missing := func(e *jsonschema.ValidationError) int {
		if _, ok := e.ErrorKind.(*kind.Required); ok {
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(causes), func(a, b *jsonschema.ValidationError) int { return missing(a) - missing(b) })
}

// keyWord is what the keys of a mapping are called.
func keyWord(path string) string {
	if path == "knobs" {
		return "knob"
	}
	return "key"
}

// without leaves out the keys that an unknown key of the same mapping was
// probably meant to be: one mistake, one message.
func without(missing []string, found []fault.Problem, path string) []string {
	return slices.DeleteFunc(slices.Clone(missing), func(name string) bool {
		return slices.ContainsFunc(found, func(p fault.Problem) bool {
			return p.Path == path && strings.HasSuffix(p.Message, didYouMean(name))
		})
	})
}

// areList writes "a is" or "a, b and c are".
func areList(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0] + " is"
	}
	return strings.Join(words[:last], ", ") + " and " + words[last] + " are"
}

func suggest(word string, known []string) string {
	if s := study.Suggest(word, known); s != "" {
		return didYouMean(s)
	}
	return ""
}

func didYouMean(word string) string { return "; did you mean " + word + "?" }

// rule is one object of the schema.
type rule map[string]any

// at finds the schema object a validator's error points to.
func (s *schema) at(url string) rule {
	_, pointer, _ := strings.Cut(url, "#")
	node := s.raw
	for _, step := range strings.Split(strings.Trim(pointer, "/"), "/") {
		switch n := node.(type) {
		case map[string]any:
			if step != "" {
				node = n[step]
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(n) {
				return nil
			}
			node = n[i]
		}
	}
	found, _ := node.(map[string]any)
	return found
}

// words says what is wanted: x-want.
func (r rule) words() string {
	w, _ := r["x-want"].(string)
	return w
}

func (r rule) properties() map[string]any {
	p, _ := r["properties"].(map[string]any)
	return p
}

// unknownWord is the message for a value that is none of a closed list.
func (r rule) unknownWord(got any) string {
	var known []string
	options, _ := r["enum"].([]any)
	for _, o := range options {
		known = append(known, fmt.Sprint(o))
	}
	word, isText := got.(string)
	if !isText {
		return fmt.Sprintf("want %s, not %s", r.words(), describe(&tree{value: got}))
	}
	if len(known) <= 2 {
		return fmt.Sprintf("want %s, not %q%s", r.words(), clip(word), suggest(word, known))
	}
	thing := strings.TrimPrefix(r.words(), "a ")
	message := fmt.Sprintf("unknown %s %q%s", thing, clip(word), suggest(word, known))
	if len(known) <= 10 {
		message += fmt.Sprintf(" (there are %s)", strings.Join(known, ", "))
	}
	return message
}

// describe says in a few words what a node is.
func describe(t *tree) string {
	switch t.shape {
	case mapping:
		if len(t.keys) == 0 {
			return "an empty mapping"
		}
		return "a mapping"
	case list:
		if len(t.items) == 0 {
			return "an empty list"
		}
		return fmt.Sprintf("a list of %d", len(t.items))
	}
	switch v := t.value.(type) {
	case nil:
		return "nothing"
	case string:
		if v == "" {
			return "an empty text"
		}
		return fmt.Sprintf("the text %q", clip(v))
	case bool:
		return fmt.Sprint(v)
	}
	number, _ := json.Marshal(t.value) // a finite number cannot fail
	return "the number " + string(number)
}

// merge drops repeated messages and sorts by line.
func merge(found []fault.Problem) []fault.Problem {
	var kept []fault.Problem
	for _, p := range found {
		if !slices.Contains(kept, p) {
			kept = append(kept, p)
		}
	}
	slices.SortStableFunc(kept, func(a, b fault.Problem) int { return a.Line - b.Line })
	return kept
}
