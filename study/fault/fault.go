// Package fault is the one table of what can go wrong: a kind, one sentence
// and a next step, and how each kind maps to an HTTP status and an exit code.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Kind classifies an error for programs.
type Kind string

// The kinds. Anything that is not a *Error is Internal.
const (
	Internal    Kind = "internal"
	Invalid     Kind = "invalid" // the request or a file is wrong
	NotFound    Kind = "not_found"
	Conflict    Kind = "conflict"    // not in this state
	Unreachable Kind = "unreachable" // daemon or target
	Forbidden   Kind = "forbidden"
	Unlogged    Kind = "unauthorized" // no login
	TooLarge    Kind = "too_large"
	Limited     Kind = "rate_limited"
	Misdirected Kind = "misdirected" // a Host header that is not allowed
	Infeasible  Kind = "infeasible"  // finished, but no trial meets the constraints
	Budget      Kind = "budget"      // wall-time budget or time-out used up
	Interrupted Kind = "interrupted"
)

// table maps kinds to HTTP statuses and exit codes.
var table = map[Kind]struct{ status, exit int }{
	Internal:    {http.StatusInternalServerError, 1},
	Invalid:     {http.StatusUnprocessableEntity, 2},
	NotFound:    {http.StatusNotFound, 3},
	Conflict:    {http.StatusConflict, 1},
	Unreachable: {http.StatusBadGateway, 4},
	Forbidden:   {http.StatusForbidden, 5},
	Unlogged:    {http.StatusUnauthorized, 5},
	TooLarge:    {http.StatusRequestEntityTooLarge, 2},
	Limited:     {http.StatusTooManyRequests, 1},
	Misdirected: {http.StatusMisdirectedRequest, 5},
	Infeasible:  {http.StatusUnprocessableEntity, 6},
	Budget:      {http.StatusRequestTimeout, 7},
	Interrupted: {http.StatusServiceUnavailable, 130},
}

// Problem is one mistake in a file or a request.
type Problem struct {
	Path    string `json:"path,omitempty"` // dotted, such as objectives.2.direction
	Line    int    `json:"line,omitempty"` // from 1; 0 is unknown
	Message string `json:"msg"`
	File    string `json:"file,omitempty"` // the file as the user named it; "" in a request
}

// String returns the problem as compilers write it: file:line: path: message,
// without the parts that are unknown.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
		if p.Line > 0 {
			fmt.Fprintf(&b, "%d:", p.Line)
		}
		b.WriteString(" ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	return b.String() + p.Message
}

// Error is an error that people may see. Its cause is for the log alone.
type Error struct {
	Kind     Kind
	Sentence string    // "cannot …"
	Try      string    // the next step, "" if there is none
	Problems []Problem // for Invalid
	Cause    error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Sentence + ": " + e.Cause.Error()
	}
	return e.Sentence
}

func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of a kind.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Sentence: fmt.Sprintf(format, args...)}
}

// Trying adds the next step.
func (e *Error) Trying(format string, args ...any) *Error {
	e.Try = fmt.Sprintf(format, args...)
	return e
}

// Because adds the cause.
func (e *Error) Because(err error) *Error {
	e.Cause = err
	return e
}

// KindOf returns the kind of err.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Status returns the HTTP status of a kind.
func (k Kind) Status() int {
	if row, ok := table[k]; ok {
		return row.status
	}
	return http.StatusInternalServerError
}

// Exit returns the exit code of a program that ends with an error of a kind.
func (k Kind) Exit() int {
	if row, ok := table[k]; ok {
		return row.exit
	}
	return 1
}

// As returns the *Error in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
