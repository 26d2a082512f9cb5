// Package study is the vocabulary of Fettle: what a study, a knob, a trial, a
// recipe, a measurement and a lease are, and how a trial may move from one
// state to the next. Every other package speaks these words; this one imports
// the standard library only and does no I/O.
//
// The package names no runtime and no file format: what a recipe means for a
// model is known to the package that compresses, and to it alone.
package study
