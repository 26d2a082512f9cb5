package meter

import (
	"path"
	"slices"
	"strings"
)

// Temperatures outside of this range are faults of a sensor: -44, -256 and
// 127 °C have all been seen, constantly. °C.
const (
	coldest = -20
	hottest = 125
)

// notTheProcessor are sensors that say nothing about the processor: constants,
// made-up values, and parts that are hot for reasons of their own.
var notTheProcessor = []string{
	"PMIC-Die", "thermal-fan-est", // Jetson: always 100 °C; computed for the fan
	"nvme", "drivetemp", "iwlwifi", "jc42", "spd5118", // disks, radio, memory modules
}

// thermometer is one file that holds m°C.
type thermometer struct {
	name string // thermal:x86_pkg_temp, hwmon:k10temp/Tctl
	file string
}

// thermometers returns the sensors below a root that give a plausible
// temperature now. Others stay away: a zone that answers EAGAIN does so until
// its part of the chip is switched on, which nobody waits for.
//
// Both of the kernel's interfaces are read, since neither is complete: on
// many AMD computers the only thermal zone is a constant of the firmware.
func thermometers(r Root) []thermometer {
	var found []thermometer
	for _, file := range r.Glob("sys/class/thermal/thermal_zone*/temp") {
		kind, _ := r.ReadString(path.Dir(file) + "/type")
		found = append(found, thermometer{"thermal:" + kind, file})
	}
	for _, file := range r.Glob("sys/class/hwmon/hwmon*/temp*_input") {
		name, _ := r.ReadString(path.Dir(file) + "/name")
		if label, err := r.ReadString(strings.TrimSuffix(file, "_input") + "_label"); err == nil {
			name += "/" + label
		}
		found = append(found, thermometer{"hwmon:" + name, file})
	}
	return slices.DeleteFunc(found, func(t thermometer) bool {
		_, name, _ := strings.Cut(t.name, ":")
		excluded := slices.ContainsFunc(notTheProcessor, func(prefix string) bool {
			return strings.HasPrefix(name, prefix)
		})
		_, ok := t.read(r)
		return excluded || !ok
	})
}

// read returns the temperature in °C; false means that there is none now.
func (t thermometer) read(r Root) (float64, bool) {
	milli, err := r.ReadInt(t.file)
	celsius := float64(milli) / 1000
	return celsius, err == nil && celsius >= coldest && celsius <= hottest
}

// hottestOf returns the highest temperature, °C, and who measured it.
func hottestOf(r Root, all []thermometer) (celsius float64, name string) {
	for _, t := range all {
		if c, ok := t.read(r); ok && (name == "" || c > celsius) {
			celsius, name = c, t.name
		}
	}
	return celsius, name
}

// noThermometer says why there is no temperature.
func noThermometer(r Root) string {
	n := len(r.Glob("sys/class/thermal/thermal_zone*")) + len(r.Glob("sys/class/hwmon/hwmon*/temp*_input"))
	if n == 0 {
		return "no sensor in /sys/class/thermal or /sys/class/hwmon"
	}
	return "no sensor in /sys/class/thermal or /sys/class/hwmon gives a plausible value for the processor"
}

// Temperature says where the temperature of this computer comes from.
func Temperature(r Root) Sensor {
	_, name := hottestOf(r, thermometers(r))
	if name == "" {
		return Sensor{
			Missing: noThermometer(r),
			Try:     "in a virtual machine, measure on the host; else load the processor's driver: sudo modprobe coretemp (Intel) or k10temp (AMD)",
		}
	}
	return Sensor{Source: name, Boundary: BoundarySoC}
}
