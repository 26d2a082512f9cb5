package web_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/fettle-edge/fettle/web"
)

// patience bounds what a page may take on a slow, shared machine.
const patience = 60 * time.Second

// browser starts one Chromium for a test and its subtests; extra are flags as
// name, value, …
func browser(t *testing.T, extra ...string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		const why = "Chromium is missing: apt-get install chromium"
		if os.Getenv("CI") == "true" || os.Getenv("FETTLE_E2E") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	for i := 0; i < len(extra); i += 2 {
		options = append(options, chromedp.Flag(extra[i], extra[i+1]))
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stopAllocator)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // starts the browser, which ends with ctx
		t.Fatal(err)
	}
	return ctx
}

// tab is one page with all that it wrote to the console.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string // of the server

	mu       sync.Mutex
	messages []chromedp.ConsoleMessage
}

// newTab opens an empty page.
func newTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	p := &tab{t: t, ctx: ctx}
	console, done := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range console {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.messages = append(p.messages, m)
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		closeTab()
		<-done
	})
	return p
}

// loggedIn opens a page of the dashboard with a fresh login.
func loggedIn(t *testing.T, browser context.Context, s *web.Server, path string) *tab {
	t.Helper()
	p := newTab(t, browser)
	p.url = s.URL()
	link, _ := s.Link()
	p.do(chromedp.Navigate(link))
	p.until(`document.querySelector("main h1, main .empty") !== null`)
	p.visit(path)
	return p
}

// visit opens a path of the server and waits for the page.
func (p *tab) visit(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.url + path))
	p.until(`document.querySelector("main h1, main .empty, main .notice") !== null`)
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// until waits for an expression to be true.
func (p *tab) until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression))
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "(-32000)") { // the page changed while it was asked
		_, err = chromedp.Run(ctx, chromedp.Poll[bool](expression))
	}
	if err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		p.t.Fatalf("waiting for %s: %v; the page says:\n%.600s", expression, err, text)
	}
}

// eval returns the value of an expression; a promise is awaited.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// complaints returns errors, warnings and CSP violations so far.
func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, m := range p.messages {
		if m.IsException() || slices.Contains([]chromedp.ConsoleType{chromedp.ConsoleError, chromedp.ConsoleWarning}, m.Type) {
			out = append(out, string(m.Type)+": "+m.Text)
		}
	}
	return out
}

// clean fails the test if the page complained.
func (p *tab) clean() {
	p.t.Helper()
	if c := p.complaints(); len(c) > 0 {
		p.t.Errorf("the console holds:\n%s", strings.Join(c, "\n"))
	}
}

// look sets the size of the window and the system's wishes.
func (p *tab) look(width, height int64, scheme string) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}
