package study

import "time"

// Measurement is the raw samples of one metric from one attempt, in the
// metric's base unit. Summaries are derived from it (Summarise).
type Measurement struct {
	Metric  string    `json:"metric"`
	Unit    string    `json:"unit"`
	Samples []float64 `json:"samples"`
	// Group is the number of consecutive samples that belong to one
	// repetition; they are not independent of each other. 0 and 1 mean that
	// every sample is a repetition of its own.
	Group    int      `json:"group,omitempty"`
	Boundary string   `json:"boundary,omitempty"` // for energy and power: what the sensor covers (soc, package, board, wall)
	Energy   *Energy  `json:"energy,omitempty"`   // behind the samples of energy metrics
	Warnings []string `json:"warnings,omitempty"` // such as disturbed, throttled
}

// Energy is the window behind a measurement of energy per token: net is gross
// without what the board takes when idle, as measured right before and after.
type Energy struct {
	Source  string     `json:"source"` // such as rapl:package-0
	WindowS float64    `json:"window_s"`
	GrossJ  float64    `json:"gross_j"`
	NetJ    float64    `json:"net_j"`
	IdleW   [2]float64 `json:"idle_w"` // before and after
	Tokens  int        `json:"tokens"`
}

// Conditions are what held while an attempt measured. A field that could not
// be read is absent, and Missing says why.
type Conditions struct {
	Started      time.Time         `json:"started"`
	Runtime      RuntimeInfo       `json:"runtime"`
	Governor     string            `json:"governor,omitempty"`
	ClockHz      []Range           `json:"clock_hz,omitempty"`      // one for each CPU: lowest and highest seen
	Temperature  *Range            `json:"temperature_c,omitempty"` // before and after: Low is before, High the highest seen
	Load1        float64           `json:"load1"`                   // load average over one minute before
	OtherCPU     []float64         `json:"other_cpu"`               // for each repetition: CPU time of other processes and steal as a share of one CPU-second per CPU
	Repeated     int               `json:"repeated"`                // repetitions thrown away because of other load
	MajorFaults  int64             `json:"major_faults"`
	AvailableMem int64             `json:"available_memory_bytes"` // before
	Missing      map[string]string `json:"missing,omitempty"`      // sensor → why it gives nothing
}

// Range is a lowest and a highest value.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// RuntimeInfo names the inference libraries that produced a number. Numbers of
// different runtimes are not compared.
type RuntimeInfo struct {
	Name    string `json:"name"`    // llama.cpp
	Version string `json:"version"` // as the libraries say it
	Digest  Digest `json:"digest"`  // of the library files
	Backend string `json:"backend"` // file name of the CPU backend
}

// Failure says why an attempt gave no measurement.
type Failure struct {
	Infeasible bool     `json:"infeasible"`       // the variant's fault; otherwise ours
	Reason     string   `json:"reason"`           // one of the Reason constants
	Detail     string   `json:"detail"`           // a sentence
	Stderr     []string `json:"stderr,omitempty"` // the child's first lines
}

// Error makes a Failure an error.
func (f *Failure) Error() string { return f.Reason + ": " + f.Detail }

// Why a trial ended without a result, or an attempt without a measurement.
const (
	ReasonAssertion   = "assertion"    // the runtime aborted on a check of its own
	ReasonLoad        = "load"         // no model or context could be made of the variant
	ReasonNonFinite   = "non_finite"   // logits that are not numbers
	ReasonMemoryLimit = "memory_limit" // the child's own memory limit was reached
	ReasonConstraint  = "constraint"   // a constraint of the study is violated
	ReasonPredicted   = "predicted"    // a constraint is violated by what is known without measuring
	ReasonDominated   = "dominated"    // it cannot reach the front any more: a trial there is nowhere worse
	ReasonRepeated    = "repeated"     // the same crash or hang twice
	ReasonKilled      = "killed"       // killed without evidence of whose fault it was
	ReasonTimeout     = "timeout"      // no end within the time limit
	ReasonIO          = "io"           // a file could not be read or written
	ReasonLeaseLost   = "lease_lost"   // no renewal in time: agent or network gone
	ReasonInterrupted = "interrupted"  // the daemon or the agent was stopped
	ReasonUnknown     = "unknown"
)

// ChunkScore is the score of one chunk of text: sums over its scored
// positions, from which means and standard errors follow. KLD and Same1 are
// against the original model.
type ChunkScore struct {
	Chunk int     `json:"chunk"`
	Count int     `json:"count"` // scored positions
	NLL   float64 `json:"nll"`   // sum of negative log-likelihoods, nats
	NLL2  float64 `json:"nll2"`  // sum of their squares
	KLD   float64 `json:"kld"`   // sum of divergences, nats
	KLD2  float64 `json:"kld2"`  // sum of their squares
	Same1 int     `json:"same1"` // positions whose most likely token is the original's
	Bytes int     `json:"bytes"` // bytes of the scored tokens
}

// QualityKey is everything that changes quality. Scores of equal keys are
// interchangeable.
type QualityKey struct {
	Variant Digest `json:"variant"`
	KV      string `json:"kv"`
	Flash   bool   `json:"flash"`
	Context int    `json:"context"`
	Text    Digest `json:"text"`
	Backend string `json:"backend"`
	Runtime Digest `json:"runtime"` // of the library files
}
