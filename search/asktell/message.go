// Package asktell lets a program in any language use the search: one JSON
// object on a line asks, one JSON object answers. It knows no file and no
// process; docs/ASK-TELL.md is the description for users.
package asktell

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/fettle-edge/fettle/study/fault"
)

// The commands.
const (
	CmdInit = "init"
	CmdAsk  = "ask"
	CmdTell = "tell"
	CmdAdd  = "add"
	CmdExit = "exit"
)

// The states that a trial can be told in; no state is StateComplete.
const (
	StateComplete = "complete"
	StateFail     = "fail"   // infeasible: it gives no numbers, and would not if tried again
	StateForget   = "forget" // it was not tried: it may be asked again
)

// Request is a line to the search.
type Request struct {
	Cmd string `json:"cmd"`

	// For init.
	Space      []Param  `json:"space,omitempty"`
	Directions []string `json:"directions,omitempty"` // minimize or maximize
	Seed       int64    `json:"seed,omitempty"`
	Budget     int      `json:"budget,omitempty"`
	Options    *Options `json:"options,omitempty"`

	// For tell and add.
	ID          *int               `json:"id,omitempty"`
	Params      map[string]float64 `json:"params,omitempty"`
	State       string             `json:"state,omitempty"`
	Values      Floats             `json:"values,omitempty"`
	Noise       Floats             `json:"noise,omitempty"`
	Constraints Floats             `json:"constraints,omitempty"`
	Features    Floats             `json:"features,omitempty"`
}

// Param is a knob as it is written on a line.
type Param struct {
	Name    string               `json:"name"`
	Type    string               `json:"type"`
	Choices []any                `json:"choices,omitempty"` // categorical: distinct texts, booleans or numbers
	Values  []any                `json:"values,omitempty"`  // ordinal: only their number counts
	Low     *float64             `json:"low,omitempty"`     // int, float
	High    *float64             `json:"high,omitempty"`    // int, float; included
	Log     bool                 `json:"log,omitempty"`     // int, float
	When    map[string][]float64 `json:"when,omitempty"`    // active under these values of other knobs alone
}

// The types of a Param.
const (
	Categorical = "categorical"
	Ordinal     = "ordinal"
	Int         = "int"
	Float       = "float"
)

// Options are the options of init.
type Options struct {
	Sampler string               `json:"sampler,omitempty"` // a name of search.Samplers
	Start   []map[string]float64 `json:"start,omitempty"`   // asked first, in this order
	Limits  Floats               `json:"limits,omitempty"`  // one for each objective; null is none
	// Constraints is the number of constraints of every tell. It may be left
	// out: then the first tell that has some decides.
	Constraints int `json:"constraints,omitempty"`
}

// Response is a line from the search. Exactly one of OK, ID with Params, and
// Error is set.
type Response struct {
	OK     bool               `json:"ok,omitempty"`
	ID     *int               `json:"id,omitempty"`
	Params map[string]float64 `json:"params,omitempty"`
	Error  string             `json:"error,omitempty"`
}

// Floats are numbers of which some may be missing: null in JSON, NaN in Go.
type Floats []float64

// MarshalJSON writes what is not finite as null.
func (f Floats) MarshalJSON() ([]byte, error) {
	out := make([]*float64, len(f))
	for i := range f {
		if !math.IsNaN(f[i]) && !math.IsInf(f[i], 0) {
			out[i] = &f[i]
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads null as NaN.
func (f *Floats) UnmarshalJSON(b []byte) error {
	var in []*float64
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	if in == nil {
		*f = nil
		return nil
	}
	*f = make(Floats, len(in))
	for i, x := range in {
		if (*f)[i] = math.NaN(); x != nil {
			(*f)[i] = *x
		}
	}
	return nil
}

// Parse reads a line. Unknown fields are errors: a misspelt one would be
// ignored otherwise.
func Parse(line []byte) (Request, error) {
	var r Request
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, unreadable(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return r, unreadable(errors.New("there is more than one object on it"))
	}
	return r, nil
}

func unreadable(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	what := strings.TrimPrefix(err.Error(), "json: ")
	return fault.New(fault.Invalid, "cannot read the line: %s", what).Trying(`{"cmd":"init", …}, then {"cmd":"ask"}`)
}
