package pieces

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/fettle-edge/fettle/study/fault"
)

// Place brings the file src into the folder incoming of a store, for TakeIn,
// and returns its name there. It shares the bytes with src where the
// filesystem can (reflink, else hard link) and copies them where not. It is
// for the program that the person started, who may read src.
func Place(src, incoming string) (string, error) {
	name := rand.Text()
	if err := place(src, filepath.Join(incoming, name)); err != nil {
		return "", fault.New(fault.Invalid, "cannot take %s into the content store", src).Because(err)
	}
	return name, nil
}

func place(src, dst string) error {
	src, err := filepath.EvalSymlinks(src) // a hard link would be one to the symbolic link
	if err != nil {
		return err
	}
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	if into(dst, func(out *os.File) error { return reflink(out, in) }) == nil {
		return nil
	}
	if os.Link(src, dst) == nil {
		return nil
	}
	return into(dst, func(out *os.File) error {
		_, err := io.Copy(out, in)
		return err
	})
}

// into makes the file dst and fills it; on failure nothing is left.
func into(dst string, fill func(*os.File) error) error {
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(fill(out), out.Close()); err != nil {
		os.Remove(dst)
		return err
	}
	return nil
}
