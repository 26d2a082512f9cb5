package meter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Root is the directory that holds a board's sys and proc. Names below it are
// slash-separated and relative, such as "sys/class/thermal".
//
// Errors keep the system's error number: errors.Is tells fs.ErrNotExist,
// fs.ErrPermission, syscall.EAGAIN (no value now, or ever: a gated sensor) and
// syscall.ENODATA (a channel that is switched off) apart.
type Root struct{ files fs.FS }

// At returns the root at a directory: At("/") is this computer.
func At(dir string) Root { return Root{hostFS{FS: os.DirFS(dir), dir: dir}} }

// Over returns a root over any file system.
func Over(files fs.FS) Root { return Root{files} }

// ReadString returns a file's text without surrounding space and NUL bytes.
func (r Root) ReadString(name string) (string, error) {
	data, err := fs.ReadFile(r.files, name)
	if err != nil {
		return "", err
	}
	return strings.Trim(string(data), " \t\r\n\x00"), nil
}

// ReadInt returns the decimal number a file holds.
func (r Root) ReadInt(name string) (int64, error) {
	text, err := r.ReadString(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s holds %.20q instead of a number", name, text)
	}
	return n, nil
}

// Glob returns the names that match a pattern of package path, in order of
// the numbers in them: cpu2 comes before cpu10. Folders that cannot be read
// match nothing.
func (r Root) Glob(pattern string) []string {
	names, err := fs.Glob(r.files, pattern)
	if err != nil { // a malformed pattern, never the tree
		panic(err)
	}
	slices.SortFunc(names, compareNumbered)
	return names
}

// compareNumbered orders names whose digits stand for numbers.
func compareNumbered(a, b string) int {
	for a != "" && b != "" {
		na, nb := leadingDigits(a), leadingDigits(b)
		if na > 0 && nb > 0 {
			x, _ := strconv.ParseUint(a[:na], 10, 64)
			y, _ := strconv.ParseUint(b[:nb], 10, 64)
			if x != y {
				if x < y {
					return -1
				}
				return 1
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func leadingDigits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// reason puts an error of Root into words.
func reason(err error) string {
	var p *fs.PathError
	name := ""
	if errors.As(err, &p) {
		name = path.Clean("/"+p.Path) + ": "
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name + "no such file"
	case errors.Is(err, fs.ErrPermission):
		return name + "permission denied"
	case errors.Is(err, syscall.EAGAIN):
		return name + "the sensor gives no value (EAGAIN)"
	case errors.Is(err, syscall.ENODATA):
		return name + "the sensor is switched off (ENODATA)"
	}
	return err.Error()
}

// hostFS reads files with plain system calls. os.ReadFile will not do: files
// in sysfs take part in polling, so when a sensor answers EAGAIN the Go
// runtime waits for it to become readable, forever.
type hostFS struct {
	fs.FS
	dir string
}

func (h hostFS) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	data, err := readPlain(filepath.Join(h.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

func readPlain(file string) ([]byte, error) {
	var fd int
	err := again(func() (err error) {
		fd, err = syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var data []byte
	buffer := make([]byte, 4096) // sysfs gives at most one page
	for {
		var n int
		err := again(func() (err error) {
			n, err = syscall.Read(fd, buffer)
			return err
		})
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return data, nil
		}
		data = append(data, buffer[:n]...)
	}
}

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
