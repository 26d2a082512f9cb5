package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fettle-edge/fettle/study/fault"
)

// encode returns v as JSON. What JSON cannot hold (NaN, infinities) is the
// caller's mistake.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fault.New(fault.Invalid, "cannot store %T: it holds something that is not a finite number or text", v).Because(err)
	}
	return string(b), nil
}

// optional is encode for what may be absent: then it is NULL.
func optional(present bool, v any) (sql.NullString, error) {
	if !present {
		return sql.NullString{}, nil
	}
	text, err := encode(v)
	return sql.NullString{String: text, Valid: true}, err
}

// column decodes a JSON column, which may be NULL, into its destination while
// a row is scanned.
type column struct{ into any }

// Scan implements sql.Scanner.
func (c column) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), c.into)
	case []byte:
		return json.Unmarshal(v, c.into)
	}
	return fmt.Errorf("cannot decode JSON from a column of type %T", value)
}

// moment scans a time from integer nanoseconds; NULL is the zero time.
type moment struct{ into *time.Time }

// Scan implements sql.Scanner.
func (m moment) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*m.into = time.Time{}
		return nil
	case int64:
		*m.into = fromNanos(v)
		return nil
	}
	return fmt.Errorf("cannot read a time from a column of type %T", value)
}

func fromNanos(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// nanos is the stored form of an optional time: the zero time is NULL.
func nanos(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixNano(), Valid: !t.IsZero()}
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// collect scans all rows and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close() // rows.Err tells what matters
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
