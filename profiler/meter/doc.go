// Package meter reads a computer's sensors: energy counters, temperatures,
// clocks, throttling, memory and the load of other processes. It knows them
// as files below a root directory, so a recorded tree serves as a test, and
// it never guesses: what cannot be read is absent, with the reason.
//
// Files are read with plain system calls (see Root); nothing here falls back
// on the running computer when a tree lacks a file, which is why the package
// parses the few lines of /proc it needs itself.
package meter
