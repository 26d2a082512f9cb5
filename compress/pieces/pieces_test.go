package pieces

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// content lists the files under digest names.
func content(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "[0-9a-f][0-9a-f]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sound checks that every file has the digest it is named by.
func sound(t *testing.T, dir string) {
	t.Helper()
	for _, f := range content(t, dir) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if string(study.DigestOf(b)) != filepath.Base(f) {
			t.Errorf("%s has the digest %s", f, study.DigestOf(b))
		}
	}
}

func TestPutAndOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	b := []byte("some bytes")
	if s.Has(study.DigestOf(b)) {
		t.Error("an empty store has content")
	}
	ref, isNew, err := s.Put(b)
	if err != nil || !isNew || ref.Digest != study.DigestOf(b) || ref.Bytes != int64(len(b)) {
		t.Fatalf("Put gave %v, %v, %v", ref, isNew, err)
	}
	if _, isNew, err := s.Put(b); err != nil || isNew {
		t.Errorf("the second Put gave %v, %v", isNew, err)
	}
	f, err := s.Open(ref.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, b) {
		t.Errorf("got %q, %v", got, err)
	}
	path, err := s.Path(ref.Digest)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if want := filepath.Join(dir, string(ref.Digest[:2]), string(ref.Digest)); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	sound(t, dir)
}

func TestMissingContent(t *testing.T) {
	s := open(t, t.TempDir())
	d := study.DigestOf(nil)
	if _, err := s.Open(d); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Open: %v", err)
	}
	if _, err := s.Files([]study.PieceRef{{Digest: d}}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Files: %v", err)
	}
	if err := s.Verify(t.Context(), d); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Verify: %v", err)
	}
}

func TestNamesStayInTheStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []study.Digest{"", ".", "..", "../../secret", "/etc/passwd", study.Digest(strings.Repeat("A", 64)), study.Digest(strings.Repeat("./", 32))} {
		if _, err := s.Path(d); err == nil {
			t.Errorf("Path(%q) gave no error", d)
		}
		if f, err := s.Open(d); err == nil {
			f.Close()
			t.Errorf("Open(%q) gave no error", d)
		}
		if s.Has(d) {
			t.Errorf("Has(%q)", d)
		}
	}
	if err := os.Symlink(secret, filepath.Join(s.Incoming(), "link")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"", ".", "..", "../secret", "../../secret", "/etc/passwd", "a/b", "link", "nobody"} {
		if ref, err := s.TakeIn(t.Context(), file); err == nil {
			t.Errorf("TakeIn(%q) gave %v", file, ref)
		}
	}
	if err := s.Adopt(secret, study.DigestOf([]byte("secret")), 6); err == nil {
		t.Error("a file outside the store was adopted")
	}
	if _, err := os.Stat(secret); err != nil {
		t.Error(err)
	}
	if got := content(t, filepath.Join(dir, "store")); len(got) != 0 {
		t.Errorf("the store holds %v", got)
	}
}

func TestAdopt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	b := []byte("quantised")
	d := study.DigestOf(b)
	for range 2 { // the second finds the content there
		temp := s.Temp()
		if err := os.WriteFile(temp, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := s.Adopt(temp, d, int64(len(b))+1); err == nil {
			t.Error("a file of the wrong size was adopted")
		}
		if err := s.Adopt(temp, d, int64(len(b))); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(temp); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the temporary file: %v", err)
		}
	}
	if len(content(t, dir)) != 1 {
		t.Errorf("the store holds %v", content(t, dir))
	}
	sound(t, dir)
}

func TestWriteLeavesNothingBehindAnError(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	want := errors.New("disk full")
	_, err := s.Write(func(w io.Writer) error {
		w.Write([]byte("half"))
		return want
	})
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	left, err := os.ReadDir(filepath.Join(dir, tempDir))
	if err != nil || len(left) != 0 || len(content(t, dir)) != 0 {
		t.Errorf("left %v, %v, %v", left, content(t, dir), err)
	}
}

func TestOpenSweepsTemporaryFilesAlone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ref, _, err := s.Put([]byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	key := Key{Model: ref.Digest, Tensor: "t", Position: 1, Type: "F16", Maker: "copy"}
	if err := s.Record(key, ref); err != nil {
		t.Fatal(err)
	}
	placed := filepath.Join(s.Incoming(), "placed")
	temp := s.Temp()
	for _, f := range []string{placed, temp} {
		if err := os.WriteFile(f, []byte("half a pie"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir)
	if _, err := os.Stat(temp); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale temporary file: %v", err)
	}
	if _, err := os.Stat(placed); err != nil {
		t.Errorf("the placed file: %v", err)
	}
	if got, ok := s.Lookup(key); !ok || got != ref {
		t.Errorf("Lookup gave %v, %v", got, ok)
	}
}

func TestIndex(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ref, _, err := s.Put([]byte("piece"))
	if err != nil {
		t.Fatal(err)
	}
	key := Key{Model: ref.Digest, Tensor: "t", Position: 1, Type: "Q8_0", Maker: "m"}
	if _, ok := s.Lookup(key); ok {
		t.Error("an empty index knows a key")
	}
	if err := s.Record(key, ref); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Lookup(key); !ok || got != ref {
		t.Errorf("Lookup gave %v, %v", got, ok)
	}
	for _, other := range []Key{
		{Model: "x", Tensor: "t", Position: 1, Type: "Q8_0", Maker: "m"}, {Model: ref.Digest, Tensor: "u", Position: 1, Type: "Q8_0", Maker: "m"},
		{Model: ref.Digest, Tensor: "t", Position: 2, Type: "Q8_0", Maker: "m"}, {Model: ref.Digest, Tensor: "t", Position: 1, Type: "Q4_0", Maker: "m"},
		{Model: ref.Digest, Tensor: "t", Position: 1, Type: "Q8_0", Maker: "n"},
	} {
		if _, ok := s.Lookup(other); ok {
			t.Errorf("key %v was found", other)
		}
	}
	// An entry that a power cut damaged, and one whose content is gone or cut.
	for _, damage := range []string{"", "x", string(ref.Digest), string(ref.Digest) + " ", string(ref.Digest) + " 4\n"} {
		if err := os.WriteFile(filepath.Join(dir, key.file()), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Lookup(key); ok {
			t.Errorf("the entry %q gave %v", damage, got)
		}
	}
	if err := s.Record(key, ref); err != nil {
		t.Fatal(err)
	}
	path, _ := s.Path(ref.Digest)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Lookup(key); ok {
		t.Error("a piece that is gone was found")
	}
}

func TestConcurrentWritersOfTheSameContent(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, _, err := s.Put([]byte("shared")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(content(t, dir)) != 1 {
		t.Errorf("the store holds %v", content(t, dir))
	}
	sound(t, dir)
}

// write makes a file outside the store, and its folder.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "original")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func takeIn(t *testing.T, s *Store, src string) study.PieceRef {
	t.Helper()
	file, err := Place(src, s.Incoming())
	if err != nil {
		t.Fatal(err)
	}
	ref, err := s.TakeIn(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(s.Incoming(), file)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the placed file: %v", err)
	}
	return ref
}

func TestTakeIn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	src := write(t, "a model")
	ref := takeIn(t, s, src)
	if ref.Digest != study.DigestOf([]byte("a model")) || ref.Bytes != 7 {
		t.Errorf("got %v", ref)
	}
	if again := takeIn(t, s, src); again != ref || len(content(t, dir)) != 1 {
		t.Errorf("the second time gave %v, store holds %v", again, content(t, dir))
	}
	if err := os.Remove(src); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), ref.Digest); err != nil || !s.Has(ref.Digest) {
		t.Errorf("after the original was deleted: %v", err)
	}
	sound(t, dir)
}

func TestTakeInAcceptsATouchButNoChange(t *testing.T) {
	s := open(t, t.TempDir())
	src := write(t, "a model")
	file := "linked" // a hard link, whatever the filesystem of the test can do
	if err := os.Link(src, filepath.Join(s.Incoming(), file)); err != nil {
		t.Fatal(err)
	}
	ref, err := s.TakeIn(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(src); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("taking in changed the original: %v, %v", info.Mode(), err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(src, later, later); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), ref.Digest); err != nil {
		t.Errorf("a new time with the same bytes: %v", err)
	}
	if err := os.WriteFile(src, []byte("A MODEL"), 0o644); err != nil { // in place: the hard link sees it
		t.Fatal(err)
	}
	err = s.Verify(t.Context(), ref.Digest)
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "the content changed") {
		t.Fatalf("after an edit in place: %v", err)
	}
	// Taking in the right bytes again repairs the store.
	if again := takeIn(t, s, write(t, "a model")); again.Digest != ref.Digest {
		t.Errorf("got %v", again)
	}
	if err := s.Verify(t.Context(), ref.Digest); err != nil {
		t.Error(err)
	}
}

func TestVerifyReadsOnlyWhatLooksChanged(t *testing.T) {
	s := open(t, t.TempDir())
	ref := takeIn(t, s, write(t, "a model"))
	stopped, stop := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	stop(cause)
	if err := s.Verify(stopped, ref.Digest); err != nil {
		t.Errorf("an unchanged file was read: %v", err)
	}
	put, _, err := s.Put([]byte("never verified"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(stopped, put.Digest); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause of the context", err)
	}
	if err := s.Verify(t.Context(), put.Digest); err != nil {
		t.Error(err)
	}
}

func TestPlaceFollowsLinksAndRefusesFolders(t *testing.T) {
	s := open(t, t.TempDir())
	src := write(t, "a model")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(src, link); err != nil {
		t.Fatal(err)
	}
	if ref := takeIn(t, s, link); ref.Digest != study.DigestOf([]byte("a model")) {
		t.Errorf("got %v", ref)
	}
	for _, bad := range []string{t.TempDir(), filepath.Join(t.TempDir(), "nothing"), "/dev/null"} {
		if _, err := Place(bad, s.Incoming()); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Place(%s): %v", bad, err)
		}
	}
	left, err := os.ReadDir(s.Incoming())
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestIntoCopies(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "copy")
	err := into(dst, func(out *os.File) error {
		_, err := out.WriteString("copied")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dst); err != nil || info.Size() != 6 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := into(dst, func(*os.File) error { return nil }); err == nil {
		t.Error("an existing file was overwritten")
	}
}
