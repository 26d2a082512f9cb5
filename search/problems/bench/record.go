// Package bench turns finished search campaigns into tables and a picture. The
// campaigns themselves are run by its tests with the tag bench (make
// bench-search), because they need files, processes and a clock.
package bench

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/search/space"
)

// Key names a campaign.
type Key struct {
	Problem string `json:"problem"`
	// Print identifies the problem's definition: results of another definition
	// are not compared.
	Print       string `json:"print"`
	Sampler     string `json:"sampler"`
	Seed        int64  `json:"seed"`
	Trials      int    `json:"trials"`
	Outstanding int    `json:"outstanding"`
}

// Record is a finished campaign.
type Record struct {
	Key
	problems.Result
}

// Print is the fingerprint of a problem: its space, its reference and front,
// and the outcomes of a few points.
func Print(p problems.Problem) (string, error) {
	sp, err := space.New(p.Knobs, p.Neutral)
	if err != nil {
		return "", err
	}
	h := fnv.New64a()
	write := func(v any) {
		var b []byte
		if err == nil {
			b, err = json.Marshal(v)
			h.Write(b)
		}
	}
	write(p.Knobs)
	write(p.Directions)
	write([]any{p.Reference, p.Best, p.Noise, p.Constraints, p.Neutral})
	rng := rand.New(rand.NewPCG(1, 2))
	for range 16 {
		a := sp.Assignment(sp.Random(rng))
		o := p.Trial(a)
		write(a)
		write([]any{o.Values, o.Constraints, o.Infeasible})
		if p.Predict != nil {
			known := p.Predict(a)
			write([]any{known.Features, known.Known})
		}
	}
	return fmt.Sprintf("%016x", h.Sum64()), err
}

// Read reads records, one on a line. The last line may be cut off: its writer
// was ended.
func Read(text string) ([]Record, error) {
	var records []Record
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		var r Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("cannot read line %d: %w", i+1, err)
		}
		records = append(records, r)
	}
	return records, nil
}

// Line writes a record as one line, its numbers rounded to what is worth
// keeping: shares to nine digits, times to microseconds.
func (r Record) Line() ([]byte, error) {
	round := func(x []float64, perUnit float64) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			if out[i] = math.Round(v*perUnit) / perUnit; math.IsInf(out[i], 0) {
				out[i] = v
			}
		}
		return out
	}
	r.Share, r.Value = round(r.Share, 1e9), round(r.Value, 1e9)
	r.Ask, r.Tell, r.Prepare = round(r.Ask, 1e6), round(r.Tell, 1e6), round(r.Prepare, 1e6)
	b, err := json.Marshal(r)
	return append(b, '\n'), err
}
