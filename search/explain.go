package search

import (
	"math"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/search/space"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Explanation is what the history of a search says: about the knobs, the front
// and what is left to gain. Values are in the objectives' own units and
// directions. Where something cannot be said, a sentence tells why.
type Explanation struct {
	Sampler, Why string // as Describe returns them
	Told         int    // trials

	// Reference is the point that hypervolumes are measured from, one value for
	// each objective: the user's limit where Limited is true, else the worst
	// value of a feasible trial with a margin. It is nil, and NoReference says
	// why, while no feasible trial has a value for every objective.
	Reference   []float64
	Limited     []bool
	NoReference string
	// Hypervolume has every told trial in the order of the tells, with the
	// hypervolume of all feasible trials up to it: in the product of the
	// objectives' units.
	Hypervolume []Volume

	// NoModel tells why there is no model of the objectives. All that follows
	// needs one.
	NoModel string

	Importance   []Importance // one for each objective
	NoImportance string
	ImportanceBy string // how it was computed

	// Front is the front of the trials at their predicted values, in the order
	// of the tells: without what the model takes for noise.
	Front []Estimate

	Redundant []Redundant

	Remaining   *Remaining
	NoRemaining string

	lens *lens
}

// Volume is the hypervolume after a trial was told.
type Volume struct {
	Trial int
	Value float64
}

// Estimate is what a model expects of a trial or an assignment.
type Estimate struct {
	Trial int // -1 if it is no trial
	// Values has the median of every objective, and Low and High the ends of
	// the interval that holds 95 % of the belief about its true value: a new
	// measurement has its own noise on top. They are equal where the value is
	// known exactly.
	Values, Low, High []float64
	// Feasible is the probability that all constraints and limits are kept.
	Feasible float64
}

// Redundant is a pair of objectives of which one says nearly all of the other.
type Redundant struct {
	A, B        int // objectives
	Correlation float64
}

// lens is a model of all told trials.
type lens struct {
	*core
	*model
	told   *history // without outstanding trials
	bayes  *bayes
	trials []int // by event: the trial's number, or -1
}

// Explain works out what the history of a search says. It changes nothing of
// the sampler, and is to be called from the goroutine that calls its other
// methods. Samplers without a model of their own get one for the call. Equal
// histories give equal explanations.
func Explain(s Sampler) (*Explanation, error) {
	c, ok := s.(*core)
	if !ok {
		return nil, fault.New(fault.Invalid, "cannot explain a sampler of another package").Trying("a sampler of search.New")
	}
	x := &Explanation{Told: len(c.history.told)}
	x.Sampler, x.Why = Describe(c.config)
	c.explainVolume(x)
	l, err := c.look()
	if err != nil {
		x.NoModel = err.Error()
		return x, nil
	}
	x.lens = l
	x.Front = l.frontier()
	x.Redundant = l.redundant()
	l.explainImportance(x)
	x.Remaining, x.NoRemaining = l.remaining()
	return x, nil
}

// Predict returns what the model expects of an assignment, which must give
// every active knob a value of its domain.
func (x *Explanation) Predict(a study.Assignment) (Estimate, error) {
	if x.lens == nil {
		return Estimate{}, fault.New(fault.Conflict, "cannot predict yet: %s", x.NoModel).Trying("wait for more trials")
	}
	points := replayable(x.lens.space, []study.Assignment{a})
	if len(points) == 0 {
		return Estimate{}, fault.New(fault.Invalid, "cannot predict an assignment outside of the search space").Trying("values of the study's knobs")
	}
	f := x.lens.foresight.of(points[0], a)
	if !f.ok {
		return Estimate{}, fault.New(fault.Invalid, "cannot predict an assignment that makes no recipe for this model")
	}
	return x.lens.estimates([]foreseen{f})[0], nil
}

// explainVolume replays the hypervolume.
func (c *core) explainVolume(x *Explanation) {
	t := c.history.terms
	values := c.history.feasible()
	if len(values) == 0 {
		x.NoReference = noneFeasible
		return
	}
	reference := t.reference(values)
	archive := pareto.NewArchive(reference)
	for _, r := range c.history.told {
		if !r.infeasible && r.complete() {
			archive.Add(r.values)
		}
		x.Hypervolume = append(x.Hypervolume, Volume{r.number, finite(archive.Hypervolume())})
	}
	x.Reference = pareto.Orient(reference, t.directions)
	for _, l := range t.limits {
		x.Limited = append(x.Limited, !math.IsNaN(l))
	}
}

const noneFeasible = "no feasible trial has a value for every objective yet"

// feasible returns the values of the feasible trials that have all of them.
func (h *history) feasible() [][]float64 {
	var values [][]float64
	for _, r := range h.told {
		if !r.infeasible && r.complete() {
			values = append(values, r.values)
		}
	}
	return values
}

// reference is the user's limit of each objective, and where there is none the
// worst of the values of feasible trials, with a margin.
func (t terms) reference(values [][]float64) []float64 {
	var front [][]float64
	for _, i := range pareto.Front(values) {
		front = append(front, values[i])
	}
	best, worst := pareto.Bounds(values)
	low, high := pareto.Bounds(front)
	for j, l := range t.limits {
		if !math.IsNaN(l) {
			worst[j] = l
			continue
		}
		width := max(high[j]-low[j], 0.02*(worst[j]-best[j]))
		if width == 0 { // all equal: any distance serves
			width = max(1, math.Abs(worst[j]))
		}
		worst[j] += beyondWorst * width
	}
	return worst
}

// look makes the model of all that was told, without outstanding trials. It is
// always one of its own, so that it follows from the history whatever the
// sampler is.
func (c *core) look() (*lens, error) {
	return c.lookAt(c.history, c.isFresh, (*fits).quick)
}

// lookAt makes the model of what a history was told, with the fits that fit
// makes.
func (c *core) lookAt(h *history, fresh func(space.Point) bool, fit func(*fits, column) *fit) (*lens, error) {
	b := newBayes(c.space, h.terms, c.config.Predict, fresh, nil)
	told := *h
	told.trials = map[int]*record{}
	for _, r := range h.told {
		told.trials[r.number] = r
	}
	b.ledger.read(&told)
	for column := range b.columns() {
		b.fits.now(column, fit)
	}
	m, err := b.model(&told)
	if err == nil && !m.whole() {
		err = errTooFew
	}
	if err != nil {
		return nil, err
	}
	l := &lens{core: c, model: m, told: &told, bayes: b}
	next := 0
	for _, e := range m.events {
		n := -1
		if e.trial {
			n = told.told[next].number
			next++
		}
		l.trials = append(l.trials, n)
	}
	return l, nil
}

// frontier returns the feasible trials that are on the front at their predicted
// values.
func (l *lens) frontier() []Estimate {
	var seen []foreseen
	var trials []int
	for i, e := range l.events {
		if e.trial && !e.infeasible && e.complete() && e.ok {
			seen, trials = append(seen, e.foreseen), append(trials, l.trials[i])
		}
	}
	all := l.estimates(seen)
	values := make([][]float64, len(all))
	for i, e := range all {
		values[i] = pareto.Orient(e.Values, l.history.terms.directions)
	}
	var front []Estimate
	for _, i := range pareto.Front(values) {
		all[i].Trial = trials[i]
		front = append(front, all[i])
	}
	return front
}

// z975 is the 97.5 % quantile of the normal distribution.
const z975 = 1.959964

// estimates predicts points.
func (l *lens) estimates(points []foreseen) []Estimate {
	b := l.predict(points)
	out := make([]Estimate, len(points))
	for i := range out {
		out[i] = Estimate{Trial: -1, Feasible: math.Exp(l.keeps(b, i, 1) + l.within(b, i))}
		var low, high []float64
		for j, p := range l.parts[:len(l.config.Directions)] {
			t, margin := b.mean[j][i], z975*b.sd[j][i]
			if p.exact {
				out[i].Values, low, high = append(out[i].Values, t), append(low, t), append(high, t)
				continue
			}
			out[i].Values = append(out[i].Values, finite(p.scale.Inverse(t)))
			low, high = append(low, finite(p.scale.Inverse(t-margin))), append(high, finite(p.scale.Inverse(t+margin)))
		}
		out[i].Values = pareto.Orient(out[i].Values, l.config.Directions)
		low, high = pareto.Orient(low, l.config.Directions), pareto.Orient(high, l.config.Directions)
		for j := range low {
			low[j], high[j] = min(low[j], high[j]), max(low[j], high[j])
		}
		out[i].Low, out[i].High = low, high
	}
	return out
}

// finite keeps a number within what can be written down: a logarithmic scale
// may lead beyond.
func finite(x float64) float64 { return max(-math.MaxFloat64, min(math.MaxFloat64, x)) }

// redundant returns the pairs of objectives that follow each other.
func (l *lens) redundant() []Redundant {
	var pairs []Redundant
	for j := range l.config.Directions {
		for i := range j {
			if link := l.bayes.ledger.link(i, j); link != nil {
				pairs = append(pairs, Redundant{A: i, B: j, Correlation: l.turned(i, j) * link.correlation})
			}
		}
	}
	return pairs
}

// turned is -1 where one of two objectives is to be maximised and the other
// not: the correlation is that of their own values.
func (l *lens) turned(i, j int) float64 {
	if l.config.Directions[i] != l.config.Directions[j] {
		return -1
	}
	return 1
}
