package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/fettle-edge/fettle/profiler/job"
)

// maxOutput is how large a file may get that a job without files of its own
// writes: stdout and stderr may be files.
const maxOutput = 16 << 20

// limit confines this process before it opens a file that the job names.
func limit(l job.Limits) error {
	set := func(what int, n uint64) error {
		var old syscall.Rlimit
		if err := syscall.Getrlimit(what, &old); err != nil {
			return err
		}
		n = min(n, old.Max)
		return syscall.Setrlimit(what, &syscall.Rlimit{Cur: n, Max: n})
	}
	if err := set(syscall.RLIMIT_CORE, 0); err != nil {
		return fmt.Errorf("cannot forbid core dumps: %w", err)
	}
	if !l.Write {
		if err := set(syscall.RLIMIT_FSIZE, maxOutput); err != nil {
			return fmt.Errorf("cannot limit the size of files: %w", err)
		}
	}
	if l.Files > 0 {
		if err := set(syscall.RLIMIT_NOFILE, uint64(l.Files)); err != nil {
			return fmt.Errorf("cannot limit open files: %w", err)
		}
	}
	if l.Memory > 0 {
		m, err := readMemory()
		if err != nil {
			return err
		}
		// RLIMIT_DATA counts writable private memory. RLIMIT_AS would also
		// count what the Go runtime and malloc reserve and never use, which
		// is more than a small model needs and differs from run to run.
		if err := set(syscall.RLIMIT_DATA, uint64(m.data+l.Memory)); err != nil {
			return fmt.Errorf("cannot limit memory: %w", err)
		}
	}
	// If memory runs out, this process is the one to end. Where that cannot be
	// said, the kernel decides as always.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	return nil
}
