//go:build bench

package bench

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

var (
	flagProblems    = flag.String("problems", "", "problems to run, with commas between them; none is all")
	flagSamplers    = flag.String("samplers", "", "samplers to run; none is the default ones")
	flagSeeds       = flag.Int("seeds", 10, "seeds for each problem and sampler")
	flagTrials      = flag.Int("trials", 200, "trials for each run")
	flagOutstanding = flag.Int("outstanding", 1, "asks that wait for their outcome while the next is made")
	flagFor         = flag.Duration("for", 0, "begin no new run after so long; 0 runs to the end")
	flagPython      = flag.String("python", "/usr/bin/python3", "the Python that has Optuna 3.1.0")
	flagResults     = flag.String("results", "../../../build/bench-search", "folder of the results")
)

// peerPrefix begins the names of samplers that run in a peer.
const peerPrefix = "optuna-"

// startSuffix ends the names of peers that are given our start designs.
const startSuffix = "+start"

// defaultSamplers are the samplers that are compared.
var defaultSamplers = []string{subject, "optuna-tpe", "optuna-nsga2", "optuna-tpe+start", "optuna-nsga2+start"}

func list(flag string, all []string) []string {
	if flag == "" {
		return all
	}
	return strings.Split(flag, ",")
}

// TestCampaigns runs what has no result yet. A result is a line in the file of
// its sampler: delete the file to run the sampler again.
func TestCampaigns(t *testing.T) {
	if err := os.MkdirAll(*flagResults, 0o755); err != nil {
		t.Fatal(err)
	}
	done := map[Key]bool{}
	for _, r := range results(t) {
		done[r.Key] = true
	}
	b := begin(t)
	for seed := range int64(*flagSeeds) {
		for _, name := range list(*flagProblems, problems.Names()) {
			p, ok := problems.Lookup(name)
			if !ok {
				t.Fatalf("there is no problem %q; there are %s", name, strings.Join(problems.Names(), ", "))
			}
			print, err := Print(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, sampler := range list(*flagSamplers, defaultSamplers) {
				k := Key{name, print, sampler, seed, *flagTrials, *flagOutstanding}
				if done[k] || p.Predict != nil && strings.HasPrefix(sampler, peerPrefix) {
					continue // a peer cannot use predictions
				}
				if *flagFor > 0 && time.Since(b.begun) > *flagFor {
					t.Log("the time is over; run it again to go on")
					return
				}
				b.run(p, k)
			}
		}
	}
}

// results reads all results.
func results(t *testing.T) []Record {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(*flagResults, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Record
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		records, err := Read(string(b))
		if err != nil {
			t.Fatal(f, err)
		}
		all = append(all, records...)
	}
	return all
}

// bench runs campaigns.
type bench struct {
	*testing.T
	begun  time.Time
	python *process // started when first needed
}

func begin(t *testing.T) *bench { return &bench{T: t, begun: time.Now()} }

func (b *bench) run(p problems.Problem, k Key) {
	asker, err := b.asker(p, k)
	if err != nil {
		b.Fatal(k, err)
	}
	start := time.Now()
	c := problems.Campaign{Seed: k.Seed, Trials: k.Trials, Outstanding: k.Outstanding, Now: func() float64 { return time.Since(start).Seconds() }}
	r, err := c.Run(p, asker)
	if err != nil {
		b.Fatal(k, err)
	}
	b.Logf("%s %s seed %d: %.3f in %.1f s", k.Problem, k.Sampler, k.Seed, r.Share[len(r.Share)-1], time.Since(start).Seconds())
	b.keep(Record{k, r})
}

// asker starts the search of a campaign.
func (b *bench) asker(p problems.Problem, k Key) (problems.Asker, error) {
	name, peer := strings.CutPrefix(k.Sampler, peerPrefix)
	if !peer {
		return problems.NewAsker(p.Config(k.Sampler, k.Seed, k.Trials))
	}
	if b.python == nil {
		b.python = start(b.T, *flagPython, "../peers/optuna_peer.py")
	}
	var designs []study.Assignment
	name, controlled := strings.CutSuffix(name, startSuffix)
	if controlled {
		var err error
		if designs, err = problems.Designs(p, subject, k.Seed, k.Trials); err != nil {
			return nil, err
		}
	}
	return b.python.begin(p, peerPrefix+name, k.Seed, k.Trials, designs)
}

// keep appends a result to its file. A line that was cut off is ended first.
func (b *bench) keep(r Record) {
	line, err := r.Line()
	if err != nil {
		b.Fatal(err)
	}
	name := filepath.Join(*flagResults, r.Sampler+".jsonl")
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	whole := strings.LastIndexByte(string(old), '\n') + 1
	if whole < len(old) {
		if err := os.Truncate(name, int64(whole)); err != nil {
			b.Fatal(err)
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(line); err != nil {
		b.Fatal(err)
	}
}
