package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const oneKnob = `{"cmd":"init","directions":["minimize"],"space":[{"name":"a","type":"int","low":0,"high":9}],"options":{"sampler":"random"}}`

// talk runs a conversation and returns the answers.
func talk(t *testing.T, in string) []string {
	t.Helper()
	var out strings.Builder
	if err := converse(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if out.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestConverse(t *testing.T) {
	long := `{"cmd":"` + strings.Repeat("x", maxLine) + `"}`
	got := talk(t, oneKnob+"\n\n"+`{"cmd":"ask"}`+"\r\n"+long+"\n"+`{"cmd":"tell","id":0,"values":[1]}`+"\n"+`{"cmd":"ask"}`)
	if len(got) != 5 {
		t.Fatalf("%d answers: %q", len(got), got)
	}
	for i, want := range []string{`{"ok":true}`, `{"id":0,`, `more than 16 MiB`, `{"ok":true}`, `{"id":1,`} {
		if !strings.Contains(got[i], want) {
			t.Errorf("answer %d is %s, want %s", i, got[i], want)
		}
	}
	if got := talk(t, `{"cmd":"exit"}`+"\n"+oneKnob); got != nil {
		t.Errorf("after exit: %q", got)
	}
	if got := talk(t, long); len(got) != 1 {
		t.Errorf("a long line without an end: %d answers", len(got))
	}
}

// TestConverseWaits: the command prepares the next ask while the client is
// silent, and then answers as before.
func TestConverseWaits(t *testing.T) {
	in, client := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- converse(t.Context(), in, out) }()
	scanner := bufio.NewScanner(answers)
	for i, l := range []string{oneKnob, `{"cmd":"ask"}`, `{"cmd":"tell","id":0,"values":[1]}`, `{"cmd":"ask"}`} {
		if _, err := io.WriteString(client, l+"\n"); err != nil {
			t.Fatal(err)
		}
		if !scanner.Scan() || strings.Contains(scanner.Text(), "error") {
			t.Fatalf("line %d: %s", i, scanner.Text())
		}
	}
	client.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConverseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errSignal)
	in, _ := io.Pipe()
	if err := converse(ctx, in, io.Discard); !errors.Is(err, errSignal) {
		t.Errorf("%v", err)
	}
	broken := errors.New("broken")
	in, client := io.Pipe()
	client.CloseWithError(broken)
	if err := converse(t.Context(), in, io.Discard); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestSearchIsHidden: the command works and is not in the help.
func TestSearchIsHidden(t *testing.T) {
	var out strings.Builder
	root := newRoot(&out, &out)
	find := func(c *cobra.Command, err error) *cobra.Command {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, _, err := root.Find([]string{"search", "ask-tell"})
	if find(c, err).Name() != "ask-tell" {
		t.Errorf("found %s", c.Name())
	}
	root.SetArgs([]string{"--help"})
	if err := root.Execute(); err != nil || strings.Contains(out.String(), "search") {
		t.Errorf("%v: %s", err, out.String())
	}
}
