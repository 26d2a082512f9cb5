package main

import "time"

// reading is the state of the computer's and this process's CPU clocks.
type reading struct {
	wall time.Time
	busy time.Duration // of all CPUs, steal included
	own  time.Duration // of this process
	cpus int
	err  error // busy cannot be read here (Android forbids it)
}

func read() reading {
	r := reading{wall: time.Now()}
	if r.own, _, r.err = usage(); r.err == nil {
		r.busy, r.cpus, r.err = busyTime()
	}
	return r
}

// unknownShare stands for a share that cannot be read.
const unknownShare = -1

// otherCPU returns the CPU time that others have taken between two readings
// (other processes, and steal by other virtual machines), as a share of wall
// time times CPUs. /proc/stat counts ticks of 10 ms, so an interval should be
// at least minWindow long.
func otherCPU(from, to reading) float64 {
	all := to.wall.Sub(from.wall).Seconds() * float64(to.cpus)
	if from.err != nil || to.err != nil || all <= 0 {
		return unknownShare
	}
	others := (to.busy - from.busy) - (to.own - from.own)
	return max(0, others.Seconds()/all)
}

const (
	// minWindow is how long an interval must be for its share to mean
	// something: an error of one tick on one of two CPUs is then 2 %.
	minWindow = 250 * time.Millisecond
	// maxOther is the share above which a repetition is disturbed.
	maxOther = 0.05
	// maxTries is how often a disturbed block is repeated before it is kept.
	maxTries = 2
)
