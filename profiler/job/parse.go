package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxLine bounds a line of the runner's output, in bytes.
const MaxLine = 4 << 20

// Parse reads one line of the runner's output. It trusts nothing: an unknown
// field, more than one message, or none is an error.
func Parse(line []byte) (Message, error) {
	if len(line) > MaxLine {
		return Message{}, fmt.Errorf("line of %d bytes", len(line))
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var m Message
	if err := d.Decode(&m); err != nil {
		return Message{}, err
	}
	if d.More() {
		return Message{}, errors.New("more than one value in a line")
	}
	if n := m.count(); n != 1 {
		return Message{}, fmt.Errorf("%d messages in a line, want 1", n)
	}
	return m, nil
}

// count is the number of pointers that are set.
func (m Message) count() int {
	n := 0
	for _, set := range []bool{m.Runtime != nil, m.Quantised != nil, m.Chunk != nil, m.Repetition != nil,
		m.Phase != nil, m.Profiled != nil, m.Failure != nil, m.Done != nil} {
		if set {
			n++
		}
	}
	return n
}
