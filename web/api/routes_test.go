package api

import (
	"os"
	"strings"
	"testing"
)

// TestRoutesAreDocumented holds docs/API.md against the route table.
func TestRoutesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/API.md")
	if err != nil {
		t.Fatal(err)
	}
	levels := map[Level]string{Open: "open", Login: "login", Socket: "socket"}
	rows := 0
	for _, r := range Routes() {
		if r.Level == Open && r.Method == "GET" {
			if !strings.Contains(string(doc), "`"+r.Path+"`") {
				t.Errorf("docs/API.md does not name the page %s", r.Path)
			}
			continue
		}
		rows++
		if row := "| `" + r.Method + " " + r.Path + "` | " + levels[r.Level] + " |"; !strings.Contains(string(doc), row) {
			t.Errorf("docs/API.md lacks the row %s", row)
		}
	}
	if n := strings.Count(string(doc), "| `GET /") + strings.Count(string(doc), "| `POST /"); n != rows {
		t.Errorf("docs/API.md has %d rows for %d routes", n, rows)
	}
}
