package study

import "strings"

// Suggest returns the known word that somebody most likely meant by word: the
// nearest if a third of it or less is mistyped, else the first that starts it
// or that it starts (minimise: min). "" if there is none. Case does not count.
func Suggest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, nearest := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), strings.ToLower(k)); d < nearest {
			best, nearest = k, d
		}
	}
	if best == "" && len(word) >= 3 {
		for _, k := range known {
			if len(k) >= 3 && (strings.HasPrefix(word, k) || strings.HasPrefix(k, word)) {
				return k
			}
		}
	}
	return best
}

// didYouMean ends a message with a suggestion, if there is one.
func didYouMean(word string, known []string) string {
	if s := Suggest(word, known); s != "" {
		return "; did you mean " + s + "?"
	}
	return ""
}

// editDistance is the number of bytes to insert, delete, replace or swap with
// their neighbour to turn a into b (optimal string alignment).
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
