package targets

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fettle-edge/fettle/study/fault"
)

// plant writes files, name → text, below a new root.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestInspectLaptop(t *testing.T) {
	cpu := "processor\t: %d\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz\nflags\t\t: fpu tsc avx2\n\n"
	root := plant(t, map[string]string{
		"proc/cpuinfo":                                                      strings.ReplaceAll(cpu, "%d", "0") + strings.ReplaceAll(cpu, "%d", "1"),
		"proc/meminfo":                                                      "MemTotal:       16000 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\nSwapTotal: 2000 kB\nSwapFree: 2000 kB\n",
		"proc/sys/kernel/hostname":                                          "bench\n",
		"proc/sys/kernel/osrelease":                                         "6.1.0-25-amd64\n",
		"proc/sys/kernel/random/boot_id":                                    "5b1c3a9e-0000-4000-8000-000000000001\n",
		"etc/os-release":                                                    "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
		"sys/class/dmi/id/sys_vendor":                                       "LENOVO\n",
		"sys/class/dmi/id/product_name":                                     "20L5CTO1WW\n",
		"sys/devices/system/cpu/possible":                                   "0-1\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor":              "powersave\n",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor":              "powersave\n",
		"sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm\n",
		"proc/modules":                                                      "kvm 1 1 kvm_intel, Live 0x0\n", // a host, not a guest
	})
	got, err := Inspect(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	want := Facts{
		Hostname: "bench", OS: runtime.GOOS, Distribution: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-25-amd64",
		Architecture: runtime.GOARCH, CPU: "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", Cores: 2,
		MemoryBytes: 16000 * 1024, SwapBytes: 2000 * 1024, Board: "LENOVO 20L5CTO1WW", Governor: "powersave",
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if id, err := BootID(root); err != nil || id != "5b1c3a9e-0000-4000-8000-000000000001" {
		t.Errorf("boot %q, %v", id, err)
	}
}

func TestInspectARMBoard(t *testing.T) {
	core := "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0b\n\n"
	root := plant(t, map[string]string{
		"proc/cpuinfo":           core + strings.Replace(core, ": 0\n", ": 1\n", 1),
		"proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\x00",
	})
	f, err := Inspect(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if f.Board != "Raspberry Pi 5 Model B Rev 1.0" || f.CPU != "Cortex-A76" || f.Cores != 2 || f.Virtual != "" {
		t.Errorf("got %+v", f)
	}
}

func TestInspectWithoutAnything(t *testing.T) {
	f, err := Inspect(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if want := (Facts{OS: runtime.GOOS, Architecture: runtime.GOARCH}); f != want {
		t.Errorf("from an empty tree: %+v", f)
	}
}

func TestInspectRefuses(t *testing.T) {
	if _, err := Inspect(t.Context(), filepath.Join(t.TempDir(), "none")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no folder: %v", err)
	}
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := Inspect(ctx, t.TempDir()); !errors.Is(err, stop) {
		t.Errorf("an ended context: %v", err)
	}
	if id, err := BootID(t.TempDir()); err == nil {
		t.Errorf("a boot was made up: %q", id)
	}
}

func TestVirtual(t *testing.T) {
	x86 := func(more string) string { return "processor: 0\nflags: fpu tsc " + more + "\n" }
	const clock = "sys/devices/system/clocksource/clocksource0/available_clocksource"
	const vendor, product = "sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name"
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"kvm by its clock", map[string]string{"proc/cpuinfo": x86("hypervisor"), clock: "tsc kvm-clock"}, "kvm"},
		{"vmware by its name", map[string]string{"proc/cpuinfo": x86("hypervisor"), vendor: "VMware, Inc."}, "vmware"},
		{"unknown", map[string]string{"proc/cpuinfo": x86("hypervisor"), clock: "tsc"}, "hypervisor"},
		{"rented metal", map[string]string{"proc/cpuinfo": x86(""), vendor: "Amazon EC2", product: "m5.metal"}, ""},
		{"rented ARM metal", map[string]string{"proc/cpuinfo": "processor: 0\nFeatures: fp\n", vendor: "Amazon EC2", product: "c6g.metal"}, ""},
		{"ARM by its name", map[string]string{"proc/cpuinfo": "processor: 0\nFeatures: fp\n", vendor: "QEMU", product: "KVM Virtual Machine"}, "kvm"},
		{"ARM by its device tree", map[string]string{"proc/cpuinfo": "processor: 0\nFeatures: fp\n", "proc/device-tree/hypervisor/compatible": "linux,kvm\x00"}, "kvm"},
		{"container on a board", map[string]string{"proc/cpuinfo": x86(""), ".dockerenv": ""}, "docker"},
		{"container in a machine", map[string]string{"proc/cpuinfo": x86("hypervisor"), clock: "kvm-clock", "proc/1/environ": "A=1\x00container=lxc\x00"}, "kvm+container"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := Inspect(t.Context(), plant(t, test.files))
			if err != nil {
				t.Fatal(err)
			}
			if f.Virtual != test.want {
				t.Errorf("got %q, want %q", f.Virtual, test.want)
			}
		})
	}
}

func TestInspectThisComputer(t *testing.T) {
	f, err := Inspect(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	if f.Hostname == "" || f.Kernel == "" || f.Cores < 1 || f.MemoryBytes < 64<<20 {
		t.Errorf("got %+v", f)
	}
	id, err := BootID("/")
	again, _ := BootID("/")
	if err != nil || id == "" || id != again {
		t.Errorf("boot %q, then %q, %v", id, again, err)
	}
	t.Logf("%+v", f)
}
