//go:build bench

package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/asktell"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

// process is a peer that speaks JSON lines. One process runs all campaigns,
// one after the other.
type process struct {
	in  io.Writer
	out *bufio.Reader
}

// start runs a program until the test ends.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &process{in, bufio.NewReader(out)}
}

// do sends a line and reads the answer.
func (p *process) do(r asktell.Request) (asktell.Response, error) {
	var answer asktell.Response
	b, err := json.Marshal(r)
	if err != nil {
		return answer, err
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		return answer, err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return answer, fmt.Errorf("the peer gave no answer to %s: %w", b, err)
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return answer, fmt.Errorf("the peer answered %q: %w", line, err)
	}
	if strings.Contains(answer.Error, "exhausted") {
		return answer, search.ErrExhausted
	}
	if answer.Error != "" {
		return answer, fmt.Errorf("the peer refuses %s: %s", b, answer.Error)
	}
	return answer, nil
}

// peer is a campaign's search in another process.
type peer struct {
	*process
	codec *asktell.Codec
	ids   map[int]int
}

// begin starts a search of a problem, the designs first.
func (p *process) begin(problem problems.Problem, sampler string, seed int64, trials int, designs []study.Assignment) (*peer, error) {
	codec := asktell.FromKnobs(problem.Knobs)
	r := asktell.Request{
		Cmd: asktell.CmdInit, Space: codec.Space(), Seed: seed, Budget: trials,
		Options: &asktell.Options{Sampler: sampler, Constraints: problem.Constraints},
	}
	for _, d := range problem.Directions {
		r.Directions = append(r.Directions, map[study.Direction]string{study.Min: "minimize", study.Max: "maximize"}[d])
	}
	for _, a := range designs {
		r.Options.Start = append(r.Options.Start, codec.Params(a))
	}
	_, err := p.do(r)
	return &peer{p, codec, map[int]int{}}, err
}

func (p *peer) Ask(n int) (study.Assignment, error) {
	answer, err := p.do(asktell.Request{Cmd: asktell.CmdAsk})
	if err != nil {
		return nil, err
	}
	p.ids[n] = *answer.ID
	return p.codec.Assignment(answer.Params)
}

func (p *peer) Tell(n int, o search.Outcome) error {
	id := p.ids[n]
	r := asktell.Request{Cmd: asktell.CmdTell, ID: &id, Values: o.Values, Constraints: o.Constraints}
	if o.Infeasible {
		r.State = asktell.StateFail
	}
	_, err := p.do(r)
	return err
}

// Prepare does nothing: a peer has no work that it could do ahead.
func (p *peer) Prepare(int) error { return nil }
