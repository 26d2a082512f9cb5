package web

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

// listen opens the dashboard's address. Without TLS it is a loopback address
// or nothing: logins and models would cross the network in the clear.
func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot read the address %q", address).Trying("--listen 127.0.0.1:8420").Because(err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fault.New(fault.Invalid, "cannot serve the dashboard on %s: without TLS it listens on this computer alone", address).
			Trying("--listen 127.0.0.1:8420 here, and from elsewhere ssh -L 8420:127.0.0.1:8420 THIS-COMPUTER")
	}
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fault.New(fault.Conflict, "cannot listen on %s: another program does", address).Trying("--listen 127.0.0.1:0").Because(err)
	}
	if err != nil {
		return nil, fault.New(fault.Internal, "cannot listen on %s", address).Because(err)
	}
	return l, nil
}

// socket is a unix socket that nobody but its owner can ever open.
type socket struct {
	*net.UnixListener
	path string
}

// listenSocket makes the socket with mode 0600 whatever the umask is: in a
// folder of its own that only the owner can enter, from where it is moved to
// its path. A socket that nobody answers on any more is replaced.
func listenSocket(path string) (*socket, error) {
	short, done, err := client.ShortPath(path)
	if err != nil {
		return nil, fault.New(fault.Internal, "cannot make the socket %s", path).Because(err)
	}
	defer done()
	if c, err := net.Dial("unix", short); err == nil {
		_ = c.Close()
		return nil, fault.New(fault.Conflict, "cannot listen on %s: another daemon does", path).Trying("stop it, or use another --state-dir")
	}
	l, err := hiddenSocket(path)
	if err != nil {
		return nil, fault.New(fault.Internal, "cannot make the socket %s", path).Because(err)
	}
	return &socket{l, path}, nil
}

func hiddenSocket(path string) (*net.UnixListener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	hidden := filepath.Join(dir, "s")
	short, done, err := client.ShortPath(hidden)
	if err != nil {
		return nil, err
	}
	defer done()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(hidden, 0o600), os.Rename(hidden, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close ends listening and takes the socket's name away. Closing twice is
// fine.
func (s *socket) Close() error {
	if err := s.UnixListener.Close(); errors.Is(err, net.ErrClosed) {
		return nil
	} else if err != nil {
		return err
	}
	if err := os.Remove(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
