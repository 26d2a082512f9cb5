package profiler

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-edge/fettle/profiler/internal/testenv"
)

// A test binary that finds this variable plays a runner that misbehaves.
const fakeVariable = "FETTLE_FAKE"

func TestMain(m *testing.M) {
	if name, ok := os.LookupEnv(fakeVariable); ok {
		fakes[name]()
		os.Exit(0)
	}
	os.Exit(testenv.Run(m))
}

const (
	hello = `{"runtime":{"name":"llama.cpp","version":"0","digest":"","backend":"","backends":null}}`
	bye   = `{"done":{"seconds":1}}`
)

// fakes are runners that misbehave in one way each. Each has read its job.
var fakes = map[string]func(){
	"well":      func() { say(hello, bye) },
	"mute":      func() { hang() },
	"hang":      func() { say(hello); hang() },
	"garbage":   func() { say("Segmentation fault") },
	"unknown":   func() { say(`{"surprise":{}}`) },
	"rude":      func() { say(bye) },
	"twice":     func() { say(hello, hello, bye) },
	"other":     func() { say(hello, `{"phase":{"name":"load"}}`, bye) },
	"endless":   func() { fmt.Print(strings.Repeat("x", 5<<20)); hang() },
	"quitter":   func() { say(hello) },
	"interrupt": func() { say(hello); fmt.Print(`{"done":{"sec`); os.Exit(3) },
	"failing":   func() { say(hello, `{"failure":{"infeasible":true,"reason":"load","detail":"no tensor"}}`); os.Exit(1) },
	"trickster": func() {
		say(hello, `{"failure":{"infeasible":true,"reason":"load","detail":"a \u001b[2Jb\nc","stderr":["\u001b[2J"]}}`)
		os.Exit(1)
	},
	"late":     func() { say(hello, bye); hang() },
	"killed":   func() { say(hello); die(syscall.SIGKILL) },
	"segfault": func() { say(hello); complain("SIGSEGV: segmentation violation"); os.Exit(2) },
	"assert": func() {
		say(hello)
		complain("/home/ci/ggml/src/ggml.c:42: GGML_ASSERT(ok) failed")
		die(syscall.SIGABRT)
	},
	"assert-go":  func() { say(hello); complain("x.cpp:7: fatal", "SIGABRT: abort", "goroutine 1"); os.Exit(2) },
	"assert-too": func() { complain("x.cpp:7: fatal"); die(syscall.SIGABRT) }, // before it said what it is
	"alloc": func() {
		say(hello)
		complain("terminate called after throwing an instance of 'std::bad_alloc'")
		die(syscall.SIGABRT)
	},
	"chatty": func() {
		say(hello)
		complain("\x1b[31mred\x1b[0m\a", "nul \x00 and \xff and \u202e")
		for i := range 100 {
			complain(fmt.Sprint("line ", i, strings.Repeat(".", 1000)))
		}
		os.Exit(4)
	},
	"locker":      fakeLocker,
	"chunks":      fakeChunks,
	"environment": func() { complain(os.Environ()...); os.Exit(5) },
	"parent": func() {
		c := exec.Command("sleep", "1000")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr // it keeps the pipes open
		if err := c.Start(); err != nil {
			panic(err)
		}
		complain(fmt.Sprint(c.Process.Pid))
		say(hello)
		hang()
	},
}

func say(lines ...string)      { fmt.Println(strings.Join(lines, "\n")) }
func complain(lines ...string) { fmt.Fprintln(os.Stderr, strings.Join(lines, "\n")) }

// hang does nothing for longer than any test lasts.
func hang() { time.Sleep(time.Hour) }

func die(s syscall.Signal) {
	// The Go runtime would turn SIGABRT into an exit of its own.
	if s == syscall.SIGABRT {
		c := exec.Command("sh", "-c", "kill -ABRT $PPID")
		_ = c.Run()
	}
	_ = syscall.Kill(os.Getpid(), s)
	hang()
}

// fake returns a Runner whose child is a fake that has read its job.
func fake(t *testing.T, name string, change ...func(*Config)) *Runner {
	t.Helper()
	if fakes[name] == nil {
		t.Fatalf("no fake %q", name)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Path:      self,
		Prefix:    []string{"env", fakeVariable + "=" + name},
		Libraries: "/nowhere",
		Lock:      t.TempDir() + "/lock",
		Timeout:   20 * time.Second,
	}
	for _, f := range change {
		f(&c)
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
