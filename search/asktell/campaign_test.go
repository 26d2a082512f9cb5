package asktell_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/asktell"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
)

// lines is a Session as a campaign's asker.
type lines struct {
	session asktell.Session
	codec   *asktell.Codec
	ids     map[int]int
}

func (l *lines) do(r asktell.Request) (asktell.Response, error) {
	var answer asktell.Response
	b, err := json.Marshal(r)
	if err != nil {
		return answer, err
	}
	b, _, _ = l.session.Answer(b)
	if err := json.Unmarshal(b, &answer); err != nil {
		return answer, err
	}
	if strings.Contains(answer.Error, "exhausted") {
		return answer, search.ErrExhausted
	}
	if answer.Error != "" {
		return answer, errors.New(answer.Error)
	}
	return answer, nil
}

func (l *lines) Prepare(int) error { l.session.Prepare(); return nil }

func (l *lines) Ask(n int) (study.Assignment, error) {
	answer, err := l.do(asktell.Request{Cmd: asktell.CmdAsk})
	if err != nil {
		return nil, err
	}
	l.ids[n] = *answer.ID
	return l.codec.Assignment(answer.Params)
}

func (l *lines) Tell(n int, o search.Outcome) error {
	id := l.ids[n]
	r := asktell.Request{Cmd: asktell.CmdTell, ID: &id, Values: o.Values, Noise: o.Noise, Constraints: o.Constraints}
	if o.Infeasible {
		r.State = asktell.StateFail
	}
	_, err := l.do(r)
	return err
}

// TestLinesAreTheSearch: over lines, a campaign goes as it does with the
// sampler itself, number for number.
func TestLinesAreTheSearch(t *testing.T) {
	for _, p := range []problems.Problem{problems.Conditional(), problems.OSY(), problems.ZDT1(5, 0).Noisy(0.05, 0.05), problems.Mixed()} {
		for _, sampler := range []string{search.Random, search.Sobol} {
			c := problems.Campaign{Seed: 3, Trials: 40, Outstanding: 4}
			own, err := problems.NewAsker(p.Config(sampler, c.Seed, c.Trials))
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.Run(p, own)
			if err != nil {
				t.Fatal(err)
			}
			l := &lines{codec: asktell.FromKnobs(p.Knobs), ids: map[int]int{}}
			begin := asktell.Request{Cmd: asktell.CmdInit, Space: l.codec.Space(), Seed: c.Seed, Budget: c.Trials, Options: &asktell.Options{Sampler: sampler}}
			for range p.Directions {
				begin.Directions = append(begin.Directions, "minimize")
			}
			if _, err := l.do(begin); err != nil {
				t.Fatal(err)
			}
			got, err := c.Run(p, l)
			if err != nil {
				t.Fatal(err)
			}
			for n := range want.Share {
				if got.Share[n] != want.Share[n] {
					t.Fatalf("%s, %s: after %d trials the share is %v over lines, %v without", p.Name, sampler, n+1, got.Share[n], want.Share[n])
				}
			}
		}
	}
}
