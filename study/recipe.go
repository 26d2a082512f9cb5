package study

import (
	"encoding/json"
	"fmt"
)

// Recipe is what an assignment means for one model. Two assignments with equal
// recipes are duplicates.
type Recipe struct {
	Format string          `json:"format"` // tag of the model part's encoding, such as gguf/1
	Model  json.RawMessage `json:"model"`  // canonical JSON; opaque but to the package that compresses
	Run    RunOptions      `json:"run"`
	Text   string          `json:"text"` // one line for people
}

// RunOptions is the run part of a recipe.
type RunOptions struct {
	Threads int    `json:"threads"`
	Flash   bool   `json:"flash"`   // flash attention
	KV      string `json:"kv"`      // type of the key-value cache: f16, q8_0, …
	Context int    `json:"context"` // tokens
}

// Variant is the identity of what the model part builds from the model.
func (r Recipe) Variant(model Digest) Digest {
	return DigestOf(fmt.Appendf(nil, "variant %s %s %s", model, r.Format, r.Model))
}

// Key is the identity of the whole recipe.
func (r Recipe) Key() string {
	run, _ := json.Marshal(r.Run) // a struct of plain fields cannot fail
	return string(DigestOf(fmt.Appendf(nil, "recipe %s %s %s", r.Format, r.Model, run)))
}

// PieceRef names one piece of a variant. A variant is the list of its pieces
// in order.
type PieceRef struct {
	Digest Digest `json:"digest"`
	Bytes  int64  `json:"bytes"`
}

// Prediction is what is known of a recipe before anything is built or
// measured.
type Prediction struct {
	FileBytes       int64 `json:"file_bytes"`        // exact: the exported file
	WeightBytes     int64 `json:"weight_bytes"`      // exact: its tensors
	KVBytes         int64 `json:"kv_bytes"`          // the key-value cache at the run part's context
	OpsPerToken     int64 `json:"ops_per_token"`     // multiplications and additions of the matrices for one decoded token
	PeakMemoryBytes int64 `json:"peak_memory_bytes"` // lower bound: weights and key-value cache
	// Damage is the sum of what leaving out each missing half block costs alone,
	// in nats per token, by the ranking; 0 without one. It is no prediction of a
	// variant's divergence, but variants of more have more.
	Damage float64 `json:"damage,omitempty"`
}

// Ranking is the measured damage of leaving out each half block of a model, in
// mean Kullback-Leibler divergence (nats per token). Index i is block i.
type Ranking struct {
	Attention []float64 `json:"attention"`
	FFN       []float64 `json:"ffn"`
}

// Model is a model in the content store and what its file says of it.
type Model struct {
	Digest       Digest            `json:"digest"`
	Name         string            `json:"name"`
	Bytes        int64             `json:"bytes"`
	Format       string            `json:"format"` // such as gguf
	Architecture string            `json:"architecture"`
	Parameters   int64             `json:"parameters"`
	Blocks       int               `json:"blocks"`
	Context      int               `json:"context"` // tokens it was trained for
	Vocabulary   int               `json:"vocabulary"`
	Types        map[string]int64  `json:"types"`             // bytes of tensors by type
	Refused      map[string]string `json:"refused,omitempty"` // knob → why this model cannot have it
}
