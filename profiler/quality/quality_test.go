package quality

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// draw returns random logits with a spread that reaches below the floor.
func draw(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * 6)
	}
	return x
}

// logProbs is the slow and exact definition.
func logProbs(logits []float32) []float64 {
	var sum float64
	for _, x := range logits {
		sum += math.Exp(float64(x))
	}
	p := make([]float64, len(logits))
	for i, x := range logits {
		p[i] = float64(x) - math.Log(sum)
	}
	return p
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.9g, want %.9g within %g", what, got, want, tolerance)
	}
}

func TestClosedForms(t *testing.T) {
	// Equal logits: the likelihood of each of n tokens is 1/n.
	rec := NewRecord(8)
	flat := make([]float32, 8)
	p, err := Encode(flat, 3, rec)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the likelihood of equal tokens", p.NLL, math.Log(8), 1e-12)

	// KLD of (3/4, 1/4) to (1/2, 1/2): 3/4 ln 3/2 + 1/4 ln 1/2.
	base := NewRecord(2)
	if _, err := Encode([]float32{float32(math.Log(3)), 0}, 0, base); err != nil {
		t.Fatal(err)
	}
	p, err = Compare([]float32{7, 7}, 1, base)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the divergence", p.KLD, 0.75*math.Log(1.5)+0.25*math.Log(0.5), 1e-5)
	near(t, "the likelihood of one of two", p.NLL, math.Ln2, 1e-7)
	if !p.Same {
		t.Error("of equal logits the first counts as the top")
	}
	p, err = Compare([]float32{0, 1}, 1, base)
	if err != nil {
		t.Fatal(err)
	}
	if p.Same {
		t.Error("another top token counts as the same")
	}
}

func TestAgainstTheSlowDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		n := 2 + rng.IntN(500)
		a, b := draw(rng, n), draw(rng, n)
		next := int32(rng.IntN(n))
		base := NewRecord(n)
		if _, err := Encode(a, next, base); err != nil {
			t.Fatal(err)
		}
		got, err := Compare(b, next, base)
		if err != nil {
			t.Fatal(err)
		}
		pa, pb := logProbs(a), logProbs(b)
		near(t, "nll", got.NLL, -pb[next], 1e-5)
		var kld float64
		for i := range pa {
			if pa[i] > -Floor {
				kld += math.Exp(pa[i]) * (pa[i] - pb[i])
			}
		}
		// 16 bits for at most 16 nats are steps of 0.00025, so the base's
		// probabilities are off by at most 0.000125 of themselves.
		near(t, "kld", got.KLD, kld, 1.3e-4*(1+kld))
		if got.Same != (Top(a) == Top(b)) {
			t.Errorf("same top is %v", got.Same)
		}
	}
}

func TestRecordKeepsLogProbabilities(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	logits := draw(rng, 301)
	rec := NewRecord(len(logits))
	if len(rec) != 4+302 {
		t.Errorf("a record of 301 tokens has %d elements, want an even number", len(rec))
	}
	if _, err := Encode(logits, 0, rec); err != nil {
		t.Fatal(err)
	}
	scale, low, q := rec.decode(len(logits))
	want := logProbs(logits)
	top := want[Top(logits)]
	for i, p := range want {
		near(t, "stored log-probability", float64(scale)*float64(q[i])+float64(low), max(p, top-Floor), 2e-4)
	}
	if rec[4+301] != 0 {
		t.Error("the padding is not zero")
	}
}

func TestADamagedBaseIsNotTheVariantsFault(t *testing.T) {
	base := NewRecord(3)
	base.setFloat(0, 1e30) // a scale that makes probabilities infinite
	base[4] = 9
	if _, err := Compare([]float32{1, 2, 3}, 0, base); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestNonFiniteLogitsAreRefused(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	base := NewRecord(3)
	for _, logits := range [][]float32{{nan, 1, 2}, {1, nan, 2}, {1, 2, nan}, {1, inf, 2}, {1, -inf, 2}} {
		if _, err := Encode(logits, 0, NewRecord(3)); !errors.Is(err, ErrNonFinite) {
			t.Errorf("encode %v: %v", logits, err)
		}
		if _, err := Compare(logits, 0, base); !errors.Is(err, ErrNonFinite) {
			t.Errorf("compare %v: %v", logits, err)
		}
		if Top(logits) != -1 {
			t.Errorf("%v has the top %d", logits, Top(logits))
		}
	}
}

// sample writes a file of two chunks of six tokens.
func sample(t testing.TB) (file []byte, h Header, recs [][]Record) {
	h = Header{Context: 6, Vocabulary: 5, Tokens: []int32{1, 2, 3, 4, 0, 1, 2, 2, 2, 2, 2, 2}}
	var b bytes.Buffer
	if err := h.Write(&b); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range h.Chunks() {
		chunk := h.NewRecords()
		for _, r := range chunk {
			if _, err := Encode(draw(rng, h.Vocabulary), 0, r); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteChunk(&b, chunk); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, chunk)
	}
	return b.Bytes(), h, recs
}

func TestFileKeepsWhatWasWritten(t *testing.T) {
	file, want, recs := sample(t)
	r := bytes.NewReader(file)
	got, err := ReadHeader(r, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Context != want.Context || got.Vocabulary != want.Vocabulary || got.Chunks() != 2 || got.Tokens[4] != 0 || got.Tokens[3] != 4 {
		t.Errorf("read %+v, wrote %+v", got, want)
	}
	for chunk := 1; chunk >= 0; chunk-- { // in any order
		read := got.NewRecords()
		if err := got.ReadChunk(r, chunk, read); err != nil {
			t.Fatal(err)
		}
		if len(read) != 2 { // positions 3 and 4; 5 has no successor
			t.Fatalf("%d scored positions, want 2", len(read))
		}
		for i := range read {
			for k := range read[i] {
				if read[i][k] != recs[chunk][i][k] {
					t.Fatalf("chunk %d record %d differs at %d", chunk, i, k)
				}
			}
		}
	}
	if err := got.ReadChunk(r, 2, got.NewRecords()); err == nil {
		t.Error("a chunk beyond the last was read")
	}
}

func TestLyingFilesAreRefused(t *testing.T) {
	good, _, _ := sample(t)
	lie := func(at int, value uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], value)
		return b
	}
	for name, b := range map[string][]byte{
		"empty":           {},
		"not ours":        append([]byte("GGUF"), good[4:]...),
		"cut":             good[:len(good)-1],
		"no context":      lie(8, 0),
		"huge context":    lie(8, math.MaxInt32),
		"no vocabulary":   lie(12, 0),
		"huge vocabulary": lie(12, 1<<30),
		"many chunks":     lie(16, math.MaxInt32),
		"negative chunks": lie(16, 1<<31),
	} {
		if h, err := ReadHeader(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s: read %+v", name, h)
		}
	}
	// A scale that is not a number must not become a score.
	h, err := ReadHeader(bytes.NewReader(good), int64(len(good)))
	if err != nil {
		t.Fatal(err)
	}
	bad := lie(int(h.Offset(0)), math.Float32bits(float32(math.NaN())))
	if err := h.ReadChunk(bytes.NewReader(bad), 0, h.NewRecords()); err == nil {
		t.Error("a damaged record was read")
	}
}

func FuzzReadHeader(f *testing.F) {
	good, _, _ := sample(f)
	f.Add(good)
	f.Add(good[:30])
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		h, err := ReadHeader(r, int64(len(b)))
		if err != nil {
			return
		}
		if h.Offset(h.Chunks()) > int64(len(b)) {
			t.Fatalf("%d chunks do not fit into %d bytes", h.Chunks(), len(b))
		}
		if h.Chunks() == 0 {
			return
		}
		recs := h.NewRecords()
		if err := h.ReadChunk(r, h.Chunks()-1, recs); err != nil {
			return
		}
		logits := make([]float32, h.Vocabulary)
		for _, rec := range recs {
			p, err := Compare(logits, 0, rec)
			if err == nil && (math.IsNaN(p.KLD) || math.IsInf(p.KLD, 0)) {
				t.Fatalf("a divergence of %g", p.KLD)
			}
		}
	})
}
