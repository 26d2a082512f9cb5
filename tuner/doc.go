// Package tuner runs studies: one file for each step of a trial, one goroutine
// for each lane.
//
//	ask.go       1 ask       search: history → assignment; compress: assignment → recipe
//	             2 plan
//	check.go     3 check     what is known without measuring: reject what cannot hold
//	build.go     4 build     compress: only pieces that never existed
//	evaluate.go  5 evaluate  quality, chunk by chunk, ended early when hopeless
//	             6 measure   the board's agent leases the trial; the lane waits
//	sister.go                 points of a sister lane's front, tried by a lane that fell behind
//	enough.go                 whether the next trials are worth it; explain.go says it to people
//	settle.go    7 tell      samples → values → search
//
// What a lane does next is the pure function next, tested without I/O. A lane
// holds no state that the store does not have, but for its sampler, which is
// replayed from the store's history: after a crash the lane is rebuilt, and
// next says where to go on.
package tuner
