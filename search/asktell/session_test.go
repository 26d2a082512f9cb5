package asktell_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/asktell"
)

// say sends lines to a session and returns the last answer.
func say(t *testing.T, s *asktell.Session, lines ...string) asktell.Response {
	t.Helper()
	var r asktell.Response
	for _, l := range lines {
		answer, _, _ := s.Answer([]byte(l))
		r = asktell.Response{}
		if err := json.Unmarshal(answer, &r); err != nil {
			t.Fatalf("%s is answered by %s", l, answer)
		}
	}
	return r
}

// TestDocs holds the conversation in the docs.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/ASK-TELL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "```\n")
	text, _, _ = strings.Cut(text, "```\n")
	var s asktell.Session
	var last []byte
	exchanges := 0
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if want, ok := strings.CutPrefix(l, "< "); ok {
			if string(last) != want {
				t.Errorf("the docs say %s, the answer is %s", want, last)
			}
			exchanges++
			continue
		}
		var exit bool
		last, _, exit = s.Answer([]byte(strings.TrimPrefix(l, "> ")))
		if exit != strings.Contains(l, "exit") {
			t.Errorf("%s: exit is %v", l, exit)
		}
	}
	if exchanges < 7 {
		t.Errorf("the docs have %d exchanges", exchanges)
	}
}

// space has a param of every type, and one that depends on two others.
const space = `{"cmd":"init","seed":3,"directions":["minimize","maximize"],"space":[
	{"name":"kind","type":"categorical","choices":["a","b",3,true]},
	{"name":"level","type":"ordinal","values":[1,10,100]},
	{"name":"n","type":"int","low":-2,"high":5},
	{"name":"x","type":"float","low":0.5,"high":8,"log":true},
	{"name":"deep","type":"int","low":1,"high":3,"when":{"kind":[1,2],"n":[-2,0,2,4]}}
],"options":{"sampler":"random"%s}}`

func begin(t *testing.T, options string) *asktell.Session {
	t.Helper()
	s := &asktell.Session{}
	if r := say(t, s, strings.ReplaceAll(fmt.Sprintf(space, options), "\n", " ")); !r.OK {
		t.Fatal(r.Error)
	}
	return s
}

func TestParamsAreInTheSpace(t *testing.T) {
	s := begin(t, "")
	deep, last := 0, asktell.Response{}
	seen := map[string]bool{}
	for n := range 300 {
		r := say(t, s, `{"cmd":"ask"}`)
		if r.ID == nil || *r.ID != n {
			t.Fatalf("ask %d: %+v", n, r)
		}
		p := r.Params
		whole := func(name string, low, high float64) bool {
			return p[name] == math.Trunc(p[name]) && p[name] >= low && p[name] <= high
		}
		if !whole("kind", 0, 3) || !whole("level", 0, 2) || !whole("n", -2, 5) || p["x"] < 0.5 || p["x"] > 8 {
			t.Errorf("ask %d: %v", n, p)
		}
		_, active := p["deep"]
		if want := (p["kind"] == 1 || p["kind"] == 2) && math.Mod(p["n"], 2) == 0; active != want {
			t.Errorf("ask %d: deep in %v", n, p)
		}
		if active {
			deep++
		}
		key := fmt.Sprint(p)
		if seen[key] {
			t.Errorf("ask %d repeats %s", n, key)
		}
		seen[key], last = true, r
	}
	if deep == 0 || last.Params == nil {
		t.Error("deep was never active")
	}
}

// TestAnyOrder: 20 asks are outstanding and told from the last to the first.
func TestAnyOrder(t *testing.T) {
	s := begin(t, "")
	for range 20 {
		say(t, s, `{"cmd":"ask"}`)
	}
	for n := 19; n >= 0; n-- {
		if r := say(t, s, fmt.Sprintf(`{"cmd":"tell","id":%d,"values":[%d,1]}`, n, n)); !r.OK {
			t.Errorf("tell %d: %s", n, r.Error)
		}
	}
	if r := say(t, s, `{"cmd":"ask"}`); *r.ID != 20 {
		t.Errorf("%+v", r)
	}
}

func TestStart(t *testing.T) {
	s := begin(t, `,"start":[{"kind":0,"level":1,"n":1,"x":1},{"kind":0,"level":1,"n":1,"x":1},{"kind":1,"level":0,"n":0,"x":8,"deep":3}]`)
	first, second, third := say(t, s, `{"cmd":"ask"}`), say(t, s, `{"cmd":"ask"}`), say(t, s, `{"cmd":"ask"}`)
	if first.Params["x"] != 1 || second.Params["deep"] != 3 || *second.ID != 1 {
		t.Errorf("%v, %v: a start that is given twice is asked once", first.Params, second.Params)
	}
	if third.Params["x"] == 1 || *third.ID != 2 {
		t.Errorf("after the start: %v", third.Params)
	}
}

func TestErrorsLeaveTheTrialOpen(t *testing.T) {
	s := begin(t, "")
	say(t, s, `{"cmd":"ask"}`, `{"cmd":"ask"}`, `{"cmd":"tell","id":0,"values":[1,null],"noise":[0.1,null],"features":[1,2]}`)
	for line, want := range map[string]string{
		``:                                         "ends too early",
		`{"cmd":"ask"`:                             "ends too early",
		`{"cmd":"ask"} {}`:                         "more than one object",
		`[]`:                                       "cannot read the line",
		`{"cmd":"dance"}`:                          `cannot do "dance"`,
		`{"cmd":"ask","speed":1}`:                  "unknown field",
		`{"cmd":"tell"}`:                           "without an id",
		`{"cmd":"tell","id":1e3}`:                  "cannot read the line",
		`{"cmd":"tell","id":7}`:                    "trial 7: it was not asked",
		`{"cmd":"tell","id":-1}`:                   "trial -1: it was not asked",
		`{"cmd":"tell","id":0}`:                    "trial 0: it has been told",
		`{"cmd":"tell","id":1}`:                    "0 values: want 2",
		`{"cmd":"tell","id":1,"values":[1]}`:       "1 values: want 2",
		`{"cmd":"tell","id":1,"values":[1,2,3]}`:   "3 values: want 2",
		`{"cmd":"tell","id":1,"values":[1,1e999]}`: "cannot read the line",
		`{"cmd":"tell","id":1,"values":[1,2],"noise":[1]}`:                         "1 noise: want 2",
		`{"cmd":"tell","id":1,"values":[1,2],"features":[1]}`:                      "1 features: want 2",
		`{"cmd":"tell","id":1,"values":[1,2],"features":[1,null]}`:                 "some are missing",
		`{"cmd":"tell","id":1,"values":[1,2],"state":"odd"}`:                       `state "odd"`,
		`{"cmd":"tell","id":1,"values":[1,2],"params":{"kind":0}}`:                 `"level" is missing`,
		`{"cmd":"add","values":[1,2],"params":{"kind":4}}`:                         "index from 0 to 3",
		`{"cmd":"add","values":[1,2],"params":{"kind":0.5}}`:                       "index from 0 to 3",
		`{"cmd":"add","values":[1,2],"params":{"n":6}}`:                            "not in its range",
		`{"cmd":"add","values":[1,2],"params":{"m":6}}`:                            "not in the space",
		`{"cmd":"add","id":5,"values":[1,2],"params":{}}`:                          "has no id",
		`{"cmd":"add","state":"forget","params":{"kind":0,"level":1,"n":1,"x":1}}`: "to forget it",
		`{"cmd":"init","directions":["minimize"],"space":[]}`:                      "",
		`{"cmd":"init","directions":["up"],"space":[]}`:                            `direction "up"`,
	} {
		if want == "" {
			continue
		}
		if r := say(t, s, line); !strings.Contains(r.Error, want) {
			t.Errorf("%s: want %q, got %+v", line, want, r)
		}
	}
	if r := say(t, s, `{"cmd":"tell","id":1,"values":[1,2],"constraints":[0.5]}`); !r.OK {
		t.Errorf("after the errors: %s", r.Error)
	}
	if r := say(t, s, `{"cmd":"ask"}`, `{"cmd":"tell","id":2,"values":[1,2],"constraints":[0.5,1]}`); !strings.Contains(r.Error, "2 constraints: want 1") {
		t.Errorf("%+v", r)
	}
}

func TestBadSpaces(t *testing.T) {
	for param, want := range map[string]string{
		`{"name":"a","type":"odd"}`:                                                                              "type must be",
		`{"name":"a","type":"categorical"}`:                                                                      "has choices",
		`{"name":"a","type":"categorical","choices":[1,1]}`:                                                      "each once",
		`{"name":"a","type":"categorical","choices":[null]}`:                                                     "texts, booleans or numbers",
		`{"name":"a","type":"categorical","choices":[[1],2]}`:                                                    "texts, booleans or numbers",
		`{"name":"a","type":"ordinal","choices":[1]}`:                                                            "has values",
		`{"name":"a","type":"int","low":0}`:                                                                      "low and high",
		`{"name":"a","type":"int","low":0.5,"high":2}`:                                                           "integers",
		`{"name":"a","type":"int","low":0,"high":1e12}`:                                                          "integers",
		`{"name":"a","type":"int","low":3,"high":2}`:                                                             "low is above high",
		`{"name":"a","type":"float","low":0,"high":2,"log":true}`:                                                "above 0",
		`{"name":"a","type":"float","low":0,"high":2,"when":{"b":[1]}}`:                                          `"b", which is not in the space`,
		`{"name":"a","type":"int","low":0,"high":2},{"name":"b","type":"int","low":0,"high":2,"when":{"a":[3]}}`: "not in its range",
		`{"name":"a","type":"int","low":0,"high":2},{"name":"a","type":"int","low":0,"high":2}`:                  "named twice",
	} {
		var s asktell.Session
		line := `{"cmd":"init","directions":["minimize"],"space":[` + param + `]}`
		if r := say(t, &s, line); !strings.Contains(r.Error, want) {
			t.Errorf("%s: want %q, got %+v", param, want, r)
		}
		if r := say(t, &s, `{"cmd":"ask"}`); !strings.Contains(r.Error, "before init") {
			t.Errorf("a refused init began a search: %+v", r)
		}
	}
}

func TestExhausted(t *testing.T) {
	var s asktell.Session
	say(t, &s, `{"cmd":"init","directions":["minimize"],"space":[{"name":"a","type":"int","low":0,"high":1}]}`, `{"cmd":"ask"}`, `{"cmd":"ask"}`)
	if r := say(t, &s, `{"cmd":"ask"}`); !strings.Contains(r.Error, "exhausted") {
		t.Errorf("%+v", r)
	}
	if r := say(t, &s, `{"cmd":"tell","id":1,"state":"forget"}`, `{"cmd":"ask"}`); r.ID == nil || *r.ID != 2 {
		t.Errorf("what was forgotten can be asked again: %+v", r)
	}
}

// TestConstraintsDecidedLate: a search that hears of constraints late asks the
// same as one that knew of them from the start.
func TestConstraintsDecidedLate(t *testing.T) {
	late, early := begin(t, ""), begin(t, `,"constraints":1`)
	for _, line := range []string{
		`{"cmd":"ask"}`, `{"cmd":"add","params":{"kind":0,"level":1,"n":1,"x":1},"values":[1,2]}`, `{"cmd":"ask"}`,
		`{"cmd":"tell","id":2,"values":[1,2],"params":{"kind":3,"level":1,"n":1,"x":2}}`,
		`{"cmd":"tell","id":0,"values":[1,2],"constraints":[1]}`,
		`{"cmd":"ask"}`, `{"cmd":"tell","id":3,"state":"fail"}`, `{"cmd":"ask"}`,
	} {
		a, b := say(t, late, line), say(t, early, line)
		if fmt.Sprint(a.OK, a.Params, a.Error) != fmt.Sprint(b.OK, b.Params, b.Error) || a.Error != "" {
			t.Errorf("%s: %+v, and with the constraints announced %+v", line, a, b)
		}
	}
}

// TestTriedInstead: params that were tried in place of what was asked are not
// asked again, what was asked may be.
func TestTriedInstead(t *testing.T) {
	var s asktell.Session
	first := say(t, &s, `{"cmd":"init","directions":["minimize"],"space":[{"name":"a","type":"int","low":0,"high":1}]}`, `{"cmd":"ask"}`)
	other := 1 - first.Params["a"]
	second := say(t, &s, fmt.Sprintf(`{"cmd":"tell","id":0,"values":[1],"params":{"a":%g}}`, other), `{"cmd":"ask"}`)
	if second.Params["a"] != first.Params["a"] {
		t.Errorf("%g was asked, %g tried; then %v is asked", first.Params["a"], other, second.Params)
	}
	if r := say(t, &s, `{"cmd":"ask"}`); !strings.Contains(r.Error, "exhausted") {
		t.Errorf("%+v", r)
	}
}

// TestPrepareChangesNothing compares a conversation with and without it.
func TestPrepareChangesNothing(t *testing.T) {
	for _, name := range search.Samplers() {
		if ok, _ := search.Reproducible(name); !ok {
			continue
		}
		a, b := begin(t, ""), begin(t, "")
		for n := range 15 {
			a.Prepare()
			x, y := say(t, a, `{"cmd":"ask"}`), say(t, b, `{"cmd":"ask"}`)
			if fmt.Sprint(x.Params) != fmt.Sprint(y.Params) {
				t.Fatalf("%s, ask %d: %v and %v", name, n, x.Params, y.Params)
			}
			line := fmt.Sprintf(`{"cmd":"tell","id":%d,"values":[%g,%g]}`, n, x.Params["x"], x.Params["n"])
			say(t, a, line)
			say(t, b, line)
		}
	}
}

// FuzzAnswer: whatever the lines are, each has one answer, and the answer is an
// object with exactly one of ok, id and error.
func FuzzAnswer(f *testing.F) {
	whole := strings.ReplaceAll(fmt.Sprintf(space, ""), "\n", " ")
	f.Add(whole + "\n" + `{"cmd":"ask"}` + "\n" + `{"cmd":"tell","id":0,"values":[1,null],"constraints":[1]}` + "\n" + `{"cmd":"ask"}`)
	f.Add(whole + "\n" + `{"cmd":"add","params":{"kind":0,"level":1,"n":1,"x":1},"values":[1,2]}` + "\n" + `{"cmd":"ask"}`)
	f.Add(`{"cmd":"init","directions":["minimize"],"space":[{"name":"a","type":"int","low":0,"high":1}],"options":{"limits":[null],"start":[{"a":1}]}}` + "\n" + `{"cmd":"ask"}`)
	f.Add(`{"cmd":"tell","id":0,"state":"forget"}`)
	f.Add(`{"cmd":"init","options":null,"space":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var s asktell.Session
		lines := strings.SplitN(text, "\n", 9)
		for _, l := range lines[:min(8, len(lines))] {
			answer, _, exit := s.Answer([]byte(l))
			if exit {
				return
			}
			var r asktell.Response
			if err := json.Unmarshal(answer, &r); err != nil || strings.Contains(string(answer), "\n") {
				t.Fatalf("%q is answered by %q", l, answer)
			}
			kinds := 0
			for _, is := range []bool{r.OK, r.ID != nil, r.Error != ""} {
				if is {
					kinds++
				}
			}
			if kinds != 1 {
				t.Fatalf("%q is answered by %s", l, answer)
			}
		}
	})
}
