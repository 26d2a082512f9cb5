package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// colours tell samplers apart, also for most people who see few colours (Okabe
// and Ito 2008); black is for the first sampler.
var colours = [...]string{"#000000", "#D55E00", "#0072B2", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#999999"}

// The size of a panel and of what is around it, in pixels.
const (
	panelWidth, panelHeight = 250, 170
	panelLeft, panelTop     = 42, 26
	cellWidth, cellHeight   = panelWidth + panelLeft + 16, panelHeight + panelTop + 34
	columns                 = 3
	headHeight              = 46
)

// SVG draws the mean share of every sampler over the trials, with a band of one
// standard error to each side, in a panel for each problem.
func (r *Results) SVG(samplers []string) string {
	var panels []string
	for _, p := range r.Problems {
		if panel := r.panel(p, samplers); panel != "" {
			panels = append(panels, panel)
		}
	}
	rows := (len(panels) + columns - 1) / columns
	width, height := columns*cellWidth+8, headHeight+rows*cellHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	x := panelLeft
	for i, s := range samplers {
		fmt.Fprintf(&b, `<path d="M%d 20h18" stroke="%s" stroke-width="2.5"/><text x="%d" y="24">%s</text>`+"\n", x, colour(i), x+23, html.EscapeString(s))
		x += 44 + 7*len(s)
	}
	for i, panel := range panels {
		fmt.Fprintf(&b, "<g transform=\"translate(%d %d)\">\n%s</g>\n", i%columns*cellWidth+panelLeft, headHeight+i/columns*cellHeight+panelTop, panel)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func colour(i int) string { return colours[i%len(colours)] }

// curve is the mean and the standard error after each trial.
type curve struct{ mean, se []float64 }

// panel draws a problem, or returns "" if nothing was run.
func (r *Results) panel(p Problem, samplers []string) string {
	curves := make([]curve, len(samplers))
	low, high, longest := math.Inf(1), math.Inf(-1), 0
	for i, s := range samplers {
		c := r.curve(Curve{p.Name, s, 1, budget})
		curves[i], longest = c, max(longest, len(c.mean))
		for n := range c.mean {
			high = max(high, c.mean[n]+c.se[n])
			if n >= 9 { // the first few trials would take most of the height
				low = min(low, c.mean[n]-c.se[n])
			}
		}
	}
	if longest < 10 {
		return ""
	}
	if low == high {
		low, high = low-0.5, high+0.5
	}
	at := func(n int, y float64) string {
		y = min(max(y, low), high)
		return fmt.Sprintf("%.1f %.1f", float64(n)/float64(longest)*panelWidth, (high-y)/(high-low)*panelHeight)
	}
	var b strings.Builder
	axes(&b, p.Name, low, high, longest)
	for i, c := range curves {
		if len(c.mean) == 0 {
			continue
		}
		var line, up, down []string
		for n, m := range c.mean {
			line = append(line, at(n+1, m))
			up = append(up, at(n+1, m+c.se[n]))
			down = append([]string{at(n+1, m-c.se[n])}, down...)
		}
		fmt.Fprintf(&b, `<path d="M%sL%sZ" fill="%s" fill-opacity="0.18"/>`+"\n", strings.Join(up, "L"), strings.Join(down, "L"), colour(i))
		fmt.Fprintf(&b, `<path d="M%s" fill="none" stroke="%s" stroke-width="1.6"/>`+"\n", strings.Join(line, "L"), colour(i))
	}
	return b.String()
}

// axes draws the frame, four marks on each axis and the title.
func axes(b *strings.Builder, title string, low, high float64, longest int) {
	fmt.Fprintf(b, `<text x="%d" y="-9" text-anchor="middle" font-size="12" font-weight="bold">%s</text>`+"\n", panelWidth/2, html.EscapeString(title))
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="none" stroke="#888888"/>`+"\n", panelWidth, panelHeight)
	for i := range 5 {
		x, n := i*panelWidth/4, i*longest/4
		fmt.Fprintf(b, `<path d="M%d %dv4" stroke="#888888"/><text x="%d" y="%d" text-anchor="middle">%d</text>`+"\n", x, panelHeight, x, panelHeight+16, n)
		y := panelHeight - float64(i)*panelHeight/4
		fmt.Fprintf(b, `<path d="M0 %.1fh%d" stroke="#e4e4e4"/><text x="-5" y="%.1f" text-anchor="end">%.2f</text>`+"\n", y, panelWidth, y+4, low+float64(i)*(high-low)/4)
	}
}

// curve returns the mean share after each trial over the runs of a sampler, as
// far as all of them go.
func (r *Results) curve(c Curve) curve {
	runs := r.Runs(c)
	if len(runs) == 0 {
		return curve{}
	}
	n := len(runs[0].Share)
	for _, run := range runs {
		n = min(n, len(run.Share))
	}
	out := curve{make([]float64, n), make([]float64, n)}
	for i := range n {
		shares := map[int64]float64{}
		for _, run := range runs {
			shares[run.Seed] = run.Share[i]
		}
		e := estimate(shares)
		out.mean[i] = e.Mean
		if !math.IsNaN(e.Error) {
			out.se[i] = e.Error
		}
	}
	return out
}
