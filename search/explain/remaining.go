package explain

import (
	"math"

	"github.com/fettle-edge/fettle/search/bayes"
	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study/fault"
)

// Remaining is what the next trials are expected to add to the hypervolume.
type Remaining struct {
	Trials int
	Gain   float64 // in the product of the objectives' units
	Share  float64 // of the hypervolume of the front as the model sees it
	Method string
}

const (
	// remainingTrials is how far Remaining looks ahead.
	remainingTrials = 10

	remainingMethod = "the next trials are chosen by expected hypervolume improvement, each taken to have its predicted values (Kriging believer); their gain is the mean over joint draws from the model, corrected by how the same forecast came out ten trials earlier"

	// worstRecord and bestRecord bound what one forecast says of the next.
	worstRecord = 0.1
	bestRecord  = 4
)

// Forecast is Explain's Remaining alone, for callers that ask often. It fails
// with a sentence where nothing can be said.
func Forecast(s Search) (Remaining, error) {
	l, err := s.look()
	if err != nil {
		return Remaining{}, err
	}
	r, why := l.remaining()
	if r == nil {
		return Remaining{}, fault.New(fault.Conflict, "cannot tell what is left to gain: %s", why).Trying("wait for more trials")
	}
	return *r, nil
}

// remaining is the forecast, corrected by how the one before came out.
func (l *lens) remaining() (*Remaining, string) {
	if l.History.Len() < l.Start {
		return nil, "the search still follows its start design"
	}
	r, why := l.forecast()
	if r != nil {
		correction := l.record()
		r.Gain *= correction
		r.Share *= correction
	}
	return r, why
}

// forecast chooses the next trials and works out what they are expected to gain
// together.
func (l *lens) forecast() (*Remaining, string) {
	observed := feasible(l.told)
	if len(observed) == 0 {
		return nil, noneFeasible
	}
	reference := l.told.Terms.Reference(observed, nil)
	values := l.Denoised()
	present := pareto.Hypervolume(values, reference)
	switch {
	case !(present > 0):
		return nil, "no trial is better than the reference in every objective"
	case notFinite(present):
		return nil, "the hypervolume is too large a number: a limit lies too far away"
	}
	batch, err := l.Ahead(remainingTrials, reference, l.Source(streamRemaining, 0))
	if err != nil {
		return nil, err.Error()
	}
	archive := pareto.NewArchive(reference)
	for _, v := range values {
		archive.Add(v)
	}
	gain := l.Gain(batch, archive, l.Source(streamRemaining, 1))
	return &Remaining{Trials: remainingTrials, Gain: gain, Share: gain / present, Method: remainingMethod}, ""
}

// record is the factor by which a forecast is to be corrected: the root of what
// the latest trials gained, as a multiple of what was to be gained when they
// began; 1 if that cannot be said. The root, because one forecast that was off
// says half of how far the next will be, on a scale of logarithms.
func (l *lens) record() float64 {
	count := len(l.told.Told) - remainingTrials
	if count < max(bayes.MinValues, l.Start) {
		return 1
	}
	before, err := l.before(count)
	if err != nil {
		return 1
	}
	then, _ := before.forecast()
	if then == nil || !(then.Share > 0) {
		return 1
	}
	earlier := feasible(before.told)
	reference := l.told.Terms.Reference(earlier, nil)
	had := pareto.Hypervolume(earlier, reference)
	gained := pareto.Hypervolume(feasible(l.told), reference) - had
	if !(had > 0) || notFinite(gained) {
		return 1
	}
	return math.Sqrt(min(bestRecord, max(worstRecord, gained/had/then.Share)))
}

// before is how the search looked when count trials had been told, by the
// hyperparameters of now.
func (l *lens) before(count int) (*lens, error) {
	told := l.told.Before(count)
	m, err := l.Earlier(told)
	if err != nil {
		return nil, err
	}
	return &lens{Search: l.Search, Model: m, told: told}, nil
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
