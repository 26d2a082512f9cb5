package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// table is what a read command prints where people look at it.
type table struct {
	header []string
	rows   [][]string
	facts  bool   // two columns, name and value, about one thing: the header is a row like the others
	empty  string // the sentence in place of a table without rows
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print writes v in the format that was asked for; people and spreadsheets
// get t instead.
func (a *app) print(v any, t *table) error {
	switch a.output {
	case "json":
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "yaml":
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		y, err := yaml.JSONToYAML(b)
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(y)
		return err
	case "csv":
		return t.csv(a.stdout)
	}
	return t.text(a.stdout)
}

func (t *table) text(w io.Writer) error {
	if len(t.rows) == 0 && t.empty != "" {
		_, err := fmt.Fprintln(w, t.empty)
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	rows := t.rows
	if t.facts {
		rows = append([][]string{t.header}, rows...)
	} else {
		fmt.Fprintln(tw, strings.ToUpper(strings.Join(t.header, "\t")))
	}
	for _, r := range rows {
		for i, c := range r {
			if i > 0 {
				fmt.Fprint(tw, "\t")
			}
			fmt.Fprint(tw, printable(c))
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

// csv writes the table; a cell that a spreadsheet would take for a formula is
// quoted with an apostrophe.
func (t *table) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.header); err != nil {
		return err
	}
	for _, r := range t.rows {
		cells := make([]string, len(r))
		for i, c := range r {
			c = printable(c)
			if c != "" && strings.ContainsAny(c[:1], "=+@") {
				c = "'" + c
			}
			cells[i] = c
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// printable drops control characters: names come from files of other people,
// and a terminal obeys escape sequences.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}

// human writes a value of a metric as people read it.
func human(metric string, x float64) string {
	info, _, ok := study.LookupMetric(metric)
	if !ok {
		return fmt.Sprintf("%.4g", x)
	}
	switch {
	case math.IsNaN(x):
		return "–"
	case info.Unit == "B":
		return byteSize(x)
	case info.Unit == "s" || info.Unit == "s/token":
		return fmt.Sprintf("%.3g ms", 1000*x)
	case info.Unit == "J/token":
		return fmt.Sprintf("%.3g mJ", 1000*x)
	case info.Name == "quality.top1":
		return fmt.Sprintf("%.1f %%", 100*x)
	case info.Unit == "" || info.Unit == "nat/token" || info.Unit == "bit/B":
		return fmt.Sprintf("%.4g", x)
	}
	return fmt.Sprintf("%.3g %s", x, info.Unit)
}

// byteSize writes a size in binary units.
func byteSize(x float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for math.Abs(x) >= 1024 && i < len(units)-1 {
		x /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", x)
	}
	return fmt.Sprintf("%.2f %s", x, units[i])
}

// ago writes how long ago something was.
func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := time.Since(t)
	switch {
	case d < 2*time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%.0f s ago", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min ago", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h ago", d.Hours())
	}
	return fmt.Sprintf("%.0f days ago", d.Hours()/24)
}

// parseTrial reads a trial's number.
func parseTrial(s string) (int, error) {
	var n int
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || fmt.Sprint(n) != s || n < 0 {
		return 0, fault.New(fault.Invalid, "cannot read the trial number %q", s).Trying("a number as in: fettle trial list STUDY")
	}
	return n, nil
}
