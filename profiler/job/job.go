// Package job holds the messages between a program that wants something done
// by llama.cpp and fettle-runner, which does exactly one job per process: one
// Job as a line of JSON on stdin, Messages as JSON lines on stdout, diagnostics
// on stderr. Exit status 0 means that the last line was a Done.
package job

import "github.com/fettle-edge/fettle/study"

// Job asks for one thing: exactly one of the pointers is set.
type Job struct {
	Libraries string `json:"libraries"`         // folder of the llama.cpp libraries
	Backend   string `json:"backend,omitempty"` // file name of the CPU backend; "" picks the best
	Limits    Limits `json:"limits"`
	// Paced makes the runner wait for one line on stdin after each Chunk, and
	// after the phases whose name begins with idle: whoever started it decides
	// when it goes on. At the end of stdin it gives up.
	Paced    bool      `json:"paced,omitempty"`
	Inspect  *Inspect  `json:"inspect,omitempty"`
	Quantise *Quantise `json:"quantise,omitempty"`
	Evaluate *Evaluate `json:"evaluate,omitempty"`
	Profile  *Profile  `json:"profile,omitempty"`
}

// Limits are what the runner allows itself, before it opens any file that the
// job names.
type Limits struct {
	Memory int64 `json:"memory,omitempty"` // bytes of writable private memory beyond what the runner has at its start; 0 is no limit
	Files  int   `json:"files,omitempty"`  // open files; 0 is no limit
	Write  bool  `json:"write,omitempty"`  // it may write large files
}

// Inspect asks which libraries there are; with Model set, also whether they
// can open it.
type Inspect struct {
	Model []string `json:"model,omitempty"` // files of a split model in order
}

// Quantise converts tensors. It knows no file format: a tensor is a range of
// bytes. Tensors are independent; each finished one is reported as it is done.
type Quantise struct {
	Threads int      `json:"threads"`
	Tensors []Tensor `json:"tensors"`
}

// Tensor is one conversion: Rows rows of RowLength elements of type From at
// Offset in In become Head, then the converted rows, then zeros up to a
// multiple of Align, in the new file Out.
type Tensor struct {
	In        string `json:"in"`
	Offset    int64  `json:"offset"`
	From      string `json:"from"` // F32, F16 or BF16
	To        string `json:"to"`   // as llama.cpp names types: Q4_K, F16, …
	Rows      int64  `json:"rows"`
	RowLength int64  `json:"row_length"`
	Out       string `json:"out"`
	Head      []byte `json:"head"`
	Align     int64  `json:"align"`
}

// Evaluate scores chunks of a text.
type Evaluate struct {
	Model  []string         `json:"model"`  // files in order
	Run    study.RunOptions `json:"run"`    // Context is the length of a chunk
	Text   string           `json:"text"`   // file
	First  int              `json:"first"`  // index of the first chunk to score
	Chunks int              `json:"chunks"` // how many
	// Base is the file of the original's log-probabilities, in
	// llama-perplexity's format. With Save it is written (for chunks 0 to
	// First+Chunks-1, First must be 0), else it is compared with.
	Base string `json:"base"`
	Save bool   `json:"save,omitempty"`
}

// Profile times a workload: WarmUp uncounted repetitions and MaxRepeats counted
// ones. The rest of the protocol, MinRepeats and MaxTime, is for whoever starts
// processes.
type Profile struct {
	Model    []string         `json:"model"`
	Run      study.RunOptions `json:"run"`
	Workload study.Workload   `json:"workload"`
	Seed     int64            `json:"seed"` // of the random tokens
	// EnergySeconds, if positive, adds a part in which prompt and answer are
	// run in turn for at least that long, each announced by a Phase.
	EnergySeconds float64 `json:"energy_seconds,omitempty"`
}

// Message is one line of the runner's output: exactly one pointer is set.
type Message struct {
	Runtime    *Runtime          `json:"runtime,omitempty"` // always the first line
	Quantised  *Quantised        `json:"quantised,omitempty"`
	Chunk      *study.ChunkScore `json:"chunk,omitempty"`
	Repetition *Repetition       `json:"repetition,omitempty"`
	Phase      *Phase            `json:"phase,omitempty"`
	Profiled   *Profiled         `json:"profiled,omitempty"`
	Failure    *study.Failure    `json:"failure,omitempty"` // no Done follows
	Done       *Done             `json:"done,omitempty"`    // always the last line of a success
}

// Runtime says what the job runs on.
type Runtime struct {
	study.RuntimeInfo
	Backends []string `json:"backends"` // CPU backends that this computer can run, best first; empty if the job named one
}

// Quantised reports tensor Index of a Quantise job.
type Quantised struct {
	Index   int          `json:"index"`
	Digest  study.Digest `json:"digest"`  // of the whole file Out
	Bytes   int64        `json:"bytes"`   // of the whole file Out
	Seconds float64      `json:"seconds"` // the whole tensor
	Library float64      `json:"library"` // inside ggml_quantize_chunk, averaged over the threads that worked on it
}

// Phase marks a moment of a Profile job. A sensor reader aligns its windows by
// these lines.
type Phase struct {
	Name string `json:"name"`
}

// The phases, in order.
const (
	PhaseIdleBefore = "idle_before"
	PhaseLoad       = "load"
	PhaseWarmUp     = "warm_up"
	PhaseMeasure    = "measure"
	PhaseIdleLoaded = "idle_loaded" // with EnergySeconds
	PhasePrefill    = "prefill"     // with EnergySeconds, many times
	PhaseDecode     = "decode"      // with EnergySeconds, many times
	PhaseIdleAfter  = "idle_after"
)

// Repetition is one counted repetition of a Profile job.
type Repetition struct {
	FirstToken float64   `json:"first_token"`         // s, prompt to first token
	Prefill    float64   `json:"prefill"`             // s per prompt token
	Decode     []float64 `json:"decode"`              // s of each generated token
	Seconds    float64   `json:"seconds"`             // wall time of the repetition
	CPUSeconds float64   `json:"cpu_seconds"`         // of this process
	OtherCPU   float64   `json:"other_cpu"`           // CPU time of other processes and steal, as a share of wall time times CPUs
	Disturbed  bool      `json:"disturbed,omitempty"` // OtherCPU above the limit; it was repeated if that was still allowed
	Discarded  bool      `json:"discarded,omitempty"` // not counted: it was repeated
}

// Profiled closes a Profile job. Bytes.
type Profiled struct {
	Load        []float64 `json:"load"`      // s, one for each load
	PeakRSS     int64     `json:"peak_rss"`  // VmHWM
	PeakAnon    int64     `json:"peak_anon"` // RssAnon, sampled at its peak moments
	PeakFile    int64     `json:"peak_file"` // RssFile at the same moments
	Floor       int64     `json:"floor"`     // VmHWM before a model was opened
	MajorFaults int64     `json:"major_faults"`

	PrefillTokens int `json:"prefill_tokens,omitempty"` // computed in all phases prefill
	DecodeTokens  int `json:"decode_tokens,omitempty"`  // computed in all phases decode
}

// Done is the last line.
type Done struct {
	Seconds float64 `json:"seconds"` // of the whole process
}
