package llama

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// logTail keeps the last warnings and errors of llama.cpp: functions that fail
// only return NULL, the reason is in the log. Threads of ggml may write it.
type logTail struct {
	mu    sync.Mutex
	lines []string
}

const (
	logLines = 20  // kept
	logWidth = 400 // bytes of a line that are kept
)

// Levels of a log line.
const (
	levelWarn  = 3
	levelError = 4
)

// capture routes the log of llama.cpp and ggml here. A callback of NULL would
// mean stderr, so a callback is needed even for silence.
func (t *logTail) capture(llama uintptr) error {
	var logSet func(callback, data uintptr)
	if err := bindAll(llama, map[string]any{"llama_log_set": &logSet}); err != nil {
		return err
	}
	logSet(purego.NewCallback(func(level int32, text *byte, _ uintptr) uintptr {
		if level == levelWarn || level == levelError {
			t.add(cString(text, logWidth), level == levelError)
		}
		return 0
	}), 0)
	return nil
}

// add keeps a line. Errors also go to stderr at once: if llama.cpp aborts next,
// they say why.
func (t *logTail) add(line string, isError bool) {
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	if isError {
		fmt.Fprintln(os.Stderr, line)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	t.lines = t.lines[max(0, len(t.lines)-logLines):]
}

// take returns and forgets the kept lines, joined to one.
func (t *logTail) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.Join(t.lines, "; ")
	t.lines = nil
	return s
}

// cString copies a C string of at most limit bytes.
func cString(p *byte, limit int) string {
	if p == nil {
		return ""
	}
	n := 0
	for n < limit && *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
