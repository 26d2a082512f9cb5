package bench

import (
	"fmt"
	"strings"
)

// Fill replaces what stands between the comments "<!-- name -->" and
// "<!-- end of name -->" of a document.
func Fill(document, name, text string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(document, begin)
	if !ok {
		return "", fmt.Errorf("the document has no %q", strings.TrimSpace(begin))
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return "", fmt.Errorf("the document has no %q", end)
	}
	return before + begin + text + end + after, nil
}
