// Package pieces is the content store: files named by the digest of their
// bytes, and an index from what a piece was made of to the piece. Nothing in
// it is ever deleted or changed; a file appears under its digest complete or
// not at all, whenever the process or the machine stops.
//
// In the folder of a Store:
//
//	ab/ab12…    content, by digest
//	keys/ab/…   index: build key → digest and bytes
//	taken/ab…   size and time of files that were taken in
//	incoming/   where clients place files to be taken in
//	temporary/  being written; emptied by Open
package pieces

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

const (
	keysDir     = "keys"
	takenDir    = "taken"
	incomingDir = "incoming"
	tempDir     = "temporary"
)

// Store is a content store in one folder. Its methods may be called
// concurrently. One process at a time owns a folder: Open sweeps what another
// one would be writing.
type Store struct {
	dir  string
	root *os.Root
}

// Open opens the store in dir, which is made if it is missing, and removes the
// temporary files that a stopped process left.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, cannotOpen(dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, cannotOpen(dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, cannotOpen(dir, err)
	}
	s := &Store{dir: dir, root: root}
	if err := s.prepare(); err != nil {
		root.Close()
		return nil, cannotOpen(dir, err)
	}
	return s, nil
}

func cannotOpen(dir string, err error) error {
	return fault.New(fault.Internal, "cannot open the content store %s", dir).Because(err)
}

func (s *Store) prepare() error {
	if err := s.root.RemoveAll(tempDir); err != nil {
		return err
	}
	for _, name := range []string{keysDir, takenDir, incomingDir, tempDir} {
		if err := s.mkdir(name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) mkdir(name string) error {
	if err := s.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Close closes the store's folder.
func (s *Store) Close() error { return s.root.Close() }

// Incoming is the folder where clients place files to be taken in (see Place).
func (s *Store) Incoming() string { return filepath.Join(s.dir, incomingDir) }

// Temp returns the path of a file that does not exist yet, in the filesystem
// of the store. Adopt takes it over; otherwise the caller removes it.
func (s *Store) Temp() string { return filepath.Join(s.dir, tempDir, rand.Text()) }

// name is the name of a piece within the store's folder.
func name(d study.Digest) (string, error) {
	if _, err := study.ParseDigest(string(d)); err != nil {
		return "", fault.New(fault.Invalid, "cannot look up %q in the content store: not a digest", fmt.Sprintf("%.80s", string(d)))
	}
	return filepath.Join(string(d[:2]), string(d)), nil
}

// Path returns where the content of a digest is, or would be.
func (s *Store) Path(d study.Digest) (string, error) {
	n, err := name(d)
	if err != nil {
		return "", err
	}
	return filepath.Join(s.dir, n), nil
}

// Files returns the paths of pieces in order; fault.NotFound if one is not
// there.
func (s *Store) Files(refs []study.PieceRef) ([]string, error) {
	paths := make([]string, len(refs))
	for i, ref := range refs {
		if !s.holds(ref) {
			return nil, missing(ref.Digest)
		}
		paths[i], _ = s.Path(ref.Digest) // holds has checked the digest
	}
	return paths, nil
}

func missing(d study.Digest) error {
	return fault.New(fault.NotFound, "cannot find %s in the content store", d.Short())
}

// Has reports whether the content of d is there.
func (s *Store) Has(d study.Digest) bool {
	_, err := s.stat(d)
	return err == nil
}

func (s *Store) holds(ref study.PieceRef) bool {
	info, err := s.stat(ref.Digest)
	return err == nil && info.Size() == ref.Bytes
}

func (s *Store) stat(d study.Digest) (fs.FileInfo, error) {
	n, err := name(d)
	if err != nil {
		return nil, err
	}
	return s.root.Lstat(n)
}

// Open opens the content of d for reading.
func (s *Store) Open(d study.Digest) (*os.File, error) {
	n, err := name(d)
	if err != nil {
		return nil, err
	}
	f, err := s.root.Open(n)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(d)
	}
	if err != nil {
		return nil, fault.New(fault.Internal, "cannot read %s in the content store", d.Short()).Because(err)
	}
	return f, nil
}

// Put stores b, unless it is there already.
func (s *Store) Put(b []byte) (ref study.PieceRef, isNew bool, err error) {
	ref = study.PieceRef{Digest: study.DigestOf(b), Bytes: int64(len(b))}
	if s.holds(ref) {
		return ref, false, nil
	}
	ref, err = s.Write(func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	return ref, err == nil, err
}

// Write stores what fill writes; the digest is computed on the way.
func (s *Store) Write(fill func(io.Writer) error) (study.PieceRef, error) {
	temp := s.Temp()
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return study.PieceRef{}, cannotStore(err)
	}
	defer os.Remove(temp) // fails, rightly, once the file has been adopted
	hash := sha256.New()
	err = errors.Join(fill(io.MultiWriter(f, hash)), f.Close())
	if err != nil {
		return study.PieceRef{}, err
	}
	info, err := os.Lstat(temp)
	if err != nil {
		return study.PieceRef{}, cannotStore(err)
	}
	ref := study.PieceRef{Digest: study.Digest(hex.EncodeToString(hash.Sum(nil))), Bytes: info.Size()}
	return ref, s.Adopt(temp, ref.Digest, ref.Bytes)
}

// Adopt moves a finished file, whose path came from Temp, to its digest. The
// digest is the caller's word; the number of bytes is checked. If the content
// is there already, the file is removed.
func (s *Store) Adopt(temp string, d study.Digest, bytes int64) error {
	to, err := name(d)
	if err != nil {
		return err
	}
	from := filepath.Join(tempDir, filepath.Base(temp))
	if temp != filepath.Join(s.dir, from) {
		return fault.New(fault.Internal, "cannot adopt %s: it is not a temporary file of the content store", temp)
	}
	info, err := s.root.Lstat(from)
	if err != nil {
		return cannotStore(err)
	}
	if !info.Mode().IsRegular() || info.Size() != bytes {
		return cannotStore(fmt.Errorf("the file has mode %s and %d bytes, want a regular file of %d", info.Mode(), info.Size(), bytes))
	}
	if s.holds(study.PieceRef{Digest: d, Bytes: bytes}) {
		return s.root.Remove(from)
	}
	if err := s.root.Chmod(from, 0o600); err != nil {
		return cannotStore(err)
	}
	return s.move(from, to)
}

func cannotStore(err error) error {
	return fault.New(fault.Internal, "cannot write into the content store").Because(err)
}

// move renames a file to a name of the store once its bytes are on the disk. A
// power cut may lose the new name, but never leaves half a file there.
func (s *Store) move(from, to string) error {
	err := s.sync(from)
	if err == nil {
		err = s.mkdir(filepath.Dir(to))
	}
	if err == nil {
		err = s.root.Rename(from, to)
	}
	if err != nil {
		return cannotStore(err)
	}
	return nil
}

// sync forces a file or a folder to the disk.
func (s *Store) sync(name string) error {
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
