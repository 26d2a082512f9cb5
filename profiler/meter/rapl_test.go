package meter

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fettle-edge/fettle/profiler/meter/internal/tree"
)

func laptop(t *testing.T) string {
	t.Helper()
	return tree.Unpack(t, filepath.Join("testdata", "x86-laptop.txtar"))
}

const laptopZone = "sys/devices/virtual/powercap/intel-rapl/intel-rapl:0"

func TestRAPLOfLaptop(t *testing.T) {
	dir := laptop(t)
	source, sensor := Energy(At(dir))
	if source == nil {
		t.Fatalf("no source: %+v", sensor)
	}
	// One package: the same package by MMIO and its part "core" are not added.
	want := Sensor{Source: "rapl:package-0", Boundary: BoundarySoC}
	if sensor != want {
		t.Errorf("got %+v, want %+v", sensor, want)
	}
	info := source.Info()
	if info.Name != want.Source || info.Period != time.Millisecond {
		t.Errorf("got %+v", info)
	}
	// 262143.328850 J at 2*500 W.
	if got := info.Wrap.Round(time.Millisecond); got != 262143*time.Millisecond {
		t.Errorf("has to be read every %v, want 262.143s", got)
	}

	read := func() float64 {
		t.Helper()
		joules, err := source.Read()
		if err != nil {
			t.Fatal(err)
		}
		return joules
	}
	near(t, "energy at the first read", read(), 0)
	set := func(microjoules string) { tree.Write(t, dir, laptopZone+"/energy_uj", microjoules+"\n") }
	set("240422366267") // the same again
	near(t, "energy of nothing", read(), 0)
	set("240432366267")
	near(t, "energy", read(), 10)
	set("1500000000")
	near(t, "energy over the wrap", read(), 23220.962583)
	set("1500000001")
	near(t, "energy after the wrap", read(), 23220.962584)
}

func TestAdvance(t *testing.T) {
	const span = 262143328850
	tests := []struct{ last, now, want int64 }{
		{240422366267, 1500000000, 23220962583},
		{5, 5, 0},
		{0, span, span},
		{span, 0, 0},
		{span, 1, 1},
	}
	for _, test := range tests {
		if got := advance(test.last, test.now, span); got != test.want {
			t.Errorf("from %d to %d is %d µJ, want %d", test.last, test.now, got, test.want)
		}
	}
}

// rapls makes a powercap folder out of "zone name=energy" lines.
func rapls(lines ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, line := range lines {
		zone, rest, _ := strings.Cut(line, " ")
		name, energy, _ := strings.Cut(rest, "=")
		folder := powercap + "/" + zone
		files[folder+"/name"] = &fstest.MapFile{Data: []byte(name + "\n")}
		files[folder+"/energy_uj"] = &fstest.MapFile{Data: []byte(energy + "\n")}
		files[folder+"/max_energy_range_uj"] = &fstest.MapFile{Data: []byte("65532610987\n")}
	}
	return files
}

func TestRAPLAddsPackagesAndDRAMOnly(t *testing.T) {
	tests := []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"server", rapls("intel-rapl:0 package-0=1", "intel-rapl:0:0 core=1", "intel-rapl:0:1 dram=1",
			"intel-rapl:1 package-1=1", "intel-rapl:1:0 dram=1", "intel-rapl:2 psys=1"),
			"rapl:package-0+dram+package-1+dram"},
		{"mmio alone", rapls("intel-rapl-mmio:0 package-0=1"), "rapl:package-0"},
		{"psys alone", rapls("intel-rapl:0 psys=1"), ""},
		{"ten packages in order", rapls("intel-rapl:10 package-10=1", "intel-rapl:2 package-2=1"), "rapl:package-2+package-10"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, sensor := Energy(Over(test.files))
			if sensor.Source != test.want {
				t.Errorf("got %+v, want the source %q", sensor, test.want)
			}
		})
	}
}

func TestRAPLSumsZones(t *testing.T) {
	files := rapls("intel-rapl:0 package-0=1000000", "intel-rapl:0:1 dram=65532000000")
	source, sensor := Energy(Over(files))
	if source == nil {
		t.Fatal(sensor.Missing)
	}
	files[powercap+"/intel-rapl:0/energy_uj"].Data = []byte("3000000")
	files[powercap+"/intel-rapl:0:1/energy_uj"].Data = []byte("389013") // went round: 1 J
	joules, err := source.Read()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "energy", joules, 3)
}

// failing answers the reads of one file with an error, or with 0.
type failing struct {
	fs.FS
	file string
	err  error
}

func (f failing) ReadFile(name string) ([]byte, error) {
	if strings.HasSuffix(name, f.file) {
		if f.err == nil {
			return []byte("0\n"), nil
		}
		return nil, &fs.PathError{Op: "read", Path: name, Err: f.err}
	}
	return fs.ReadFile(f.FS, name)
}

func TestEnergyIsAbsentWithAReason(t *testing.T) {
	one := rapls("intel-rapl:0 package-0=1")
	tests := []struct {
		name         string
		files        fs.FS
		missing, try string // parts
	}{
		{"no powercap", fstest.MapFS{"sys/class/net/lo": {}}, "no /sys/class/powercap", "on the host"},
		{"no zone", fstest.MapFS{powercap + "/intel-rapl/enabled": {}}, "no package zone", "modprobe intel_rapl_msr"},
		{"permission", failing{one, "energy_uj", syscall.EACCES}, "permission denied: energy_uj is readable by root only", "chgrp"},
		{"switched off", failing{one, "energy_uj", syscall.ENODATA}, "/sys/class/powercap/intel-rapl:0/energy_uj: the sensor is switched off (ENODATA)", "dmesg"},
		{"no value", failing{one, "energy_uj", syscall.EAGAIN}, "EAGAIN", "dmesg"},
		{"no range", failing{one, "max_energy_range_uj", syscall.ENOENT}, "max_energy_range_uj: no such file", "dmesg"},
		{"no real range", failing{one, "max_energy_range_uj", nil}, "has a range of 0 µJ", "dmesg"},
		{"outside the range", rapls("intel-rapl:0 package-0=65532610988"), "outside its range", "dmesg"},
		{"no number", rapls("intel-rapl:0 package-0=many"), `holds "many" instead of a number`, "dmesg"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, sensor := Energy(Over(test.files))
			if source != nil || sensor.Source != "" || sensor.Boundary != "" {
				t.Fatalf("got the source %+v", sensor)
			}
			if !strings.Contains(sensor.Missing, test.missing) || !strings.Contains(sensor.Try, test.try) {
				t.Errorf("got %+v, want missing %q, try %q", sensor, test.missing, test.try)
			}
		})
	}
}

func TestReadErrorsAreToldApart(t *testing.T) {
	numbers := map[error]error{
		syscall.ENOENT: fs.ErrNotExist, syscall.EACCES: fs.ErrPermission,
		syscall.EAGAIN: syscall.EAGAIN, syscall.ENODATA: syscall.ENODATA,
	}
	for number, want := range numbers {
		r := Over(failing{fstest.MapFS{}, "temp", number})
		_, err := r.ReadInt("temp")
		for _, other := range numbers {
			if got := errors.Is(err, other); got != (other == want) {
				t.Errorf("%v: errors.Is(%v) is %v", number, other, got)
			}
		}
	}
}

func TestReadOnDisk(t *testing.T) {
	dir := t.TempDir()
	if _, err := At(dir).ReadInt("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	tree.Write(t, dir, "empty", "")
	if _, err := At(dir).ReadInt("empty"); err == nil {
		t.Error("an empty file gave a number")
	}
	tree.Write(t, dir, "big", strings.Repeat("9876543210", 1000))
	if text, err := At(dir).ReadString("big"); err != nil || len(text) != 10000 {
		t.Errorf("a file of 10000 bytes gave %d, %v", len(text), err)
	}
	tree.Write(t, dir, "model", "Board\x00")
	if text, _ := At(dir).ReadString("model"); text != "Board" {
		t.Errorf("got %q", text)
	}
	if _, err := At(dir).ReadString("../" + filepath.Base(dir) + "/model"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a name outside of the root: %v", err)
	}
}

func TestEnergyOfThisComputer(t *testing.T) {
	source, sensor := Energy(At("/"))
	if source == nil {
		if sensor.Missing == "" || sensor.Try == "" || sensor.Source != "" {
			t.Errorf("absent without reason and next step: %+v", sensor)
		}
		return
	}
	if sensor.Source != source.Info().Name || sensor.Boundary == "" || sensor.Missing != "" {
		t.Errorf("present but %+v", sensor)
	}
	if _, err := source.Read(); err != nil {
		t.Errorf("probed, but then: %v", err)
	}
}
