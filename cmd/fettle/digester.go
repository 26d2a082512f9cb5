package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/fettle-edge/fettle/study"
)

// digester computes the digest of what is written to it.
type digester struct {
	sum hash.Hash
	n   int64
}

func newDigester() *digester { return &digester{sum: sha256.New()} }

func (d *digester) Write(b []byte) (int, error) {
	d.n += int64(len(b))
	return d.sum.Write(b)
}

func (d *digester) digest() study.Digest { return study.Digest(hex.EncodeToString(d.sum.Sum(nil))) }
