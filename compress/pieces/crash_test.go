package pieces

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const victimDir = "FETTLE_TEST_PIECES"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		fmt.Fprintln(os.Stderr, victim(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// victim writes pieces and index entries until it is killed, and says so once
// it has begun.
func victim(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		block := bytes.Repeat([]byte{byte(i)}, 64<<10)
		ref, err := s.Write(func(w io.Writer) error {
			for range 8 {
				if _, err := w.Write(block); err != nil {
					return err
				}
			}
			_, err := fmt.Fprint(w, i)
			return err
		})
		if err != nil {
			return err
		}
		if err := s.Record(Key{Position: i}, ref); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// Whenever the process is killed, what stands under a digest is whole, every
// index entry leads to it, and the next Open sweeps the rest.
func TestKillLeavesOnlyWholeContent(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), victimDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 1)
		for range 3 + 2*round { // then it is somewhere in the middle of another piece
			if _, err := out.Read(line); err != nil {
				t.Error(err)
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	s := open(t, dir)
	if len(content(t, dir)) == 0 {
		t.Fatal("the processes wrote nothing")
	}
	sound(t, dir)
	left, err := os.ReadDir(filepath.Join(dir, tempDir))
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	entries, err := filepath.Glob(filepath.Join(dir, keysDir, "*", "*"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("no index entries: %v", err)
	}
	found := 0
	for i := range 1000 {
		if _, ok := s.Lookup(Key{Position: i}); ok {
			found++
		}
	}
	if found < len(entries) && found < 1000 {
		t.Errorf("%d of %d index entries lead to a piece", found, len(entries))
	}
}
