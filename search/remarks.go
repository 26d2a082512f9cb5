package search

import "fmt"

// remarks are sentences for people on what a sampler found out.
type remarks struct{ list []string }

func (r *remarks) reset() { r.list = r.list[:0] }

func (r *remarks) fallback(err error) { r.list = append(r.list, err.Error()) }

func (r *remarks) redundant(i, j int, correlation float64) {
	r.list = append(r.list, fmt.Sprintf("objectives %d and %d follow each other (correlation %.3f): they share one model", i+1, j+1, correlation))
}
