package study

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Digest is the SHA-256 of some bytes as 64 lower-case hexadecimal digits. It
// names models, texts, pieces and variants.
type Digest string

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest(hex.EncodeToString(sum[:]))
}

// ParseDigest checks that s is a digest.
func ParseDigest(s string) (Digest, error) {
	if len(s) != 2*sha256.Size {
		return "", fmt.Errorf("digest %q has %d characters, want %d", clip(s, 80), len(s), 2*sha256.Size)
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("digest %q holds a character that is not 0-9a-f", s)
		}
	}
	return Digest(s), nil
}

// Short returns the first twelve digits, enough for people.
func (d Digest) Short() string { return clip(string(d), 12) }

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
