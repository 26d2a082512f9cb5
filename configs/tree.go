package configs

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/fettle-edge/fettle/study/fault"
)

// What a study file may hold at most. The YAML scanner takes quadratic time
// over some texts (seconds for 64 KiB of <<, more for empty lines in a block)
// and the parser recurses; a study file comes nowhere near these.
const (
	maxBytes  = 64 << 10
	maxLines  = 2000
	maxTokens = 20_000
	maxDepth  = 24
)

// tree is a YAML node without what a study file may not use (anchors, tags,
// several documents) and with the line it came from. A mapping has keys, a
// list does not, and a scalar has a value alone.
type tree struct {
	shape shape
	line  int
	keys  []key   // of a mapping, in the order of the file
	items []*tree // of a mapping or a list
	value any     // of a scalar: nil, string, bool, int64, uint64 or float64
}

type shape uint8

const (
	scalar shape = iota
	mapping
	list
)

type key struct {
	name string
	line int
}

// readTree parses YAML. The problems have a line and, inside the document, a
// path.
func readTree(data []byte) (*tree, []fault.Problem) {
	if len(data) > maxBytes {
		return nil, problemAt(0, "the file has %d bytes, want at most %d", len(data), maxBytes)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors put it there
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if p := notText(data); p != nil {
		return nil, p
	}
	tokens := lexer.Tokenize(string(data))
	if p := tooComplex(tokens); p != nil {
		return nil, p
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxProblem(err)
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			return nil, problemAt(line(d.Body), "the file holds several documents; want one study")
		}
		body = d.Body
	}
	if body == nil {
		return nil, problemAt(1, "the file is empty")
	}
	var r treeReader
	t := r.node(body, "")
	return t, r.problems
}

func problemAt(line int, format string, args ...any) []fault.Problem {
	return []fault.Problem{{Line: line, Message: fmt.Sprintf(format, args...)}}
}

// notText refuses what is not lines of text. Tabs are refused everywhere: YAML
// forbids them where they would matter most.
func notText(data []byte) []fault.Problem {
	line := 1
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == '\t':
			return problemAt(line, "write spaces, not tabs")
		case r == '\n':
			line++
		case r == utf8.RuneError && n == 1 || r < ' ' || r == 0x7f:
			return problemAt(line, "the file is not text in UTF-8 (byte %d)", i)
		}
		i += n
	}
	if line > maxLines {
		return problemAt(maxLines, "the file has %d lines, want at most %d", line, maxLines)
	}
	return nil
}

// tooComplex bounds what the parser, which recurses, is given: tokens, and
// nesting by brackets and by indentation.
func tooComplex(tokens token.Tokens) []fault.Problem {
	if len(tokens) > maxTokens {
		return problemAt(tokens[maxTokens].Position.Line, "the file is too long for a study: more than %d words and signs", maxTokens)
	}
	brackets := 0
	var columns []int // of the blocks that are open
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets = max(0, brackets-1)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			for len(columns) > 0 && columns[len(columns)-1] >= t.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, t.Position.Column)
		}
		if brackets+len(columns) > maxDepth {
			return problemAt(t.Position.Line, "nested too deeply for a study")
		}
	}
	return nil
}

// syntaxProblem says where the YAML ends to make sense.
func syntaxProblem(err error) []fault.Problem {
	var e yaml.Error
	if !errors.As(err, &e) {
		return problemAt(0, "not valid YAML: %s", err)
	}
	message := e.GetMessage()
	at := 0
	if t := e.GetToken(); t != nil {
		at = t.Position.Line
	}
	return problemAt(at, "not valid YAML: %s", message)
}

// treeReader turns syntax nodes into trees and collects what it refuses.
type treeReader struct{ problems []fault.Problem }

func (r *treeReader) refuse(n ast.Node, path, format string, args ...any) *tree {
	p := fault.Problem{Path: path, Line: line(n), Message: fmt.Sprintf(format, args...)}
	r.problems = append(r.problems, p)
	return &tree{line: p.Line}
}

func (r *treeReader) node(n ast.Node, path string) *tree {
	t := &tree{line: line(n)}
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(t, n.Values, path)
	case *ast.MappingValueNode:
		return r.mapping(t, []*ast.MappingValueNode{n}, path)
	case *ast.SequenceNode:
		t.shape = list
		for i, v := range n.Values {
			t.items = append(t.items, r.node(v, join(path, fmt.Sprint(i))))
		}
	case *ast.NullNode:
	case *ast.StringNode:
		t.value = n.Value
	case *ast.LiteralNode:
		t.value = n.Value.Value
	case *ast.BoolNode:
		t.value = n.Value
	case *ast.IntegerNode:
		if octal.MatchString(n.Token.Value) {
			return r.refuse(n, path, "%s: write a whole number without a leading 0", n.Token.Value)
		}
		t.value = n.Value
	case *ast.FloatNode:
		t.value = n.Value
		if math.IsInf(n.Value, 0) || math.IsNaN(n.Value) {
			return r.refuse(n, path, "%s is not a finite number", n.Token.Value)
		}
	case *ast.InfinityNode, *ast.NanNode:
		return r.refuse(n, path, "%s is not a finite number", n.GetToken().Value)
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return r.refuse(n, path, "anchors (&), aliases (*) and merges (<<) are not for study files: write the value out")
	case *ast.TagNode:
		return r.refuse(n, path, "tags (!) are not for study files: write the value alone")
	default:
		return r.refuse(n, path, "this is more YAML than a study file may use")
	}
	return t
}

// octal matches whole numbers that some YAML readers take for octal.
var octal = regexp.MustCompile(`^[-+]?0[0-9_]`)

func (r *treeReader) mapping(t *tree, values []*ast.MappingValueNode, path string) *tree {
	t.shape = mapping
	first := map[string]int{}
	for _, v := range values {
		k, ok := r.key(v.Key, path)
		if !ok {
			continue
		}
		if at, ok := first[k.name]; ok {
			r.refuse(v.Key, path, "%q is given twice, first on line %d", clip(k.name), at)
			continue
		}
		first[k.name] = k.line
		t.keys = append(t.keys, k)
		item := r.node(v.Value, join(path, k.name))
		if item.line == 0 || item.shape != scalar || item.value == nil {
			item.line = k.line
		}
		t.items = append(t.items, item)
	}
	return t
}

func (r *treeReader) key(n ast.MapKeyNode, path string) (key, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return key{n.Value, line(n)}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return key{n.GetToken().Value, line(n)}, true
	case *ast.MergeKeyNode:
		r.refuse(n, path, "anchors (&), aliases (*) and merges (<<) are not for study files: write the value out")
	default:
		r.refuse(n, path, "a key must be a plain word")
	}
	return key{}, false
}

func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// clip shortens a text that a message repeats.
func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	return strings.ToValidUTF8(s[:77], "") + "…"
}

// plain returns the tree as encoding/json would decode it. Whole numbers that
// were written as fractions (40.0, 1e3) become whole.
func (t *tree) plain() any {
	switch t.shape {
	case mapping:
		m := make(map[string]any, len(t.keys))
		for i, k := range t.keys {
			m[k.name] = t.items[i].plain()
		}
		return m
	case list:
		l := make([]any, len(t.items))
		for i, item := range t.items {
			l[i] = item.plain()
		}
		return l
	}
	if x, ok := t.value.(float64); ok && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		return int64(x)
	}
	return t.value
}

// at follows path elements as far as they lead.
func (t *tree) at(path ...string) *tree {
	for _, name := range path {
		next := t.child(name)
		if next == nil {
			break
		}
		t = next
	}
	return t
}

func (t *tree) child(name string) *tree {
	for i, k := range t.keys {
		if k.name == name {
			return t.items[i]
		}
	}
	if t.shape == list {
		for i, item := range t.items {
			if fmt.Sprint(i) == name {
				return item
			}
		}
	}
	return nil
}

// keyLine returns the line of a key of a mapping, or the mapping's own.
func (t *tree) keyLine(name string) int {
	for _, k := range t.keys {
		if k.name == name {
			return k.line
		}
	}
	return t.line
}

// lines fills in the line of every dotted path below t.
func (t *tree) lines(path string, into map[string]int) {
	into[path] = t.line
	for i, item := range t.items {
		name := fmt.Sprint(i)
		if t.shape == mapping {
			name = t.keys[i].name
		}
		item.lines(join(path, name), into)
	}
}
