package store

import (
	"fmt"
	"testing"
)

// LimitPages keeps the database from growing beyond n pages, as a full disk
// would.
func LimitPages(t testing.TB, s *Store, n int) {
	t.Helper()
	if _, err := s.write.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, n)); err != nil {
		t.Fatal(err)
	}
}
