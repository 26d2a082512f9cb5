package pieces

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// taken is what a file looked like when its digest was last computed.
type taken struct {
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
}

func look(info fs.FileInfo) taken { return taken{info.Size(), info.ModTime().UTC()} }

func (t taken) same(u taken) bool { return t.Bytes == u.Bytes && t.Modified.Equal(u.Modified) }

// TakeIn moves a file from the incoming folder to its digest. The file may
// share its bytes with an original elsewhere (see Place): Verify finds out
// whether somebody changed them there.
func (s *Store) TakeIn(ctx context.Context, file string) (study.PieceRef, error) {
	if file == "." || file == ".." || file != filepath.Base(file) {
		return study.PieceRef{}, fault.New(fault.Invalid, "cannot take in %q: want the name of a file in the incoming folder", file)
	}
	from := filepath.Join(incomingDir, file)
	digest, seen, err := s.hash(ctx, from)
	if errors.Is(err, fs.ErrNotExist) {
		return study.PieceRef{}, fault.New(fault.NotFound, "cannot take in %q: it is not in the incoming folder", file)
	}
	if err != nil {
		return study.PieceRef{}, fault.New(fault.KindOf(err), "cannot take in %q", file).Because(err)
	}
	ref := study.PieceRef{Digest: digest, Bytes: seen.Bytes}
	if s.holds(ref) && s.Verify(ctx, digest) == nil {
		return ref, s.root.Remove(from)
	}
	to, err := name(digest)
	if err != nil {
		return ref, err
	}
	if err := s.move(from, to); err != nil {
		return ref, err
	}
	// Unlike a piece, it cannot be made again: its name has to outlast a power
	// cut, too.
	for _, folder := range []string{filepath.Dir(to), "."} {
		if err := s.sync(folder); err != nil {
			return ref, cannotStore(err)
		}
	}
	return ref, s.note(digest, seen)
}

// hash computes the digest of a regular file that does not change meanwhile.
func (s *Store) hash(ctx context.Context, file string) (study.Digest, taken, error) {
	named, err := s.root.Lstat(file)
	if err != nil {
		return "", taken{}, err
	}
	if !named.Mode().IsRegular() {
		return "", taken{}, fault.New(fault.Invalid, "cannot read what is not a regular file")
	}
	f, err := s.root.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // does not hang if it became a pipe
	if err != nil {
		return "", taken{}, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return "", taken{}, err
	}
	if !os.SameFile(named, before) {
		return "", taken{}, changed()
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, &reader{ctx, f}); err != nil {
		return "", taken{}, err
	}
	after, err := f.Stat()
	if err != nil {
		return "", taken{}, err
	}
	if !look(before).same(look(after)) {
		return "", taken{}, changed()
	}
	return study.Digest(hex.EncodeToString(hash.Sum(nil))), look(after), nil
}

func changed() error { return fault.New(fault.Conflict, "the content changed") }

// reader ends with the cause of a context that is done.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(b []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// Verify checks that the content of d is still what it was. It reads the file
// only if its size or time differ from those of the last check, or if there
// was none. The error is fault.Conflict, "the content changed", or
// fault.NotFound.
func (s *Store) Verify(ctx context.Context, d study.Digest) error {
	info, err := s.stat(d)
	if errors.Is(err, fs.ErrNotExist) {
		return missing(d)
	}
	if err != nil {
		return err
	}
	if was, ok := s.noted(d); ok && was.same(look(info)) {
		return nil
	}
	n, err := name(d)
	if err != nil {
		return err
	}
	now, seen, err := s.hash(ctx, n)
	if err != nil {
		return err
	}
	if now != d {
		return fault.New(fault.Conflict, "cannot use %s: the content changed", d.Short()).Trying("add the file again")
	}
	return s.note(d, seen)
}

func (s *Store) note(d study.Digest, seen taken) error {
	b, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	return s.writeNote(filepath.Join(takenDir, string(d)), b)
}

func (s *Store) noted(d study.Digest) (taken, bool) {
	var was taken
	b, err := s.root.ReadFile(filepath.Join(takenDir, string(d)))
	return was, err == nil && json.Unmarshal(b, &was) == nil
}
