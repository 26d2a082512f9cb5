package replay

import (
	"errors"
	"math"
	"slices"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
)

// Run is one study.
type Run struct {
	Sampler string
	Seed    int64
	Trials  int
	Stopper Stopper
}

// Result is what a study came to.
type Result struct {
	Work        float64 // chunks evaluated, as a share of all chunks of all trials
	Stopped     int     // trials
	Wrong       int     // stopped when the front did not dominate them
	Lost        int     // stopped, and on the front of all trials if nothing were stopped
	Hypervolume float64 // of the complete trials, as a share of the whole table's
	Found       float64 // of all trials, stopped or not, as a share of the whole table's
}

// Stopper is a rule that ends evaluations. It serves one study.
type Stopper interface {
	// Stop returns after how many chunks a new trial is ended, or the number
	// of all chunks, and whether it is ended.
	Stop(s *State, row int) (chunks int, stop bool)
}

// Resumer is a Stopper that may take up trials again.
type Resumer interface {
	// Resume returns a stopped row that goes on, how many chunks more it
	// takes, and whether they are its last; ok is false if none goes on.
	Resume(s *State) (row, chunks int, complete, ok bool)
}

// State is a study under way.
type State struct {
	Bench *Bench
	Past  []fidelity.Past // complete trials, in the order of their ends
	Tried []int           // rows of all trials
	front [][]float64     // of Past
}

// Do runs a study: trials one after the other, each told before the next is
// asked for. A trial that is resumed after it was told is not told again.
func (b *Bench) Do(r Run) (Result, error) {
	sampler, err := search.New(b.problem.Config(r.Sampler, r.Seed, r.Trials))
	if err != nil {
		return Result{}, err
	}
	s, out := &State{Bench: b}, Result{}
	chunks := 0
	for n := range r.Trials {
		row, err := s.ask(sampler, n)
		if errors.Is(err, search.ErrExhausted) {
			break
		}
		if err != nil {
			return Result{}, err
		}
		done, stop := r.Stopper.Stop(s, row)
		chunks += done
		outcome := search.Outcome{Values: b.table.Rows[row].Values}
		if stop {
			outcome = s.partial(row, done)
			if out.Stopped++; !s.dominated(row) {
				out.Wrong++
			}
		} else {
			s.add(n, row)
		}
		if err := sampler.Tell(n, outcome); err != nil {
			return Result{}, err
		}
		chunks += s.resume(r.Stopper, n)
	}
	out.Work = float64(chunks) / float64(len(s.Tried)*b.terms.Chunks)
	s.count(&out)
	return out, nil
}

// ask asks for a trial and finds its row.
func (s *State) ask(sampler search.Sampler, n int) (int, error) {
	asked, err := sampler.Ask(n)
	if err != nil {
		return 0, err
	}
	key, err := s.Bench.problem.Key(asked.Assignment)
	if err != nil {
		return 0, err
	}
	row := s.Bench.rows[key]
	s.Tried = append(s.Tried, row)
	return row, nil
}

// resume lets trials go on and returns how many chunks they took.
func (s *State) resume(stopper Stopper, n int) (chunks int) {
	r, ok := stopper.(Resumer)
	for ok {
		row, more, complete, goes := r.Resume(s)
		if !goes {
			return chunks
		}
		if chunks += more; complete {
			s.add(n, row)
		}
	}
	return chunks
}

// partial is what is told of a stopped trial: what is known or expected, and
// of the divergence at least that of the chunks so far.
func (s *State) partial(row, chunks int) search.Outcome {
	rule, scores := fidelity.New(s.Bench.terms, s.Past, s.Bench.Trial(row), fidelity.DefaultError), s.Bench.scores[row][:chunks]
	known := rule.Estimates(scores)
	if _, ok := known[divergence]; !ok && chunks > 0 {
		d := study.QualityValues(scores)[divergence]
		known[divergence] = fidelity.Estimate{Value: d.Value, Error: (d.High - d.Value) / study.Z95}
	}
	var o search.Outcome
	for _, objective := range s.Bench.terms.Objectives {
		e, ok := known[objective.Metric]
		if !ok {
			e = fidelity.Estimate{Value: math.NaN(), Error: math.NaN()}
		}
		o.Values, o.Noise = append(o.Values, e.Value), append(o.Noise, e.Error)
	}
	return o
}

// add takes a complete trial into the state.
func (s *State) add(number, row int) {
	s.Past = append(s.Past, s.Bench.past(number, row))
	s.front = front(append(s.front, s.Bench.points[row]))
}

func front(points [][]float64) [][]float64 {
	var out [][]float64
	for _, i := range pareto.Front(points) {
		out = append(out, points[i])
	}
	return out
}

// dominated reports whether the front dominates a row.
func (s *State) dominated(row int) bool {
	for _, f := range s.front {
		if pareto.Dominates(f, s.Bench.points[row]) {
			return true
		}
	}
	return false
}

// count fills in what is known in the end.
func (s *State) count(out *Result) {
	var all [][]float64
	for _, row := range s.Tried {
		all = append(all, s.Bench.points[row])
	}
	best := front(all)
	for _, f := range best {
		if !slices.ContainsFunc(s.front, func(g []float64) bool { return slices.Equal(f, g) }) {
			out.Lost++
		}
	}
	p := s.Bench.problem
	out.Hypervolume = pareto.Hypervolume(s.front, p.Reference) / p.Best
	out.Found = pareto.Hypervolume(best, p.Reference) / p.Best
}
