package client

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Resync is the kind of an event that says: some changes were skipped, read
// everything again. Its Seq is where the stream goes on.
const Resync study.EventKind = "resync"

// How a broken stream of events is taken up again.
const (
	firstWait = 250 * time.Millisecond
	longWait  = 5 * time.Second
	tries     = 8 // in a row without a single answer, about 20 s
	// silence is how long a stream may be quiet: the daemon pings every 15 s.
	silence = 45 * time.Second
	maxLine = 1 << 20
)

// Events yields the changes after a revision as they happen, of one study or
// of everything (""); since < 0 starts now. A broken connection is taken up
// again where it broke, so nothing is lost or doubled. It ends after yielding
// an error: the context's end, a refusal by the daemon, or a daemon that stays
// unreachable.
func (c *Client) Events(ctx context.Context, since int64, studyID string) iter.Seq2[study.Event, error] {
	return func(yield func(study.Event, error) bool) {
		wait, failed := firstWait, 0
		for {
			before := since
			stopped, err := c.follow(ctx, &since, studyID, yield)
			switch {
			case stopped:
				return
			case ctx.Err() != nil:
				yield(study.Event{}, c.unreachable(ctx, ctx.Err()))
				return
			case err != nil && fault.KindOf(err) != fault.Unreachable:
				yield(study.Event{}, err)
				return
			case err == nil || since != before: // it worked for a while
				wait, failed = firstWait, 0
			default:
				if failed++; failed == tries {
					yield(study.Event{}, err)
					return
				}
			}
			if err := pause(ctx, wait); err != nil {
				yield(study.Event{}, c.unreachable(ctx, err))
				return
			}
			wait = min(2*wait, longWait)
		}
	}
}

// follow reads one connection. err is nil if it broke after it had been
// accepted; stopped means that the consumer wants no more.
func (c *Client) follow(ctx context.Context, since *int64, studyID string, yield func(study.Event, error) bool) (stopped bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query := url.Values{}
	if studyID != "" {
		query.Set("study", studyID)
	}
	if *since >= 0 {
		query.Set("since", strconv.FormatInt(*since, 10))
	}
	resp, err := c.do(ctx, http.MethodGet, "/events?"+query.Encode(), nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	for m := range messages(resp.Body, func() { quiet.Reset(silence) }) {
		var e study.Event
		if json.Unmarshal([]byte(m.data), &e) != nil {
			continue
		}
		*since = e.Seq
		switch m.event {
		case "hello":
			continue
		case string(Resync):
			e.Kind = Resync
		}
		if !yield(e, nil) {
			return true, nil
		}
	}
	return false, nil
}

type message struct{ event, data string }

// messages reads an event stream (HTML, section 9.2.6) until it ends; seen is
// called for every line.
func messages(r io.Reader, seen func()) iter.Seq[message] {
	return func(yield func(message) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		var m message
		for lines.Scan() {
			seen()
			field, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "event":
				m.event = value
			case "data":
				m.data += value
			case "": // an empty line ends a message; a comment has a value
				if lines.Text() == "" && m.data != "" {
					if !yield(m) {
						return
					}
					m = message{}
				}
			}
		}
	}
}

// pause waits, or returns the context's cause.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
