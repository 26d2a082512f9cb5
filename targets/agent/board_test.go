package agent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/targets/wire"
)

// board builds the real runner and returns a Board whose sensors are below
// root.
func board(t *testing.T, root string) *Board {
	t.Helper()
	libraries := os.Getenv("FETTLE_LIBRARIES")
	if libraries == "" {
		libraries, _ = filepath.Abs("../../build/llama")
	}
	if _, err := os.Stat(libraries); err != nil {
		t.Fatal("the llama.cpp libraries are not there: run make libraries")
	}
	path := filepath.Join(t.TempDir(), "fettle-runner")
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/fettle-runner")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r, err := profiler.New(profiler.Config{Path: path, Libraries: libraries})
	if err != nil {
		t.Fatal(err)
	}
	return NewBoard(r, root)
}

func demoWork() (wire.Work, []string) {
	return wire.Work{
		Run: study.RunOptions{Threads: 1, KV: "f16", Context: 128},
		Workload: study.Workload{PromptTokens: 32, GenerateTokens: 8, Context: 128,
			WarmUp: 1, MinRepeats: 3, MaxRepeats: 4, MaxTime: time.Second},
	}, []string{"../../configs/demo/fettle-demo-f16.gguf"}
}

// TestEnergyFollowsThePhases measures the demo model against a made-up counter
// of 5 W: net of idle, which takes the same, nothing is left; gross is 5 J for
// each second.
func TestEnergyFollowsThePhases(t *testing.T) {
	root := t.TempDir()
	zone := filepath.Join(root, "sys/class/powercap/intel-rapl:0")
	if err := os.MkdirAll(zone, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(zone, name), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("name", "package-0\n")
	write("max_energy_range_uj", "262143328850\n")
	write("energy_uj", "1000\n")
	stop, stopped := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C: // 5 W are 5 µJ for each µs; a rename is seen whole
				next := filepath.Join(zone, "next")
				_ = os.WriteFile(next, fmt.Appendf(nil, "%d\n", 1000+5*time.Since(start).Microseconds()), 0o600)
				_ = os.Rename(next, filepath.Join(zone, "energy_uj"))
			}
		}
	}()
	w, files := demoWork()
	r := board(t, root).Measure(t.Context(), w, files)
	close(stop)
	<-stopped
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
	found := 0
	for _, m := range r.Measurements {
		if m.Metric != "energy.prefill" && m.Metric != "energy.decode" {
			continue
		}
		found++
		watts := m.Energy.GrossJ / m.Energy.WindowS
		if watts < 4 || watts > 6 || m.Energy.Tokens == 0 || m.Boundary != "soc" {
			t.Errorf("%s: %.2f W of 5, %+v", m.Metric, watts, *m.Energy)
		}
		for _, idle := range m.Energy.IdleW {
			if idle < 4 || idle > 6 {
				t.Errorf("%s: idle at %.2f W of 5", m.Metric, idle)
			}
		}
		if net := m.Samples[0] * float64(m.Energy.Tokens); net != m.Energy.NetJ && (net-m.Energy.NetJ)/m.Energy.NetJ > 1e-9 {
			t.Errorf("%s: samples say %g J, the window %g J", m.Metric, net, m.Energy.NetJ)
		}
	}
	if found != 2 {
		t.Errorf("%d energy metrics, want 2; missing: %v", found, r.Conditions.Missing)
	}
}

// TestMeasureWithoutSensors measures on a computer that tells nothing: latency
// and memory are there, energy is absent with its reason.
func TestMeasureWithoutSensors(t *testing.T) {
	w, files := demoWork()
	r := board(t, t.TempDir()).Measure(t.Context(), w, files)
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
	got := map[string]int{}
	for _, m := range r.Measurements {
		got[m.Metric] = len(m.Samples)
	}
	// Four repetitions, two in each of two processes, of eight tokens.
	if got["latency.decode"] != 32 || got["latency.prefill"] != 4 || got["latency.first_token"] != 4 || got["memory.peak"] != 2 {
		t.Errorf("samples %v", got)
	}
	for _, m := range r.Measurements {
		if s, _ := study.Summarise(m, "p50"); strings.HasPrefix(m.Metric, "latency") && s.N != 2 {
			t.Errorf("%s comes from %d processes, want 2", m.Metric, s.N)
		}
	}
	if _, there := got["energy.decode"]; there || r.Conditions.Missing["energy"] == "" {
		t.Errorf("energy without a sensor: %v, %v", got, r.Conditions.Missing)
	}
	if r.Conditions.Runtime.Backend == "" || r.Conditions.Runtime.Digest == "" {
		t.Errorf("conditions %+v", r.Conditions)
	}
}

// TestMeasureBlamesTheVariant measures a file that is no model.
func TestMeasureBlamesTheVariant(t *testing.T) {
	w, _ := demoWork()
	bad := filepath.Join(t.TempDir(), "bad.gguf")
	if err := os.WriteFile(bad, []byte(strings.Repeat("no model ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := board(t, "/").Measure(t.Context(), w, []string{bad})
	if r.Failure == nil || !r.Failure.Infeasible || r.Failure.Reason != study.ReasonLoad {
		t.Errorf("failure %+v", r.Failure)
	}
}

func TestNarrow(t *testing.T) {
	// n processes with two repetitions of three tokens each, whose times differ
	// by a share.
	decode := func(spread float64, n int) []study.Measurement {
		m := study.Measurement{Metric: "latency.decode", Group: 6}
		for i := range n {
			for range 6 {
				m.Samples = append(m.Samples, 1+spread*float64(i%2))
			}
		}
		return []study.Measurement{{Metric: "latency.load", Samples: []float64{1, 9}}, m}
	}
	for _, test := range []struct {
		measured []study.Measurement
		want     bool
	}{
		{nil, false},
		{decode(0, 1), false}, // one process knows nothing of the spread
		{decode(0, 3), true},
		{decode(0.01, 5), true},
		{decode(0.5, 5), false},
		{[]study.Measurement{{Metric: "latency.prefill", Samples: []float64{1, 1.001}}}, true},
		{[]study.Measurement{{Metric: "latency.prefill", Samples: []float64{1, 2}}}, false},
	} {
		if got := narrow(test.measured); got != test.want {
			t.Errorf("%+v: %v, want %v", test.measured, got, test.want)
		}
	}
}
