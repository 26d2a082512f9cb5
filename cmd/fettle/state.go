package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

// state is the folder in which a daemon keeps everything.
type state struct{ dir string }

func (s state) database() string { return filepath.Join(s.dir, "fettle.db") }
func (s state) socket() string   { return filepath.Join(s.dir, "fettle.sock") }
func (s state) contents() string { return filepath.Join(s.dir, "contents") }
func (s state) base() string     { return filepath.Join(s.dir, "base") }
func (s state) scratch() string  { return filepath.Join(s.dir, "scratch") }

// state finds the folder: flag, environment, default.
func (a *app) state() (state, error) {
	dir := a.stateDir
	if dir == "" {
		dir = os.Getenv("FETTLE_STATE_DIR")
	}
	if dir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return state{}, fault.New(fault.Invalid, "cannot find a home folder for the daemon's state").Trying("--state-dir FOLDER").Because(err)
			}
			base = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(base, "fettle")
	}
	dir, err := filepath.Abs(dir)
	return state{dir}, err
}

// client reaches the daemon of the state folder.
func (a *app) client() (*client.Client, error) {
	s, err := a.state()
	if err != nil {
		return nil, err
	}
	return client.New(s.socket()), nil
}

// lookUp reaches the daemon and finds a study by its id or name.
func (a *app) lookUp(ctx context.Context, id string) (*client.Client, client.StudyView, error) {
	c, err := a.client()
	if err != nil {
		return nil, client.StudyView{}, err
	}
	s, err := c.Study(ctx, id)
	return c, s, err
}

// take makes the folder and locks it: one daemon for one folder. The lock ends
// with the process, however that ends.
func (s state) take() (release func() error, err error) {
	for _, dir := range []string{s.dir, s.base(), s.scratch()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fault.New(fault.Invalid, "cannot make the state folder %s", dir).Trying("--state-dir FOLDER").Because(err)
		}
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "daemon.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot write to the state folder %s", s.dir).Trying("--state-dir FOLDER").Because(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		f.Close()
		return nil, fault.New(fault.Conflict, "cannot use the state folder %s: another daemon does (process %s)", s.dir, strings.TrimSpace(string(holder))).
			Trying("stop it, or use another --state-dir").Because(err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(f, os.Getpid()) // for the message above only
	}
	return f.Close, nil
}

// sessionKey returns the secret that signs logins, made at the first start.
func (s state) sessionKey() ([]byte, error) {
	path := filepath.Join(s.dir, "session.key")
	key, err := os.ReadFile(path)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key, os.WriteFile(path, key, 0o600)
}

// beside finds what was installed together with this program: in the first of
// some places relative to its folder that exists. An environment variable
// comes first.
func beside(variable, what string, places ...string) (string, error) {
	if path := os.Getenv(variable); path != "" {
		return path, nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return "", err
	}
	for _, p := range places {
		path := filepath.Join(filepath.Dir(exe), p)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fault.New(fault.Invalid, "cannot find %s beside %s", what, exe).Trying("make build, or set %s", variable)
}

// portTaken reports whether err says that another program listens on the
// dashboard's port.
func portTaken(err error) bool { return errors.Is(err, unix.EADDRINUSE) }
