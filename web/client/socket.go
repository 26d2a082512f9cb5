package client

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// maxSocketPath is the most bytes that Linux takes in the name of a socket.
const maxSocketPath = 107

// ShortPath returns a name under which the kernel finds a path that may be too
// long for a socket: below the open folder's entry in /proc. It is good until
// done is called.
func ShortPath(path string) (short string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)), func() { _ = dir.Close() }, nil
}

// dialSocket connects to a unix socket.
func dialSocket(ctx context.Context, path string) (net.Conn, error) {
	short, done, err := ShortPath(path)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&net.Dialer{}).DialContext(ctx, "unix", short)
}
