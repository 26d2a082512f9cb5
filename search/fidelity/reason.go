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

// confidence is that of all statements of the rule together.
func (r *Rule) confidence() string {
	return strconv.FormatFloat(100*(1-r.options.Error), 'g', 4, 64) + " %"
}

// quantity writes a value with its unit.
func quantity(metric string, x float64) string {
	info, _, _ := study.LookupMetric(metric)
	return strings.TrimSpace(fmt.Sprintf("%.3g %s", x, info.Unit))
}

// ends says between what bounds the values lie that are not exact.
func (r *Rule) ends(scores []study.ChunkScore) string {
	var parts []string
	for _, o := range r.terms.Objectives {
		known, _ := r.know(study.ValueKey(o.Metric), scores)
		switch {
		case known.low == known.high:
			if _, exact := r.trial.Exact[study.ValueKey(o.Metric)]; !exact {
				parts = append(parts, fmt.Sprintf("%s is %s", o.Metric, quantity(o.Metric, known.value)))
			}
		case o.Direction == study.Max:
			parts = append(parts, fmt.Sprintf("%s is below %s", o.Metric, quantity(o.Metric, known.high)))
		default:
			parts = append(parts, fmt.Sprintf("%s is above %s", o.Metric, quantity(o.Metric, known.low)))
		}
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

// addsLittle says how little the trial could add.
func (r *Rule) addsLittle(share float64, scores []study.ChunkScore) string {
	return fmt.Sprintf("%s%s; even so it would add no more than %.2g %% to the front", r.after(scores), r.ends(scores), 100*share)
}

// breaks says which limit is broken.
func (r *Rule) breaks(metric string, known interval, side string, limit float64, scores []study.ChunkScore) string {
	end := known.low
	if side == "below" {
		end = known.high
	}
	return fmt.Sprintf("%s%s is %s %s with %s, %s the limit of %.4g",
		r.after(scores), metric, side, quantity(metric, end), r.confidence(), side, limit)
}
