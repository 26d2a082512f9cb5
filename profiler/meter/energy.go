package meter

import "time"

// Boundaries: what a source of energy covers. Values of different boundaries
// are never compared, added or put in place of each other.
const (
	BoundarySoC = "soc" // the processor package; with dram its memory too
)

// Info describes a source of energy.
type Info struct {
	Name       string        // such as rapl:package-0
	Boundary   string        // one of the boundaries
	Period     time.Duration // how often the value really changes
	Resolution float64       // smallest step, J
	Wrap       time.Duration // longest time between two reads that loses nothing; 0 is any
}

// Source is an energy counter. A sensor of power becomes one by integrating
// what it samples, in a goroutine of its own, before it is a Source: then the
// window rule (idle for at least two periods on both sides) makes up for its
// averaging.
type Source interface {
	Info() Info
	// Read returns the energy since the first Read, in J. It never falls.
	// It may block for a conversion of the sensor and is called by one
	// goroutine at a time.
	Read() (joules float64, err error)
}

// Sensor says whether a quantity can be read here, and if not, why and what
// would help. It has the fields of targets.Sensor, so that one converts to
// the other; this package does not know targets.
type Sensor struct {
	Source   string // "" is absent
	Boundary string
	Missing  string // why it is absent
	Try      string // what would help
}

// Energy returns the best source of energy below a root, or nil. The Sensor
// says which, or why there is none. A source that is returned has been read.
func Energy(r Root) (Source, Sensor) {
	source, absent := openRAPL(r)
	if source == nil {
		return nil, absent
	}
	info := source.Info()
	return source, Sensor{Source: info.Name, Boundary: info.Boundary}
}
