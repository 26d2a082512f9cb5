// Package llama is a cgo-free binding of llama.cpp v0.5.0, made with purego.
//
// The parameter structs of llama.h and ggml.h change between versions without
// notice and are passed by value, so Open refuses every library file whose
// SHA-256 it does not know. A process opens the libraries once.
//
// A failed assertion inside llama.cpp aborts the process, and nothing here can
// prevent that: only fettle-runner, which does one job per process, imports
// this package.
//
// The goroutine that decodes or quantises must hold its thread
// (runtime.LockOSThread): see cleanUpper.
package llama
