package pieces

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fettle-edge/fettle/study"
)

// Key says what a piece was made of. Equal keys give equal bytes.
type Key struct {
	Model    study.Digest // of the source file
	Tensor   string       // name
	Position int          // split number of the piece
	Type     string       // stored type
	Maker    string       // what made the bytes: the quantiser's libraries, or how they were copied
}

// digest is the name of the key in the index. Its form is part of the format
// of the folder.
func (k Key) digest() study.Digest {
	b, _ := json.Marshal(k) // strings and a number cannot fail
	return study.DigestOf(append([]byte("piece "), b...))
}

func (k Key) file() string {
	d := string(k.digest())
	return filepath.Join(keysDir, d[:2], d)
}

// Lookup finds the piece that was recorded for a key, if its content is still
// there. An entry that a crash left damaged counts as absent.
func (s *Store) Lookup(k Key) (study.PieceRef, bool) {
	b, err := s.root.ReadFile(k.file())
	if err != nil {
		return study.PieceRef{}, false
	}
	var ref study.PieceRef
	digest, size, _ := strings.Cut(strings.TrimSuffix(string(b), "\n"), " ")
	if ref.Digest, err = study.ParseDigest(digest); err != nil {
		return study.PieceRef{}, false
	}
	if _, err := fmt.Sscanf(size, "%d", &ref.Bytes); err != nil {
		return study.PieceRef{}, false
	}
	return ref, s.holds(ref)
}

// Record notes that k makes ref.
func (s *Store) Record(k Key, ref study.PieceRef) error {
	return s.writeNote(k.file(), fmt.Appendf(nil, "%s %d\n", ref.Digest, ref.Bytes))
}

// writeNote writes a small file that can be made again if a power cut loses
// it: atomically, but without forcing it to the disk.
func (s *Store) writeNote(to string, b []byte) error {
	temp := s.Temp()
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return cannotStore(err)
	}
	if err := s.mkdir(filepath.Dir(to)); err != nil {
		return cannotStore(err)
	}
	if err := s.root.Rename(filepath.Join(tempDir, filepath.Base(temp)), to); err != nil {
		return cannotStore(err)
	}
	return nil
}
