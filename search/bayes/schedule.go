package bayes

import "slices"

// refitEvery is the number of tells between two fits.
func refitEvery(tells int) int {
	switch {
	case tells <= 20:
		return 1
	case tells <= 40:
		return 2
	case tells <= 100:
		return 5
	case tells <= 200:
		return 10
	}
	return 25
}

// scheduled is the number of tells that the fit in use after n tells is of.
// The columns take turns, so that not all are fitted after the same tell.
func scheduled(n int, c column, columns int) int {
	every := refitEvery(n)
	return n - (n+int(c)*max(1, every/columns))%every
}

// anchors are the numbers of tells of fits from which others start: an anchor
// from the anchor before it, every other fit from the last anchor before it. So
// few fits have to be made again after a restart.
var anchors = [...]int{4, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 181, 256, 362}

// From firstChoice on a warp is chosen at each anchor, up to lastChoice. With
// fewer values the choice is mostly luck, and values as they are do better;
// with more it hardly changes, and costs a fit for each warp.
const (
	firstChoice = 22
	lastChoice  = 90
)

// anchor returns the last anchor before k, or 0.
func anchor(k int) int {
	if i, _ := slices.BinarySearch(anchors[:], k); i > 0 {
		return anchors[i-1]
	}
	return 0
}

// chooses reports whether the fit after k tells chooses a warp.
func chooses(k int) bool {
	return firstChoice <= k && k <= lastChoice && slices.Contains(anchors[:], k)
}
