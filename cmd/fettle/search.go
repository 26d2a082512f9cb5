package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/search/asktell"
	"github.com/fettle-edge/fettle/study/fault"
)

// search is for developers: it is not in the help.
func (a *app) search() *cobra.Command {
	askTell := &cobra.Command{
		Use: "ask-tell", Short: "Use the search from another program, over JSON lines",
		Long: `Reads one JSON object from each line of standard input and writes one line for
each to standard output: init, ask, tell, add and exit. An error is an object
with the field error; the conversation goes on after it.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return converse(cmd.Context(), os.Stdin, a.stdout) },
	}
	cmd := group("search", "Try the search without a study", askTell)
	cmd.Hidden = true
	return cmd
}

const (
	// maxLine bounds the memory that a line may take.
	maxLine = 16 << 20
	// idle is how long no line must come before the next ask is prepared: a
	// client that tells several trials in a row should not wait between them.
	idle = 5 * time.Millisecond
)

// converse answers lines until there are no more, or the context ends. After a
// tell it does the work of the next ask in the time that the client leaves it.
func converse(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan line)
	go scan(ctx, bufio.NewReader(in), lines)
	var session asktell.Session
	var quiet <-chan time.Time // not nil: there is something to prepare
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-quiet:
			session.Prepare()
			quiet = nil
		case l := <-lines:
			if l.err == io.EOF {
				return nil
			}
			if l.err != nil {
				return fault.New(fault.Internal, "cannot read standard input").Because(l.err)
			}
			answer, told, exit := asktell.Refusal(errLongLine), false, false
			if !l.long {
				answer, told, exit = session.Answer(l.text)
			}
			if exit {
				return nil
			}
			if _, err := out.Write(append(answer, '\n')); err != nil {
				return fault.New(fault.Internal, "cannot write to standard output").Because(err)
			}
			if quiet = nil; told {
				quiet = time.After(idle)
			}
		}
	}
}

var errLongLine = fault.New(fault.TooLarge, "cannot read a line of more than %d MiB", maxLine>>20)

// line is a line of input, or what came instead.
type line struct {
	text []byte
	long bool // longer than maxLine; the text is lost
	err  error
}

// scan sends lines until the first error, which is io.EOF at the end. It is not
// waited for: a read from a terminal cannot be ended.
func scan(ctx context.Context, r *bufio.Reader, lines chan<- line) {
	for {
		l := next(r)
		select {
		case lines <- l:
		case <-ctx.Done():
			return
		}
		if l.err != nil {
			return
		}
	}
}

// next reads a line. The last one needs no end of line; empty ones are passed
// over.
func next(r *bufio.Reader) line {
	var l line
	for {
		part, err := r.ReadSlice('\n')
		if l.long = l.long || len(l.text)+len(part) > maxLine; l.long {
			l.text = nil
		} else {
			l.text = append(l.text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (len(l.text) == 0 && !l.long || err != io.EOF):
			return line{err: err}
		case err == nil && !l.long && len(l.text) == 1:
			l.text = nil // an empty line
			continue
		}
		return l
	}
}
