package bayes

import "github.com/fettle-edge/fettle/search/history"

// column is one quantity of the outcomes: first the objectives, then the
// constraints, then whether a trial ran.
type column int

// terms are those of the history, by column.
type terms struct{ history.Terms }

// columns is how many there are.
func (t terms) columns() int { return len(t.Directions) + t.Constraints + 1 }

// ran is the column of 1 for trials that ran, and -1 for those that are
// infeasible although no bound is known to be broken by a finite number.
func (t terms) ran() column { return column(t.columns() - 1) }

// value returns what an event says of a column, and the variance of its noise,
// 0 if not known.
func (t terms) value(e event, c column) (y, noise float64, ok bool) {
	switch m := len(t.Directions); {
	case !e.ok:
		return 0, 0, false
	case int(c) < m:
		y = e.Values[c]
		if sd := e.Noise[c]; sd > 0 {
			noise = sd * sd
		}
	case c < t.ran():
		y = e.Constraints[int(c)-m]
	case !e.trial:
		return 0, 0, false
	case t.unexplained(e.Evidence):
		y = -1
	default:
		y = 1
	}
	return y, noise, !notFinite(y)
}

// unexplained reports whether e is infeasible for no known reason.
func (t terms) unexplained(e history.Evidence) bool { return e.Infeasible && !t.Measured(e) }
