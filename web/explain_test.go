package web_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/search/pareto"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Explain says of the fake's trials what a search would: the hypervolume is
// theirs, everything else is made up.
func (f *fake) Explain(_ context.Context, id, target string) (study.Explanation, error) {
	st, err := f.Study(context.Background(), id)
	if err != nil {
		return study.Explanation{}, err
	}
	if target == "" {
		target = st.Spec.Targets[0].Name
	}
	if !slices.ContainsFunc(st.Spec.Targets, func(r study.TargetRef) bool { return r.Name == target }) {
		return study.Explanation{}, fault.New(fault.NotFound, "cannot find the target %q in study %s", target, id)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x := study.Explanation{
		Target: target, Sampler: "gp", Why: "it needs the fewest trials", Reference: map[string]study.ReferenceValue{},
		Hypervolume: []study.Volume{}, Importance: []study.Importance{}, Front: []study.Estimate{}, Open: []study.Estimate{}, Redundant: []study.Redundancy{},
	}
	reference := make([]float64, len(st.Spec.Objectives))
	for _, t := range f.trials[id] {
		for i, o := range st.Spec.Objectives {
			reference[i] = max(reference[i], 1.05*t.Values[o.Metric].Value)
		}
	}
	archive := pareto.NewArchive(reference)
	var front []study.Trial
	for _, t := range f.trials[id] {
		if t.Target != target || !t.State.Terminal() {
			continue
		}
		x.Told++
		p := make([]float64, len(reference))
		for i, o := range st.Spec.Objectives {
			p[i] = t.Values[o.Metric].Value
		}
		if t.State == study.Complete && archive.Add(p) > 0 {
			front = append(front, t)
		}
		x.Hypervolume = append(x.Hypervolume, study.Volume{Trial: t.Number, Value: archive.Hypervolume()})
	}
	if x.Told < 4 {
		x.NoReference, x.NoModel = "no feasible trial has a value for every objective yet", "cannot model the objectives: fewer than 4 trials have values"
		x.Hypervolume = []study.Volume{}
		return x, nil
	}
	for i, o := range st.Spec.Objectives {
		x.Reference[o.Metric] = study.ReferenceValue{Value: reference[i], Limit: i == 0}
	}
	for _, t := range front[max(0, len(front)-6):] {
		e := study.Estimate{Trial: t.Number, Values: map[string]float64{}, Intervals: map[string][2]float64{}, Feasible: 1}
		for _, o := range st.Spec.Objectives {
			v := t.Values[o.Metric].Value
			e.Values[o.Metric], e.Intervals[o.Metric] = v, [2]float64{0.96 * v, 1.05 * v}
		}
		x.Front = append(x.Front, e)
	}
	x.Remaining = &study.Remaining{Trials: 10, Gain: 1, Share: 0.0123, Method: "made up for a test"}
	if x.Told < 20 {
		x.NoImportance = fmt.Sprintf("importance needs 20 told trials, there are %d", x.Told)
		return x, nil
	}
	x.ImportanceBy = "made up for a test"
	for i, o := range st.Spec.Objectives {
		im := study.Importance{Metric: o.Metric, Scale: []string{"log", "identity", "rank"}[i%3], Interactions: 0.08, Knobs: []study.KnobShare{}}
		share := 0.5
		for k := range st.Spec.Knobs {
			name := st.Spec.Knobs[(k+i)%len(st.Spec.Knobs)].Name
			im.Knobs = append(im.Knobs, study.KnobShare{Knob: name, Main: share, Total: 1.15 * share})
			share *= 0.45
		}
		x.Importance = append(x.Importance, im)
	}
	x.Redundant = []study.Redundancy{{A: st.Spec.Objectives[0].Metric, B: st.Spec.Objectives[1].Metric, Correlation: -0.991}}
	return x, nil
}

func TestExplain(t *testing.T) {
	f, st := demo(40, study.StudyComplete)
	c := local(t, f)
	x, err := c.Explain(t.Context(), "demo", "")
	if err != nil {
		t.Fatal(err)
	}
	if x.Study != st.ID || x.Target != "local" || len(x.Hypervolume) != x.Told || x.Units["quality.kld"] != "nat/token" || x.Remaining.Share != 0.0123 {
		t.Errorf("explanation %+v", x)
	}
	if _, err := c.Explain(t.Context(), "nobody", ""); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown study: %v", err)
	}
	if _, err := c.Explain(t.Context(), "demo", "no&such target"); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), "no&such target") {
		t.Errorf("an unknown target: %v", err)
	}
}

// searchTab looks at what the search says, before and after there are enough
// trials for it.
func searchTab(t *testing.T, b context.Context) {
	f, st := demo(12, study.StudyRunning)
	p := loggedIn(t, b, serve(t, f), "/studies/demo?tab=search")
	text := func(part string) string {
		return `document.querySelector(".search")?.innerText.includes("` + part + `")`
	}
	p.until(text("Importance needs 20 told trials, there are"))
	p.until(text("The next 10 trials are expected to add 1.2"))
	for i := range 20 {
		f.step(st, 0, 12+i)
	}
	p.until(`document.querySelectorAll(".knobbars").length === 3`) // by itself, as trials end
	p.until(`Number(document.querySelector(".volumes").dataset.points) >= 28`)
	for _, part := range []string{"the study’s limit", "worst measured", "say nearly the same", "needs the fewest trials", "quant.default"} {
		p.until(text(part))
	}
	eval[bool](p, `document.querySelector(".search table a").click() ?? true`)
	p.until(`/trials\/\d+$/.test(location.pathname)`)
	p.clean()

	g, _ := demo(2, study.StudyRunning)
	p = loggedIn(t, b, serve(t, g), "/studies/demo?tab=search")
	p.until(text("There is none yet: no feasible trial"))
	p.until(text("Nothing is predicted yet"))
	p.clean()
}
