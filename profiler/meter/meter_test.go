package meter

import (
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a source with a settable power. It counts energy by the clock.
type fake struct {
	info  Info
	watts float64
	since time.Time
	total float64
	reads int
	err   error
}

func (f *fake) Info() Info { return f.info }

func (f *fake) Read() (float64, error) {
	f.reads++
	f.advance()
	return f.total, f.err
}

func (f *fake) advance() {
	now := time.Now()
	if !f.since.IsZero() {
		f.total += f.watts * now.Sub(f.since).Seconds()
	}
	f.since = now
}

func (f *fake) set(watts float64) {
	f.advance()
	f.watts = watts
}

var fakeInfo = Info{Name: "fake", Boundary: BoundarySoC, Period: time.Millisecond, Resolution: 1e-4}

// measure runs one attempt: idle, a load nobody asks for, the phase, idle.
func measure(t *testing.T, f *fake, idleBefore, load, idleAfter float64, window time.Duration) Record {
	t.Helper()
	f.set(idleBefore)
	m, err := Start(f, "before")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	f.set(50)
	m.Mark("load")
	time.Sleep(3 * time.Second)
	f.set(load)
	m.Mark("measure")
	time.Sleep(window)
	f.set(idleAfter)
	m.Mark("after")
	time.Sleep(2 * time.Second)
	record, err := m.Stop()
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestConsumption(t *testing.T) {
	tests := []struct {
		name              string
		before, on, after float64 // W
		window            time.Duration
		gross, net        float64 // J
		warnings          []string
	}{
		{"flat idle", 4, 12, 4, 5 * time.Second, 60, 40, nil},
		{"idle rose a little", 4, 12, 4.2, 5 * time.Second, 60, 39.5, nil},
		{"idle rose", 4, 12, 6, 5 * time.Second, 60, 35, []string{WarnIdleDrift}},
		{"short", 4, 12, 4, 10 * time.Millisecond, 0.12, 0.08, []string{WarnCoarse}},
		{"below idle", 4, 3, 4, 5 * time.Second, 15, -5, []string{WarnBelowIdle}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				record := measure(t, &fake{info: fakeInfo}, test.before, test.on, test.after, test.window)
				c, err := record.Consumption("before", "measure", "after")
				if err != nil {
					t.Fatal(err)
				}
				near(t, "gross", c.Gross, test.gross)
				near(t, "net", c.Net, test.net)
				near(t, "idle before", c.IdleBefore, test.before)
				near(t, "idle after", c.IdleAfter, test.after)
				if c.Window != test.window || c.Boundary != BoundarySoC || c.Source != "fake" {
					t.Errorf("got window %v, boundary %q, source %q", c.Window, c.Boundary, c.Source)
				}
				if !slices.Equal(c.Warnings, test.warnings) {
					t.Errorf("warnings %q, want %q", c.Warnings, test.warnings)
				}
			})
		})
	}
}

func TestConsumptionAddsUpRepeatedPhases(t *testing.T) {
	record := Record{Source: fakeInfo, Intervals: []Interval{
		{Phase: "idle", Length: time.Second, Joules: 4},
		{Phase: "prefill", Length: time.Second, Joules: 20},
		{Phase: "decode", Length: 2 * time.Second, Joules: 24},
		{Phase: "prefill", Length: time.Second, Joules: 22},
		{Phase: "decode", Length: 2 * time.Second, Joules: 26},
		{Phase: "end", Length: time.Second, Joules: 4},
	}}
	c, err := record.Consumption("idle", "decode", "end")
	if err != nil {
		t.Fatal(err)
	}
	near(t, "gross", c.Gross, 50)
	near(t, "net", c.Net, 50-4*4)
}

func TestConsumptionOfShortIdleIsCoarse(t *testing.T) {
	record := Record{Source: fakeInfo, Intervals: []Interval{
		{Phase: "before", Length: time.Second, Joules: 4},
		{Phase: "measure", Length: time.Second, Joules: 20},
		{Phase: "after", Length: time.Millisecond, Joules: 0.004}, // one period
	}}
	c, err := record.Consumption("before", "measure", "after")
	if err != nil || !slices.Equal(c.Warnings, []string{WarnCoarse}) {
		t.Errorf("warnings %q, %v", c.Warnings, err)
	}
}

func TestConsumptionRefuses(t *testing.T) {
	still := Record{Source: fakeInfo, Intervals: []Interval{
		{Phase: "before", Length: time.Second}, {Phase: "measure", Length: time.Second}, {Phase: "after", Length: time.Second},
	}}
	if c, err := still.Consumption("before", "measure", "after"); err == nil {
		t.Errorf("a counter that stands still gave %+v", c)
	}
	for _, names := range [][3]string{{"x", "measure", "after"}, {"before", "x", "after"}, {"before", "measure", "x"}} {
		if c, err := still.Consumption(names[0], names[1], names[2]); err == nil {
			t.Errorf("%q: a phase that was not measured gave %+v", names, c)
		}
	}
}

func TestMeterReadsBetweenMarksSoThatNoWrapIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{info: fakeInfo, watts: 10}
		f.info.Wrap = time.Minute
		m, err := Start(f, "long")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Minute + time.Second)
		if _, err := m.Stop(); err != nil {
			t.Fatal(err)
		}
		if f.reads != 12 { // first, ten in between, last
			t.Errorf("the source was read %d times, want 12", f.reads)
		}
	})
}

func TestMeterKeepsTheFirstError(t *testing.T) {
	first := errors.New("gone")
	f := &fake{info: fakeInfo}
	m, err := Start(f, "before")
	if err != nil {
		t.Fatal(err)
	}
	f.err = first
	m.Mark("measure")
	f.err = errors.New("still gone")
	if _, err := m.Stop(); !errors.Is(err, first) {
		t.Errorf("got %v, want the first error", err)
	}
	if _, err := Start(f, "before"); err == nil {
		t.Error("a source that cannot be read was started")
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}
