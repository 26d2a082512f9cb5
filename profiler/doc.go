// Package profiler starts fettle-runner for one job at a time, confines it,
// and turns what it says and how it ends into measurements, scores and
// failures. It also holds the lock that keeps two measurements of one computer
// apart.
//
// Every error of a job is a *study.Failure that says whose fault it was.
package profiler
