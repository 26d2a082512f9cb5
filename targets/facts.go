package targets

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/mem"

	"github.com/fettle-edge/fettle/study/fault"
)

// Inspect finds the facts of the computer whose files are below root, "/" for
// this one. What is not there stays empty: only a root that is no folder, or
// an ended context, is an error.
//
// Energy, Temperature and AgentVersion are left to the caller, since sensors
// belong to package meter, which targets does not know; an agent writes
//
//	source, energy := meter.Energy(meter.At(root))
//	facts.Energy = Sensor(energy)
//
// CPU, memory and swap come from gopsutil, which knows the names of ARM cores.
// Its answers about kernel, distribution and virtualization are not used: they
// are of the running computer whatever the root, or kept for the life of the
// process, and it calls every computer that carries KVM's module "kvm".
func Inspect(ctx context.Context, root string) (Facts, error) {
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return Facts{}, fault.New(fault.Invalid, "cannot inspect %s: it is not a folder", root).Because(err)
	}
	t := tree(root)
	ctx = t.gopsutil(ctx)
	f := Facts{
		Hostname:     t.read("proc/sys/kernel/hostname"),
		OS:           runtime.GOOS,
		Distribution: t.distribution(),
		Kernel:       t.read("proc/sys/kernel/osrelease"),
		Architecture: runtime.GOARCH,
		Board:        t.board(),
		Governor:     t.governor(),
	}
	var flags []string
	if cpus, err := cpu.InfoWithContext(ctx); err == nil && len(cpus) > 0 {
		f.CPU, flags = cpus[0].ModelName, cpus[0].Flags
	}
	f.Virtual = t.virtual(flags)
	if n, err := cpu.CountsWithContext(ctx, true); err == nil {
		f.Cores = n
	}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		f.MemoryBytes, f.SwapBytes = int64(m.Total), int64(m.SwapTotal)
	}
	if err := context.Cause(ctx); err != nil {
		return Facts{}, err
	}
	return f, nil
}

// BootID returns the kernel's name of the present boot of the computer whose
// files are below root. It changes at every restart.
func BootID(root string) (string, error) {
	id := tree(root).read("proc/sys/kernel/random/boot_id")
	if id == "" {
		return "", fault.New(fault.Internal, "cannot tell one boot of this computer from the next").
			Trying("run on Linux with /proc mounted")
	}
	return id, nil
}

// tree is the directory that holds a computer's etc, proc and sys.
type tree string

// gopsutil returns a context with which gopsutil reads below the tree.
func (t tree) gopsutil(ctx context.Context) context.Context {
	return context.WithValue(ctx, common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: t.path("proc"),
		common.HostSysEnvKey:  t.path("sys"),
		common.HostEtcEnvKey:  t.path("etc"),
	})
}

func (t tree) path(name string) string { return filepath.Join(string(t), name) }

// read returns a file's text without surrounding space and NUL bytes, "" if
// there is none.
func (t tree) read(name string) string {
	data, err := os.ReadFile(t.path(name))
	if err != nil {
		return ""
	}
	return strings.Trim(string(data), " \t\r\n\x00")
}

func (t tree) exists(name string) bool {
	_, err := os.Stat(t.path(name))
	return err == nil
}

// distribution returns PRETTY_NAME of os-release(5).
func (t tree) distribution() string {
	text := cmp.Or(t.read("etc/os-release"), t.read("usr/lib/os-release"))
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(name, "\"'\r\n ")
		}
	}
	return ""
}

// board returns the name of the board from its device tree, or of the product
// from the firmware (DMI).
func (t tree) board() string {
	if model := t.read("proc/device-tree/model"); model != "" {
		return model
	}
	product := t.read("sys/class/dmi/id/product_name")
	vendor := t.read("sys/class/dmi/id/sys_vendor")
	if strings.HasPrefix(product, vendor) {
		return product
	}
	return strings.TrimSpace(vendor + " " + product)
}

// governor returns the frequency governors of all CPUs, separated by commas.
func (t tree) governor() string {
	files, _ := filepath.Glob(t.path("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
	var names []string
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			names = append(names, strings.TrimSpace(string(data)))
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",")
}

// hypervisors maps words of firmware names and clock sources to hypervisors.
var hypervisors = []struct{ word, name string }{
	{"vmware", "vmware"}, {"virtualbox", "virtualbox"}, {"innotek", "virtualbox"}, {"xen", "xen"},
	{"parallels", "parallels"}, {"kvm", "kvm"}, {"qemu", "kvm"}, {"amazon ec2", "kvm"}, {"google compute", "kvm"},
	{"hyperv", "hyperv"}, {"virtual machine", "hyperv"}, // others call theirs so too
}

// virtual names the hypervisor and the container that Fettle runs in, joined
// by "+"; "" is neither, as far as can be seen.
func (t tree) virtual(flags []string) string {
	var names []string
	if name := t.hypervisor(flags); name != "" {
		names = append(names, name)
	}
	switch {
	case t.exists(".dockerenv"):
		names = append(names, "docker")
	case t.exists("run/.containerenv"):
		names = append(names, "podman")
	case strings.Contains(t.read("proc/1/environ"), "container="):
		names = append(names, "container")
	}
	return strings.Join(names, "+")
}

// hypervisor tells a virtual machine by the processor's flag (x86), the
// device tree's node (ARM) or the firmware's names; the clock sources that the
// kernel found often give its name.
func (t tree) hypervisor(flags []string) string {
	flagged := slices.Contains(flags, "hypervisor") || t.exists("proc/device-tree/hypervisor")
	board := strings.ToLower(t.board())
	x86 := slices.Contains(flags, "tsc")
	if !flagged && (x86 || strings.Contains(board, ".metal")) { // rented, but a computer of its own
		return ""
	}
	evidence := board
	if flagged { // a host has these words as well
		evidence += " " + t.read("sys/devices/system/clocksource/clocksource0/available_clocksource") +
			" " + t.read("proc/device-tree/hypervisor/compatible")
	}
	for _, h := range hypervisors {
		if strings.Contains(evidence, h.word) {
			return h.name
		}
	}
	if flagged {
		return "hypervisor"
	}
	return ""
}
