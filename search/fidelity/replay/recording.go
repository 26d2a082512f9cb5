// Package replay plays recorded evaluations again: what each chunk of a text
// scored for each variant of a table. It simulates studies on them, so that
// rules that stop trials early can be compared without a board.
package replay

import (
	"encoding/json"
	"io"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Recording holds the scores of every chunk for every row of a table. Sums are
// rounded to six digits, so that the file stays small.
type Recording struct {
	Model   study.Digest      `json:"model"`
	Text    study.Digest      `json:"text"`
	Runtime study.RuntimeInfo `json:"runtime"`
	Context int               `json:"context"` // tokens of a chunk
	Count   []int             `json:"count"`   // scored positions of each chunk
	Bytes   []int             `json:"bytes"`   // of the scored tokens
	Rows    []Scores          `json:"rows"`    // in the order of the table's rows
}

// Scores are what the chunks of one variant gave, as in study.ChunkScore.
type Scores struct {
	NLL   []float64 `json:"nll"`
	NLL2  []float64 `json:"nll2"`
	KLD   []float64 `json:"kld"`
	KLD2  []float64 `json:"kld2"`
	Same1 []int     `json:"same1"`
}

// Read reads a recording and checks that it is whole.
func Read(r io.Reader) (*Recording, error) {
	rec := &Recording{}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(rec); err != nil {
		return nil, fault.New(fault.Invalid, "cannot read the recording").Because(err)
	}
	n := len(rec.Count)
	for i, s := range rec.Rows {
		if len(s.NLL) != n || len(s.NLL2) != n || len(s.KLD) != n || len(s.KLD2) != n || len(s.Same1) != n {
			return nil, fault.New(fault.Invalid, "cannot use the recording: row %d does not have %d chunks", i+1, n)
		}
	}
	if n == 0 || len(rec.Bytes) != n {
		return nil, fault.New(fault.Invalid, "cannot use the recording: it counts %d chunks and the bytes of %d", n, len(rec.Bytes))
	}
	return rec, nil
}

// Add appends a row of scores, chunk by chunk. The counts of the first row
// hold for all.
func (rec *Recording) Add(scores []study.ChunkScore) {
	var s Scores
	first := len(rec.Rows) == 0
	for _, c := range scores {
		s.NLL, s.NLL2 = append(s.NLL, c.NLL), append(s.NLL2, c.NLL2)
		s.KLD, s.KLD2 = append(s.KLD, c.KLD), append(s.KLD2, c.KLD2)
		s.Same1 = append(s.Same1, c.Same1)
		if first {
			rec.Count, rec.Bytes = append(rec.Count, c.Count), append(rec.Bytes, c.Bytes)
		}
	}
	rec.Rows = append(rec.Rows, s)
}

// Chunks returns the scores of a row.
func (rec *Recording) Chunks(row int) []study.ChunkScore {
	s := rec.Rows[row]
	out := make([]study.ChunkScore, len(rec.Count))
	for j := range out {
		out[j] = study.ChunkScore{Chunk: j, Count: rec.Count[j], Bytes: rec.Bytes[j],
			NLL: s.NLL[j], NLL2: s.NLL2[j], KLD: s.KLD[j], KLD2: s.KLD2[j], Same1: s.Same1[j]}
	}
	return out
}
