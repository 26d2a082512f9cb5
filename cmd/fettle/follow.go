package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

// How often a progress line is written: on a terminal it is redrawn, elsewhere
// a line is added.
const (
	redraw  = 250 * time.Millisecond
	newLine = 30 * time.Second
)

// follow shows the progress of a study on stderr until it is no longer active,
// and returns it as it is then. A daemon that is restarted meanwhile is waited
// for.
func (a *app) follow(ctx context.Context, c *client.Client, id string) (client.StudyView, error) {
	bar := newBar(a.stderr)
	defer bar.close()
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	lost := time.Time{}
	for {
		s, err := c.Study(ctx, id)
		switch {
		case err == nil:
			lost = time.Time{}
			bar.show(s)
			if !s.State.Active() {
				return s, nil
			}
		case ctx.Err() != nil:
			return s, context.Cause(ctx)
		case fault.KindOf(err) != fault.Unreachable:
			return s, err
		case lost.IsZero():
			lost = time.Now()
		case time.Since(lost) > time.Minute:
			return s, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			bar.close()
			fmt.Fprintf(a.stderr, "the study goes on; follow it again with: fettle study watch %s\n", id)
			return s, context.Cause(ctx)
		}
	}
}

// conclude prints how a study ended and its front; the exit code says whether
// there is anything to choose from.
func (a *app) conclude(ctx context.Context, c *client.Client, s client.StudyView) error {
	if s.State == study.StudyFailed {
		return fault.New(fault.Internal, "cannot finish study %s: %s", s.ID, s.Note).Trying("fettle study resume %s", s.ID)
	}
	fmt.Fprintf(a.stderr, "study %s: %s\n", s.State, s.ID)
	front, err := c.Front(ctx, s.ID)
	if err != nil {
		return err
	}
	if err := a.printFront(s.Spec, front); err != nil {
		return err
	}
	switch {
	case s.State == study.StudyComplete && len(front.Front) == 0:
		return fault.New(fault.Infeasible, "cannot name a front: no trial of study %s meets its constraints", s.ID).
			Trying("fettle trial list %s", s.ID)
	case s.State == study.StudyComplete && strings.HasPrefix(s.Note, "wall-time"):
		return fault.New(fault.Budget, "cannot go on: the %s", s.Note)
	}
	return nil
}

// bar draws the progress of a study.
type bar struct {
	w     io.Writer
	tty   bool
	width int
	last  string
	drawn time.Time
}

func newBar(w io.Writer) *bar {
	b := &bar{w: w, width: 120}
	if f, ok := w.(*os.File); ok && os.Getenv("TERM") != "dumb" {
		b.tty = term.IsTerminal(int(f.Fd()))
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
			b.width = width
		}
	}
	return b
}

// show draws the line for s, unless nothing has changed or, away from a
// terminal, the last line is recent.
func (b *bar) show(s client.StudyView) {
	line := progressLine(s)
	if line == b.last {
		return
	}
	if b.tty {
		fmt.Fprintf(b.w, "\r\x1b[K%s", clipLine(line, b.width-1))
	} else {
		if time.Since(b.drawn) < newLine && s.State.Active() {
			return
		}
		fmt.Fprintln(b.w, line)
	}
	b.last, b.drawn = line, time.Now()
}

// close ends the line that was drawn.
func (b *bar) close() {
	if b.tty && b.last != "" {
		fmt.Fprintln(b.w)
		b.last = ""
	}
}

// progressLine says how far a study is: trials, share, front, what each lane
// does, and when it may end.
func progressLine(s client.StudyView) string {
	done, of, front := progress(s)
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %d/%d ▕%s▏ %3.0f %%  front %d", s.Spec.Name, done, of, gauge(done, of, 14), 100*share(done, of), front)
	var eta *client.Range
	for _, l := range s.Lanes {
		if l.Phase != "" {
			fmt.Fprintf(&b, "  %s: %s", l.Target, l.Phase)
		}
		if l.ETA != nil && (eta == nil || l.ETA.High > eta.High) {
			eta = l.ETA
		}
	}
	if eta != nil && s.State.Active() {
		fmt.Fprintf(&b, "  ETA %s–%s", span(eta.Low), span(eta.High))
	}
	return b.String()
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// gauge draws a bar of a width in eighths of a character.
func gauge(n, of, width int) string {
	eighths := int(share(n, of)*float64(8*width) + 0.5)
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return s + strings.Repeat(" ", width-len([]rune(s)))
}

// span writes a number of seconds as people say it.
func span(s float64) string {
	switch {
	case s < 90:
		return fmt.Sprintf("%.0f s", s)
	case s < 90*60:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.0f h %.0f min", float64(int(s/3600)), float64(int(s/60)%60))
}

func clipLine(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}
