package fidelity

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fettle-edge/fettle/study"
)

// after says how far the evaluation was.
func (r *Rule) after(scores []study.ChunkScore) string {
	return fmt.Sprintf("after %d of %d chunks ", len(scores), r.terms.Chunks)
}

// confidence is that of all statements about a trial together.
func (r *Rule) confidence() string {
	return strconv.FormatFloat(100*(1-r.err), 'g', 4, 64) + " %"
}

// quantity writes a value with its unit.
func quantity(metric string, x float64) string {
	info, _, _ := study.LookupMetric(metric)
	return strings.TrimSpace(fmt.Sprintf("%.3g %s", x, info.Unit))
}

// end says where the better end of a metric lies: above a low one or below a
// high one. A scored metric is exact in the end.
func end(metric string, i interval, high bool) string {
	switch {
	case i.low == i.high:
		return fmt.Sprintf("%s is %s", metric, quantity(metric, i.value))
	case high:
		return fmt.Sprintf("%s is below %s", metric, quantity(metric, i.high))
	}
	return fmt.Sprintf("%s is above %s", metric, quantity(metric, i.low))
}

// ends says what is known of the objectives that are not known beforehand.
func (r *Rule) ends(scores []study.ChunkScore) string {
	var parts []string
	certain := true
	for _, o := range r.terms.Objectives {
		key := study.ValueKey(o.Metric)
		if _, exact := r.trial.Exact[key]; exact {
			continue
		}
		known, _ := r.know(key, scores)
		certain = certain && known.low == known.high
		parts = append(parts, end(o.Metric, known, o.Direction == study.Max))
	}
	if certain {
		return join(parts)
	}
	return join(parts) + " with " + r.confidence()
}

// join makes a list of words.
func join(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// dominatedBy says which trial of the front is better.
func (r *Rule) dominatedBy(by int, scores []study.ChunkScore) string {
	var has, same []string
	for _, o := range r.terms.Objectives {
		key := study.ValueKey(o.Metric)
		if _, exact := r.trial.Exact[key]; exact {
			same = append(same, o.Metric)
			continue
		}
		has = append(has, quantity(o.Metric, r.past[by].Values[key]))
	}
	where := ""
	if len(same) > 0 {
		where = " at this " + join(same) + " or better"
	}
	return fmt.Sprintf("%s%s; on the front%s is trial %d with %s", r.after(scores), r.ends(scores), where, r.past[by].Number, join(has))
}

// breaks says which limit is broken.
func (r *Rule) breaks(metric string, known interval, limit float64, high bool, scores []study.ChunkScore) string {
	sentence := r.after(scores) + end(metric, known, high)
	if known.low != known.high {
		sentence += " with " + r.confidence()
	}
	return sentence + "; the limit is " + quantity(metric, limit)
}
