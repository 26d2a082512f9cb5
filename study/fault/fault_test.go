package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

// The exit codes are the CLI's contract with scripts, the statuses that of the
// API; both are written out here a second time.
var contract = map[Kind]struct{ status, exit int }{
	Internal: {500, 1}, Invalid: {422, 2}, NotFound: {404, 3}, Conflict: {409, 1}, Unreachable: {502, 4}, Forbidden: {403, 5}, Unlogged: {401, 5},
	TooLarge: {413, 2}, Limited: {429, 1}, Misdirected: {421, 5}, Infeasible: {422, 6}, Budget: {408, 7}, Interrupted: {503, 130},
}

func TestStatusAndExitOfEveryKind(t *testing.T) {
	for kind, want := range contract {
		if kind.Status() != want.status || kind.Exit() != want.exit {
			t.Errorf("%s: status %d, exit %d; want %+v", kind, kind.Status(), kind.Exit(), want)
		}
	}
	for kind := range table {
		if _, ok := contract[kind]; !ok {
			t.Errorf("%s is not in the contract", kind)
		}
		if kind.Exit() == 0 || kind.Status() < 400 {
			t.Errorf("%s looks like a success", kind)
		}
	}
	if k := Kind("from_the_future"); k.Status() != 500 || k.Exit() != 1 {
		t.Errorf("an unknown kind: %d, %d", k.Status(), k.Exit())
	}
}

func TestEncodeDecodeRoundTrip(t *testing.T) {
	for kind := range table {
		in := New(kind, "cannot do %s", "this").Trying("that with %d", 2)
		in.Problems = []Problem{{Path: "a.b", Line: 3, Message: `is "<wrong>"`, File: "s.yaml"}, {Message: "alone"}}
		body, status := Encode(fmt.Errorf("around: %w", in))
		if out := Decode(status, body); status != kind.Status() || !reflect.DeepEqual(out, in) {
			t.Errorf("%s: got %d %+v, want %+v", kind, status, out, in)
		}
		var d map[string]any
		if err := json.Unmarshal(body, &d); err != nil || d["type"] != "urn:fettle:"+string(kind) || d["status"] != float64(status) || d["title"] == "" || d["detail"] != in.Sentence {
			t.Errorf("%s: the document is %s (%v)", kind, body, err)
		}
	}
}

func TestEncodeKeepsSecrets(t *testing.T) {
	for _, err := range []error{
		errors.New("secret"),
		fmt.Errorf("around: %w", errors.New("secret")),
		New(Conflict, "cannot do this").Because(errors.New("secret")),
		errors.Join(errors.New("secret"), New(NotFound, "cannot find it")),
	} {
		if body, _ := Encode(err); strings.Contains(string(body), "secret") {
			t.Errorf("%v is sent as %s", err, body)
		}
	}
	body, status := Encode(errors.New("secret"))
	if e := Decode(status, body); status != 500 || e.Kind != Internal || !strings.HasPrefix(e.Sentence, "cannot") || e.Try == "" {
		t.Errorf("got %d %+v", status, e)
	}
}

func TestDecodeOfForeignAnswers(t *testing.T) {
	for _, body := range []string{
		"", "<html>", "null", "{}", "[]", `{"type":"about:blank","status":404}`, `{"type":"urn:fettle:"}`, `{"type":"urn:ietf:not_found"}`,
		`{"type":"https://example.com/not-ours","detail":"x"}`, `{"type":5}`,
	} {
		if e := Decode(404, []byte(body)); e.Kind != Internal || !strings.Contains(e.Sentence, "404") {
			t.Errorf("%s: got %+v", body, e)
		}
	}
	if e := Decode(418, []byte(`{"type":"urn:fettle:from_the_future","detail":"cannot x"}`)); e.Kind != "from_the_future" || e.Kind.Exit() != 1 {
		t.Errorf("a newer daemon's kind: %+v", e)
	}
}

func TestErrorChains(t *testing.T) {
	e := New(NotFound, "cannot find %q", "x").Because(io.EOF)
	wrapped := fmt.Errorf("around: %w", e)
	if e.Error() != `cannot find "x": EOF` || New(NotFound, "cannot").Error() != "cannot" {
		t.Errorf("error says %q", e.Error())
	}
	if !errors.Is(wrapped, io.EOF) || KindOf(wrapped) != NotFound {
		t.Errorf("kind %s of %v", KindOf(wrapped), wrapped)
	}
	if got, ok := As(wrapped); !ok || got != e {
		t.Errorf("got %v, %v", got, ok)
	}
	if got, ok := As(io.EOF); ok || got != nil || KindOf(io.EOF) != Internal {
		t.Errorf("a plain error: %v, %v", got, ok)
	}
}

func TestProblemString(t *testing.T) {
	for want, p := range map[string]Problem{
		"s.yaml:3: a.b: wrong": {Path: "a.b", Line: 3, Message: "wrong", File: "s.yaml"},
		"s.yaml: a.b: wrong":   {Path: "a.b", Message: "wrong", File: "s.yaml"},
		"s.yaml:3: wrong":      {Line: 3, Message: "wrong", File: "s.yaml"},
		"a.b: wrong":           {Path: "a.b", Line: 3, Message: "wrong"},
		"wrong":                {Message: "wrong"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
