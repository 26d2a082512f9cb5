package main

import (
	"github.com/fettle-edge/fettle/profiler/job"
	"github.com/fettle-edge/fettle/profiler/llama"
)

// inspect has opened the libraries already; with a model it opens that too.
func inspect(lib *llama.Library, j job.Inspect) error {
	if len(j.Model) == 0 {
		return nil
	}
	m, err := lib.LoadModel(j.Model)
	if err != nil {
		return err
	}
	m.Free()
	return nil
}
