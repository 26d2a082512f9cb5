// Package targets says what a board is: its facts, health and kind.
package targets

import "time"

// Kinds of targets.
const (
	KindLocal       = "local"
	KindJetson      = "jetson"
	KindRaspberryPi = "raspberrypi"
	KindAndroid     = "android"
	KindX86         = "x86"
	KindOther       = "other"
)

// Facts are what an agent finds out about its board. They are conditions of
// every measurement.
type Facts struct {
	Hostname     string `json:"hostname"`
	OS           string `json:"os"`                     // linux
	Distribution string `json:"distribution,omitempty"` // Debian 12
	Kernel       string `json:"kernel,omitempty"`
	Architecture string `json:"architecture"` // amd64, arm64
	CPU          string `json:"cpu"`          // model name
	Cores        int    `json:"cores"`        // logical CPUs
	MemoryBytes  int64  `json:"memory_bytes"`
	SwapBytes    int64  `json:"swap_bytes"`
	Board        string `json:"board,omitempty"`          // device-tree or DMI product name
	Virtual      string `json:"virtualization,omitempty"` // kvm, docker, …: measurements are shared with neighbours
	Governor     string `json:"governor,omitempty"`
	Energy       Sensor `json:"energy"`
	Temperature  Sensor `json:"temperature"`
	AgentVersion string `json:"agent_version"`
}

// Sensor says whether a quantity can be read here, and if not, why and what
// would help.
type Sensor struct {
	Source   string `json:"source,omitempty"`   // such as rapl:package-0; "" is absent
	Boundary string `json:"boundary,omitempty"` // soc, module, board, wall, battery
	Missing  string `json:"missing,omitempty"`  // why it is absent
	Try      string `json:"try,omitempty"`      // what would help
}

// Target is a registered board, or this computer.
type Target struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Facts    Facts     `json:"facts"`
	BootID   string    `json:"boot_id"`
	Session  string    `json:"session"`
	Created  time.Time `json:"created"`
	LastSeen time.Time `json:"last_seen"`
}

// Check is one line of a doctor's report.
type Check struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, warn or fail
	Detail string `json:"detail"`
	Try    string `json:"try,omitempty"`
}

// Statuses of a Check.
const (
	StatusOK   = "ok"
	StatusWarn = "warn"
	StatusFail = "fail"
)
