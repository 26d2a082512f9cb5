package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets"
)

// two is a backend with studies on two targets, one of which is offline, in
// several states.
func two() (*fake, study.Study) {
	f, first := demo(40, study.StudyComplete)
	board := demoTarget("pi5-kitchen", targets.KindRaspberryPi)
	f.targets = append(f.targets, board)
	st := study.Study{ID: "m2x7", Spec: demoSpec("kiosk", "local", "pi5-kitchen"), State: study.StudyRunning, Created: epoch.Add(3600e9)}
	f.addStudy(st)
	f.fill(st, 21)
	f.running["local"] = &study.Attempt{ID: "a", Study: st.ID, Trial: 42, Target: "local"}
	return f, first
}

// TestLooks visits every page light, dark and narrow, checks that nothing
// overflows and nothing complains, and leaves screenshots behind (in
// FETTLE_SHOTS, if set).
func TestLooks(t *testing.T) {
	t.Parallel()
	b := browser(t)
	dir := os.Getenv("FETTLE_SHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	f, st := two()
	s := serve(t, f)
	p := loggedIn(t, b, s, "/")
	base := "/studies/" + st.ID
	pages := map[string]string{
		"studies": "/", "study": base, "study-two": "/studies/kiosk", "search": base + "?tab=search", "search-two": "/studies/kiosk?tab=search&lane=pi5-kitchen", "spec": base + "?tab=spec",
		"trial": base + "/trials/12", "trial-infeasible": base + "/trials/17", "targets": "/targets",
	}
	looks := []struct {
		name          string
		width, height int64
		scheme        string
	}{{"light", 1280, 900, "light"}, {"dark", 1280, 900, "dark"}, {"narrow", 380, 800, "light"}}
	for _, look := range looks {
		p.look(look.width, look.height, look.scheme)
		for name, path := range pages {
			p.visit(path)
			p.until(`!document.querySelector(".loading")`)
			if wide := eval[int](p, `document.documentElement.scrollWidth`); int64(wide) > look.width {
				t.Errorf("%s %s is %d pixels wide on a screen of %d", look.name, name, wide, look.width)
			}
			shot, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+"-"+look.name+".png"), shot, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.clean()
}
