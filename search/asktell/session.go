package asktell

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Session is a conversation: a search, once init has begun one. Its methods are
// called from one goroutine.
type Session struct {
	codec   *Codec
	config  search.Config
	sampler search.Sampler
	start   []study.Assignment // not asked yet
	trials  map[int]study.Assignment
	told    map[int]bool
	seen    map[string]int // the number of trials of each assignment
	next    int
	// steps are what the sampler was told, for when it has to be made anew.
	steps []step
	// features is the number of features of a tell, 0 before the first.
	features int
}

// step is an Add (with an assignment) or a Tell.
type step struct {
	trial      int
	assignment study.Assignment
	outcome    search.Outcome
}

// Answer answers a line. told is true if the search learned something, so that
// Prepare is worth while; exit if the conversation is over, with no answer.
func (s *Session) Answer(line []byte) (answer []byte, told, exit bool) {
	request, err := Parse(line)
	var response Response
	if err == nil {
		if request.Cmd == CmdExit {
			return nil, false, true
		}
		response, err = s.do(request)
	}
	if err != nil {
		return Refusal(err), false, false
	}
	b, err := json.Marshal(response)
	if err != nil {
		return Refusal(err), false, false
	}
	return b, request.Cmd == CmdTell || request.Cmd == CmdAdd, false
}

// Refusal is the answer that reports an error.
func Refusal(err error) []byte {
	text := err.Error()
	if e, ok := fault.As(err); ok && e.Try != "" {
		text += " (try: " + e.Try + ")"
	}
	b, err := json.Marshal(Response{Error: text})
	if err != nil {
		panic(err) // a text can always be written
	}
	return b
}

// Prepare does the work of the next ask ahead. What fails here fails again in
// the ask, which can say so.
func (s *Session) Prepare() {
	if s.sampler != nil && len(s.start) == 0 {
		_ = s.sampler.Prepare(s.next)
	}
}

func (s *Session) do(r Request) (Response, error) {
	if s.sampler == nil && r.Cmd != CmdInit {
		return Response{}, fault.New(fault.Conflict, "cannot do %q before init", r.Cmd).Trying(`{"cmd":"init", …}`)
	}
	switch r.Cmd {
	case CmdInit:
		return Response{OK: true}, s.init(r)
	case CmdAsk:
		return s.ask()
	case CmdTell:
		return Response{OK: true}, s.tell(r)
	case CmdAdd:
		return Response{OK: true}, s.add(r)
	}
	return Response{}, fault.New(fault.Invalid, "cannot do %q", r.Cmd).Trying("%s, %s, %s, %s or %s", CmdInit, CmdAsk, CmdTell, CmdAdd, CmdExit)
}

// init begins a search, in place of the one before, if any.
func (s *Session) init(r Request) error {
	codec, err := FromSpace(r.Space)
	if err != nil {
		return err
	}
	cfg := search.Config{Knobs: codec.Knobs(), Seed: r.Seed, Budget: r.Budget}
	for _, d := range r.Directions {
		direction, ok := map[string]study.Direction{"minimize": study.Min, "maximize": study.Max}[d]
		if !ok {
			return fault.New(fault.Invalid, "cannot search in direction %q", d).Trying("minimize or maximize")
		}
		cfg.Directions = append(cfg.Directions, direction)
	}
	fresh := Session{codec: codec, trials: map[int]study.Assignment{}, told: map[int]bool{}, seen: map[string]int{}}
	if o := r.Options; o != nil {
		cfg.Sampler, cfg.Limits, cfg.Constraints = o.Sampler, o.Limits, o.Constraints
		for _, params := range o.Start {
			a, err := codec.Assignment(params)
			if err != nil {
				return err
			}
			fresh.start = append(fresh.start, a)
		}
	}
	fresh.config = cfg
	if fresh.sampler, err = search.New(cfg); err != nil {
		return err
	}
	*s = fresh
	return nil
}

// ask proposes a trial: the next of the start that is no trial yet, or what the
// sampler asks.
func (s *Session) ask() (Response, error) {
	n := s.next
	var a study.Assignment
	for len(s.start) > 0 && a == nil {
		if s.seen[s.start[0].Key()] == 0 {
			a = s.start[0]
		}
		s.start = s.start[1:]
	}
	if a != nil {
		if err := s.sampler.Add(n, a); err != nil {
			return Response{}, err
		}
	} else {
		suggestion, err := s.sampler.Ask(n)
		if err != nil {
			return Response{}, err
		}
		a = suggestion.Assignment
	}
	s.register(n, a)
	s.next++
	return Response{ID: &n, Params: s.codec.Params(a)}, nil
}

func (s *Session) register(n int, a study.Assignment) {
	s.trials[n] = a
	s.seen[a.Key()]++
	s.steps = append(s.steps, step{trial: n, assignment: a})
}

// add takes in an observation that was not asked for.
func (s *Session) add(r Request) error {
	if r.ID != nil {
		return fault.New(fault.Invalid, "cannot add trial %d: an added observation has no id", *r.ID).Trying("tell")
	}
	a, err := s.codec.Assignment(r.Params)
	if err != nil {
		return err
	}
	o, err := s.outcome(r)
	if err != nil {
		return err
	}
	if r.State == StateForget {
		return fault.New(fault.Invalid, "cannot add an observation to forget it")
	}
	n := s.next
	if err := s.sampler.Add(n, a); err != nil {
		return err
	}
	s.register(n, a)
	s.next++
	return s.close(n, o)
}

// tell closes a trial.
func (s *Session) tell(r Request) error {
	if r.ID == nil {
		return fault.New(fault.Invalid, "cannot tell without an id")
	}
	n := *r.ID
	switch _, ok := s.trials[n]; {
	case s.told[n]:
		return fault.New(fault.Conflict, "cannot tell trial %d: it has been told", n)
	case !ok:
		return fault.New(fault.NotFound, "cannot tell trial %d: it was not asked", n)
	}
	o, err := s.outcome(r)
	if err != nil {
		return err
	}
	if r.State == StateForget {
		return s.forget(n)
	}
	if r.Params != nil {
		a, err := s.codec.Assignment(r.Params)
		if err != nil {
			return err
		}
		if a.Key() != s.trials[n].Key() {
			if err := s.forget(n); err != nil {
				return err
			}
			if err := s.sampler.Add(n, a); err != nil {
				return err
			}
			s.register(n, a)
		}
	}
	return s.close(n, o)
}

// forget takes an outstanding trial out of the search.
func (s *Session) forget(n int) error {
	if err := s.sampler.Forget(n); err != nil {
		return err
	}
	s.steps = slices.DeleteFunc(s.steps, func(st step) bool { return st.trial == n })
	s.seen[s.trials[n].Key()]--
	delete(s.trials, n)
	return nil
}

// close tells the sampler. The first outcome with constraints makes the search
// a constrained one: the sampler is made anew and the history told again.
func (s *Session) close(n int, o search.Outcome) error {
	if k := len(o.Constraints); k > 0 && s.config.Constraints == 0 {
		cfg := s.config
		cfg.Constraints = k
		sampler, err := search.New(cfg)
		if err != nil {
			return err
		}
		for _, st := range s.steps {
			if st.assignment != nil {
				err = errors.Join(err, sampler.Add(st.trial, st.assignment))
			} else {
				err = errors.Join(err, sampler.Tell(st.trial, st.outcome))
			}
		}
		if err != nil {
			return err
		}
		s.config, s.sampler = cfg, sampler
	}
	if err := s.sampler.Tell(n, o); err != nil {
		return err
	}
	s.told[n] = true
	s.steps = append(s.steps, step{trial: n, outcome: o})
	return nil
}

// outcome reads what a request tells.
func (s *Session) outcome(r Request) (search.Outcome, error) {
	o := search.Outcome{Values: r.Values, Noise: r.Noise, Constraints: r.Constraints}
	switch r.State {
	case "", StateComplete:
	case StateFail:
		o.Infeasible = true
	case StateForget:
		return o, nil
	default:
		return o, fault.New(fault.Invalid, "cannot tell the state %q", r.State).Trying("%s, %s or %s", StateComplete, StateFail, StateForget)
	}
	objectives := len(s.config.Directions)
	// The first tell that has constraints or features decides how many.
	constraints, features := cmp.Or(s.config.Constraints, len(r.Constraints)), cmp.Or(s.features, len(r.Features))
	for _, c := range []struct {
		what      string
		got, want int
		needed    bool
	}{
		{"values", len(r.Values), objectives, !o.Infeasible},
		{"noise", len(r.Noise), objectives, false},
		{"constraints", len(r.Constraints), constraints, false},
		{"features", len(r.Features), features, false},
	} {
		if c.got != c.want && (c.needed || c.got != 0) {
			return o, fault.New(fault.Invalid, "cannot tell %d %s: want %d", c.got, c.what, c.want)
		}
	}
	if slices.ContainsFunc(r.Features, math.IsNaN) {
		return o, fault.New(fault.Invalid, "cannot tell features of which some are missing")
	}
	s.features = features
	return o, nil
}
