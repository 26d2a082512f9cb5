package replay

import (
	"errors"
	"math"

	"github.com/fettle-edge/fettle/search"
	"github.com/fettle-edge/fettle/search/fidelity"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/problems"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// The metrics of the demo's table, in the order of its values.
var tableMetrics = []string{"quality.kld", "size.weights", "latency.decode"}

// Bench is a table with the scores of every chunk of its rows.
type Bench struct {
	terms  fidelity.Terms
	table  *problems.Table // values are those of all chunks
	scores [][]study.ChunkScore
	rows   map[string]int // by the key of the assignment
}

// NewBench joins a table with a recording. Objectives are the first so many of
// the table's: divergence, size, latency. The divergence is that of the
// recording's chunks.
func NewBench(t *problems.Table, rec *Recording, objectives int) (*Bench, error) {
	if len(t.Rows) != len(rec.Rows) || objectives < 2 || objectives > len(t.Directions) || len(t.Directions) != len(tableMetrics) {
		return nil, fault.New(fault.Invalid, "cannot join a table of %d rows and %d objectives with a recording of %d rows for %d objectives",
			len(t.Rows), len(t.Directions), len(rec.Rows), objectives)
	}
	b := &Bench{rows: map[string]int{}, terms: fidelity.Terms{Chunks: len(rec.Count)}}
	for i := range objectives {
		b.terms.Objectives = append(b.terms.Objectives, study.Objective{Metric: tableMetrics[i], Direction: t.Directions[i]})
	}
	b.table = &problems.Table{Knobs: t.Knobs, Directions: t.Directions[:objectives], Neutral: t.Neutral}
	for i, row := range t.Rows {
		chunks := rec.Chunks(i)
		values := append([]float64{study.QualityValues(chunks)["quality.kld"].Value}, row.Values[1:objectives]...)
		b.table.Rows = append(b.table.Rows, problems.Row{Assignment: row.Assignment, Values: values})
		b.scores = append(b.scores, chunks)
		b.rows[row.Assignment.Key()] = i
	}
	return b, nil
}

// Constrain adds a constraint to what trials are judged by.
func (b *Bench) Constrain(c study.Constraint) { b.terms.Constraints = append(b.terms.Constraints, c) }

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
	Wrong       int     // stopped, but would have been on the front and added more than the slack
	OnFront     int     // stopped, but would have been on the front
	Hypervolume float64 // share of the whole table's
}

// Stopper is a rule that ends evaluations.
type Stopper interface {
	// Stop returns after how many chunks a trial is ended, or the number of all
	// chunks, and whether it is ended for good.
	Stop(s *State, trial fidelity.Trial, row int) (chunks int, stop bool)
}

// State is a study under way.
type State struct {
	Bench *Bench
	Past  []fidelity.Past // complete trials
	Front [][]float64     // of Past, less is better
}

// Do runs a study: trials one after the other, each told before the next is
// asked for.
func (b *Bench) Do(r Run) (Result, error) {
	p := b.table.Problem("table")
	s, err := search.New(search.Config{Knobs: p.Knobs, Directions: p.Directions, Sampler: r.Sampler, Seed: r.Seed,
		Budget: r.Trials, Neutral: p.Neutral})
	if err != nil {
		return Result{}, err
	}
	state, out := &State{Bench: b}, Result{}
	used := map[string]bool{}
	chunks := 0
	for n := range r.Trials {
		row, err := b.ask(s, p, n, used)
		if errors.Is(err, search.ErrExhausted) {
			break
		}
		if err != nil {
			return Result{}, err
		}
		trial := b.Trial(row)
		done, stop := r.Stopper.Stop(state, trial, row)
		chunks += done
		outcome := search.Outcome{Values: b.table.Rows[row].Values}
		if stop {
			out.Stopped++
			out.count(state, row)
			outcome = b.partial(trial, state.Past, row, done)
		} else {
			state.add(n, row, trial)
		}
		if err := s.Tell(n, outcome); err != nil {
			return Result{}, err
		}
	}
	out.Work = float64(chunks) / float64(r.Trials*b.terms.Chunks)
	out.Hypervolume = pareto.Hypervolume(state.Front, p.Reference) / p.Best
	return out, nil
}

// ask asks for a trial and finds its row.
func (b *Bench) ask(s search.Sampler, p problems.Problem, n int, used map[string]bool) (int, error) {
	asked, err := s.Ask(n)
	if err != nil {
		return 0, err
	}
	a, _ := p.Trial(asked.Assignment, func(a study.Assignment) bool { return used[a.Key()] })
	used[a.Key()] = true
	if a.Key() != asked.Assignment.Key() {
		if err := errors.Join(s.Forget(n), s.Add(n, a)); err != nil {
			return 0, err
		}
	}
	return b.rows[a.Key()], nil
}

// Trial is what is known of a row before it is measured: its size, and as
// features the size and the knobs.
func (b *Bench) Trial(row int) fidelity.Trial {
	size := b.table.Rows[row].Values[1]
	return fidelity.Trial{
		Exact:    map[string]float64{"size.weights": size},
		Features: append([]float64{math.Log(size)}, fidelity.Encode(b.table.Knobs, b.table.Rows[row].Assignment)...),
	}
}

// partial is what is told of a stopped trial.
func (b *Bench) partial(trial fidelity.Trial, past []fidelity.Past, row, chunks int) search.Outcome {
	known := fidelity.New(b.terms, past, trial, fidelity.Defaults).Estimates(b.scores[row][:chunks])
	var o search.Outcome
	for _, objective := range b.terms.Objectives {
		e, ok := known[objective.Metric]
		if !ok {
			e = fidelity.Estimate{Value: math.NaN(), Error: math.NaN()}
		}
		o.Values, o.Noise = append(o.Values, e.Value), append(o.Noise, e.Error)
	}
	return o
}

// add takes a complete trial into the state.
func (s *State) add(number, row int, trial fidelity.Trial) {
	b := s.Bench
	past := fidelity.Past{Number: number, Values: map[string]float64{}, Scores: b.scores[row], Features: trial.Features}
	for i, o := range b.terms.Objectives {
		past.Values[o.Metric] = b.table.Rows[row].Values[i]
	}
	s.Past = append(s.Past, past)
	points := append(s.Front, b.oriented(row))
	s.Front = nil
	for _, i := range pareto.Front(points) {
		s.Front = append(s.Front, points[i])
	}
}

func (b *Bench) oriented(row int) []float64 {
	return pareto.Orient(b.table.Rows[row].Values, b.table.Directions)
}

// count says whether stopping a row was wrong.
func (r *Result) count(s *State, row int) {
	point := s.Bench.oriented(row)
	for _, f := range s.Front {
		if pareto.Dominates(f, point) {
			return
		}
	}
	r.OnFront++
	if share, ok := fidelity.Share(s.points(), s.Front, point); !ok || share >= fidelity.Defaults.Slack {
		r.Wrong++
	}
}

// points are the values of all complete trials.
func (s *State) points() [][]float64 {
	var out [][]float64
	for _, p := range s.Past {
		var point []float64
		for _, o := range s.Bench.terms.Objectives {
			point = append(point, p.Values[o.Metric])
		}
		out = append(out, pareto.Orient(point, s.Bench.table.Directions))
	}
	return out
}
