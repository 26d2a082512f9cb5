package fault

import (
	"encoding/json"
	"net/http"
	"strings"
)

// ContentType is the media type of an encoded error (RFC 9457).
const ContentType = "application/problem+json"

// document is the wire form of an Error.
type document struct {
	Type   string    `json:"type"`
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail"`
	Try    string    `json:"try,omitempty"`
	Errors []Problem `json:"errors,omitempty"`
}

const typePrefix = "urn:fettle:"

// Encode returns the problem document of err and its HTTP status. The sentence
// of an error that is not an *Error stays private: it may hold anything.
func Encode(err error) (body []byte, status int) {
	e := public(err)
	d := document{
		Type:   typePrefix + string(e.Kind),
		Title:  http.StatusText(e.Kind.Status()),
		Status: e.Kind.Status(),
		Detail: e.Sentence,
		Try:    e.Try,
		Errors: e.Problems,
	}
	body, _ = json.Marshal(d) // strings and numbers cannot fail
	return body, d.Status
}

// Decode returns the error of a response that is not a success.
func Decode(status int, body []byte) *Error {
	var d document
	err := json.Unmarshal(body, &d)
	kind, ours := strings.CutPrefix(d.Type, typePrefix)
	if err != nil || !ours || kind == "" {
		return New(Internal, "cannot understand the daemon's answer (status %d)", status)
	}
	return &Error{Kind: Kind(kind), Sentence: d.Detail, Try: d.Try, Problems: d.Errors}
}

func public(err error) *Error {
	if e, ok := As(err); ok {
		return e
	}
	return New(Internal, "cannot do this because of an internal error").Trying("look at the daemon's log")
}
