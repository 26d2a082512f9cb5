package tuner

import "github.com/fettle-edge/fettle/study"

// depth is how many trials of a lane may be under way: while a board measures
// one, the next is built and evaluated.
const depth = 2

// laneState is all that decides what a lane does next.
type laneState struct {
	trials    []study.Trial   // of the lane, by index
	attempts  []study.Attempt // of the oldest leased trial, oldest first
	budget    int             // trials the lane may have
	exhausted bool            // the sampler has nothing left to propose
	late      bool            // the wall-time budget is used up
	due       bool            // what is left to gain is to be judged before the next proposal
	enough    bool            // too little is left to gain
	doubtful  int             // trial of the front to be measured again next; -1: none
}

// action is what a lane does next. Trial indexes the lane's trials.
type action struct {
	do    verb
	trial int
}

type verb string

const (
	doPropose  verb = "propose"
	doJudge    verb = "judge" // whether the next trials are worth it
	doBuild    verb = "build"
	doEvaluate verb = "evaluate"
	doSettle   verb = "settle"  // an attempt has ended: take its result or try again
	doConfirm  verb = "confirm" // a member of the front is measured again
	doWait     verb = "wait"    // for the board
	doFinish   verb = "finish"  // nothing is left
)

// next decides what a lane does. The order of its rules makes the history that
// a proposal sees independent of timing: trial n is proposed as soon as trial
// n-1 is on its way to the board and trial n-2 is settled, and always before
// trial n-1 is settled, whenever that one's result arrives. The front is
// confirmed when nothing is left to propose.
func next(s laneState) action {
	open, leased := 0, -1
	for i, t := range s.trials {
		switch t.State {
		case study.Proposed, study.Building:
			return action{doBuild, i}
		case study.Evaluating:
			return action{doEvaluate, i}
		case study.Leased:
			if leased < 0 {
				leased = i
			}
			open++
		case study.Ready:
			open++
		}
	}
	more := len(s.trials) < s.budget && !s.exhausted && !s.late && !s.enough
	if more && open < depth && s.due {
		return action{do: doJudge}
	}
	if more && open < depth {
		return action{do: doPropose}
	}
	if leased >= 0 && len(s.attempts) > 0 && s.attempts[len(s.attempts)-1].State != study.AttemptRunning {
		return action{doSettle, leased}
	}
	if s.doubtful >= 0 && !s.late && open < depth {
		return action{doConfirm, s.doubtful}
	}
	if open > 0 {
		return action{do: doWait}
	}
	return action{do: doFinish}
}
