package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
	"github.com/fettle-edge/fettle/web"
)

const (
	points = `Number(document.querySelector(".plot")?.dataset.points ?? 0)`
	view   = `document.querySelector(".plot").dataset.view`
	rows   = `[...document.querySelectorAll("#trials tbody tr")].map((r) => Number(r.dataset.trial))`
)

// TestDashboard drives the pages as a person does, in one browser.
func TestDashboard(t *testing.T) {
	t.Parallel()
	b := browser(t)
	t.Run("complaints are seen", func(t *testing.T) { complaintsSeen(t, b) })
	t.Run("live updates keep the zoom", func(t *testing.T) { liveZoom(t, b) })
	t.Run("a click on a point opens its trial", func(t *testing.T) { openTrial(t, b) })
	t.Run("sorting and filtering are in the address", func(t *testing.T) { sortFilter(t, b) })
	t.Run("what the search has found out", func(t *testing.T) { searchTab(t, b) })
	t.Run("stop and resume", func(t *testing.T) { stopResume(t, b) })
	t.Run("hostile names stay text", func(t *testing.T) { hostile(t, b) })
	t.Run("a restart loses and doubles nothing", func(t *testing.T) { restart(t, b) })
	t.Run("nothing and errors", func(t *testing.T) { nothing(t, b) })
}

func complaintsSeen(t *testing.T, b context.Context) {
	f, _ := demo(3, study.StudyRunning)
	p := loggedIn(t, b, serve(t, f), "/")
	p.clean()
	eval[bool](p, `(() => { const d = document.createElement("div"); d.innerHTML = "<b style='color:red'>x</b>"; document.body.append(d); return true; })()`)
	settle(t, func() bool { return len(p.complaints()) > 0 }, func() string { return "an inline style was not reported: the tests for a clean console see nothing" })
}

func liveZoom(t *testing.T, b context.Context) {
	f, st := demo(15, study.StudyRunning)
	p := loggedIn(t, b, serve(t, f), "/studies/demo?c=front")
	p.look(1200, 900, "light")
	p.until(points + ` >= 14`)
	whole := eval[string](p, view)
	p.drag(300, 150, 700, 300)
	p.until(view + ` !== ` + fmt.Sprintf("%q", whole))
	zoomed, query := eval[string](p, view), eval[string](p, `location.search`)
	before := eval[int](p, points)
	for i := range 20 {
		f.step(st, 0, 15+i)
	}
	p.until(rows + `.length === 35`)
	p.until(points + fmt.Sprintf(` > %d`, before))
	if got := eval[string](p, view); got != zoomed {
		t.Errorf("the view was %s and became %s", zoomed, got)
	}
	if !strings.Contains(query, "zoom=") || !strings.Contains(query, "c=front") {
		t.Errorf("the address holds %q", query)
	}
	p.visit("/studies/demo" + query)
	p.until(points + ` > 0`)
	if got := eval[string](p, `document.querySelector(".plot").dataset.zoomed`); got != "yes" {
		t.Error("the address does not bring the zoom back")
	}
	p.clean()
}

func openTrial(t *testing.T, b context.Context) {
	f, _ := demo(25, study.StudyComplete)
	p := loggedIn(t, b, serve(t, f), "/studies/demo")
	p.look(1200, 900, "light")
	p.until(points + ` > 20`)
	p.do(chromedp.Focus(".plot"), chromedp.KeyEvent("\u0304"), chromedp.KeyEvent("\u0304")) // arrow right twice
	p.until(`document.querySelector(".hovercard") !== null`)
	card := eval[string](p, `document.querySelector(".hovercard").innerText`)
	n := eval[string](p, `document.querySelector(".hovercard b").innerText.replace("Trial ", "")`)
	for _, want := range []string{"quality.kld", "size.weights", "MiB", "ms/token", "memory.peak"} {
		if !strings.Contains(card, want) {
			t.Errorf("the card does not hold %s:\n%s", want, card)
		}
	}
	at := eval[[]float64](p, `(() => { const r = document.querySelector(".ring").getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`)
	p.do(chromedp.KeyEvent("\u001b"))
	p.until(`document.querySelector(".hovercard") === null`)
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]+3, at[1]-3))
	p.until(`document.querySelector(".hovercard b")?.innerText === "Trial ` + n + `"`)
	p.until(`document.querySelector("#trials tr.hit")?.dataset.trial === "` + n + `"`) // the table shows the same
	p.do(chromedp.MouseClickXY(at[0]+3, at[1]-3))
	p.until(`location.pathname === "/studies/k3w9/trials/` + n + `" && document.querySelector("h1")?.innerText === "Trial ` + n + `"`)
	p.do(chromedp.NavigateBack())
	p.until(points + ` > 20`)
	p.do(chromedp.Focus(".plot"), chromedp.KeyEvent("\u0304"), chromedp.KeyEvent("\r"))
	p.until(`/trials\/\d+$/.test(location.pathname)`) // by keys alone
	p.clean()
}

func sortFilter(t *testing.T, b context.Context) {
	f, _ := demo(30, study.StudyComplete)
	p := loggedIn(t, b, serve(t, f), "/studies/demo?sort=latency.decode&show=front")
	p.until(rows + `.length > 3`)
	shown := eval[[]int](p, rows)
	last := 0.0
	for _, n := range shown {
		v := f.trials["k3w9"][n].Values["latency.decode"].Value
		if v < last {
			t.Errorf("trials %v are not in order", shown)
		}
		last = v
	}
	p.do(chromedp.Click(`th[aria-sort] .sort`))
	p.until(`location.search.includes("sort=-latency.decode")`)
	if back := eval[[]int](p, rows); back[0] != shown[len(shown)-1] {
		t.Errorf("turned round: %v, before %v", back, shown)
	}
	p.do(chromedp.Click(`.segmented button:first-child`))
	p.until(rows + `.length === 30 && !location.search.includes("show")`)
	p.clean()
}

func stopResume(t *testing.T, b context.Context) {
	f, _ := demo(5, study.StudyRunning)
	p := loggedIn(t, b, serve(t, f), "/studies/demo")
	button := func(text string) string {
		return `[...document.querySelectorAll(".titlerow button")].find((b) => b.innerText === "` + text + `")`
	}
	p.until(button("Stop") + ` !== undefined`)
	eval[bool](p, button("Stop")+`.click() ?? true`)
	p.until(button("Resume") + ` !== undefined && document.querySelector(".titlerow .chip").innerText === "stopped"`)
	eval[bool](p, button("Resume")+`.click() ?? true`)
	p.until(button("Stop") + ` !== undefined`)
	if f.writes.Load() != 2 {
		t.Errorf("%d changes, want 2", f.writes.Load())
	}
	p.clean()
}

// drag draws a box over the plot, in pixels from its corner.
func (p *tab) drag(x0, y0, x1, y1 float64) {
	p.t.Helper()
	at := eval[[]float64](p, `(() => { const r = document.querySelector(".plot").getBoundingClientRect(); return [r.x, r.y]; })()`)
	p.do(chromedp.DragAndDropXY(at[0]+x0, at[1]+y0, at[0]+x1, at[1]+y1, 8))
}

// hostile puts markup into every name that somebody else may choose.
func hostile(t *testing.T, b context.Context) {
	const evil = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`
	f, st := demo(20, study.StudyRunning)
	st.Spec = demoSpec(evil, evil)
	st.Spec.Description, st.Spec.Model.Name, st.Note = evil, evil, evil
	f.studies[0] = st
	f.targets[0].Name = evil
	facts := &f.targets[0].Facts
	facts.CPU, facts.Board, facts.Governor, facts.Virtual, facts.Kernel = evil, evil, evil, evil, evil
	facts.Energy = targets.Sensor{Missing: evil, Try: evil}
	for i := range f.trials[st.ID] {
		tr := &f.trials[st.ID][i]
		tr.Target, tr.Recipe.Text, tr.Detail, tr.Stderr, tr.Warnings = evil, evil, evil, []string{evil}, []string{evil}
		tr.Assignment["quant.default"] = study.Text(evil)
	}
	p := loggedIn(t, b, serve(t, f), "/")
	p.look(1200, 900, "light")
	for _, path := range []string{"/", "/targets", "/studies/k3w9?tab=spec", "/studies/k3w9/trials/17", "/studies/k3w9/trials/5", "/studies/k3w9?c=quant.default&x=" + "%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E", "/studies/k3w9"} {
		p.visit(path)
		p.until(`!document.querySelector(".loading")`)
		if !strings.Contains(eval[string](p, `document.body.innerText`), "onerror") {
			t.Errorf("%s does not show the name at all", path)
		}
	}
	p.until(points + ` > 10`)
	p.do(chromedp.Focus(".plot"), chromedp.KeyEvent("\u0304"))
	p.until(`document.querySelector(".hovercard")?.innerText.includes("onerror")`)
	if eval[bool](p, `window.hacked !== undefined || document.querySelector("#app img, #app script") !== null`) {
		t.Error("a name became markup")
	}
	p.clean()
}

// restart takes the server away while the study goes on.
func restart(t *testing.T, b context.Context) {
	f, st := demo(10, study.StudyRunning)
	s := newServer(t, f)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	address := strings.TrimPrefix(s.URL(), "http://")
	p := loggedIn(t, b, s, "/studies/demo")
	p.until(rows + `.length === 10 && document.querySelector(".stream.live") !== null`)
	stop(t, s, served)
	p.until(`document.querySelector(".stream.lost")?.innerText.includes("data as of")`)
	for i := 10; i < 17; i++ {
		f.step(st, 0, i)
	}
	if n := eval[int](p, rows+`.length`); n != 10 {
		t.Errorf("%d trials are shown while the daemon is away, want the 10 that were known", n)
	}
	again := newServer(t, f, func(c *web.Config) { c.Listen = address })
	go func() { served <- again.Serve() }()
	defer stop(t, again, served)
	p.until(rows + `.length === 17 && document.querySelector(".stream.live") !== null`)
	f.step(st, 0, 17)
	p.until(rows + `.length === 18`)
	if eval[int](p, `new Set(`+rows+`).size`) != 18 {
		t.Errorf("trials are doubled: %v", eval[[]int](p, rows))
	}
	if !strings.Contains(eval[string](p, `document.querySelector(".counts").innerText`), "18 of 40") {
		t.Error("the progress was not brought up to date")
	}
}

// nothing looks at pages that have nothing to show.
func nothing(t *testing.T, b context.Context) {
	says := func(p *tab, words ...string) {
		t.Helper()
		for _, w := range words {
			p.until(fmt.Sprintf(`document.querySelector("main")?.innerText.includes(%q)`, w))
		}
	}
	f := newFake()
	s := serve(t, f)
	p := loggedIn(t, b, s, "/")
	says(p, "No studies yet", "fettle demo", "fettle study run study.yaml")
	p.visit("/targets")
	says(p, "No targets yet", "fettle doctor")
	p.visit("/studies/nobody")
	says(p, `cannot find the study "nobody"`, "fettle study list", "Try again")
	p.visit("/studies/nobody/trials/7")
	says(p, "cannot find the study")

	f, st := demo(0, study.StudyRunning)
	f.targets[0].LastSeen = time.Now().Add(-time.Hour)
	s = serve(t, f)
	p = loggedIn(t, b, s, "/studies/demo")
	says(p, "No trials yet", "offline")
	f.step(st, 0, 0)
	says(p, "appears with the third trial")

	infeasible, st := demo(12, study.StudyRunning)
	for i := range infeasible.trials[st.ID] {
		tr := &infeasible.trials[st.ID][i]
		tr.State, tr.Values["quality.kld"] = study.Infeasible, study.Exact(2+float64(i))
	}
	p = loggedIn(t, b, serve(t, infeasible), "/studies/demo")
	says(p, "0 of 12 pass; nearest: trial 0 with 2.00")

	stranger := newTab(t, b)
	stranger.url = "http://localhost" + s.URL()[strings.LastIndexByte(s.URL(), ':'):] // cookies of 127.0.0.1 do not count
	stranger.visit("/studies/demo")
	says(stranger, "Log in", "fettle open")
	used := code(s)
	exchange(t, s, used)
	stranger.do(chromedp.Navigate(stranger.url + "/targets#login=" + used))
	says(stranger, "the link was used already")
	if eval[string](stranger, `location.hash`) != "" {
		t.Error("the code stays in the address")
	}
	eval[bool](stranger, fmt.Sprintf(`(location.hash = "login=%s", true)`, code(s))) // a link pasted into the open page
	says(stranger, "local", "offline")
}

// TestRebinding is what a page of another site can do once its name means this
// computer: nothing.
func TestRebinding(t *testing.T) {
	t.Parallel()
	f, st := demo(3, study.StudyRunning)
	s := serve(t, f)
	b := browser(t, "host-resolver-rules", "MAP evil.test 127.0.0.1")
	p := loggedIn(t, b, s, "/")
	try := fmt.Sprintf(`(async () => {
		const read = await fetch("/api/v1/studies");
		const write = await fetch("/api/v1/studies/%s/stop", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"});
		return [read.status, write.status];
	})()`, st.ID)
	if got := eval[[]int](p, try); got[0] != 200 || got[1] != 200 || f.writes.Load() != 1 {
		t.Fatalf("the dashboard's own page got %v", got) // or the test proves nothing
	}
	p.do(chromedp.Navigate("http://evil.test" + s.URL()[strings.LastIndexByte(s.URL(), ':'):] + "/"))
	if host := eval[string](p, `location.hostname`); host != "evil.test" {
		t.Fatalf("the page is on %q", host)
	}
	// To the browser evil.test is now one site, whose own page may call it.
	if got := eval[[]int](p, try); got[0] != 421 || got[1] != 421 {
		t.Errorf("a rebound page got %v, want 421 twice", got)
	}
	if f.writes.Load() != 1 {
		t.Error("a rebound page changed something")
	}
}
