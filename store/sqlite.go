//go:build cgo

package store

import (
	"errors"

	"github.com/mattn/go-sqlite3"

	"github.com/fettle-edge/fettle/study/fault"
)

// compiled says that this program holds SQLite.
const compiled = true

// trouble turns the failures of SQLite that a person can do something about
// into a fault, and gives nil for the others.
func trouble(doing string, err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case sqlite3.ErrFull:
		return fault.New(fault.Internal, "cannot %s: the disk is full", doing).
			Trying("free space where the state folder is").Because(err)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen, sqlite3.ErrIoErr:
		return fault.New(fault.Internal, "cannot %s: the database cannot be read or written", doing).
			Trying("check the disk and the owner of the state folder").Because(err)
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return fault.New(fault.Internal, "cannot %s: the database is damaged, or the file is no database", doing).
			Trying("restore the state folder from a backup").Because(err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fault.New(fault.Internal, "cannot %s: another program holds the database", doing).
			Trying("end the program that has the database open").Because(err)
	}
	return nil
}
