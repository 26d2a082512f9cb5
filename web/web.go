// Package web serves the dashboard and the API: on a loopback TCP address for
// browsers, which need a login, and on a unix socket for the command line,
// which needs none because the file system guards it.
package web

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-edge/fettle/web/api"
)

// Limits of both servers.
const (
	headerTime = 5 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 60 * time.Second // event streams and downloads set their own
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
)

// Config says what to serve and where.
type Config struct {
	Listen       string   // address of the dashboard; loopback only; port 0 takes a free one
	Socket       string   // path of the unix socket; "" is none
	AllowedHosts []string // names besides 127.0.0.1, [::1] and localhost that a Host header may have
	SessionKey   []byte   // 32 secret bytes or more that stay the same over restarts: logins do too
	Backend      api.Backend
	Log          *slog.Logger
}

// Server is the two listeners and what they serve. Use: New, Serve, Shutdown.
type Server struct {
	api     *api.API
	access  *access
	tcp     net.Listener
	unix    *socket // nil without
	servers []*http.Server
	closing context.CancelCauseFunc
}

var errClosing = errors.New("the server is shutting down")

// New opens the listeners, so that what is wrong with them is known at once.
// Nothing is answered before Serve. Config.Backend's Access, Page and Assets
// are set by New.
func New(c Config) (*Server, error) {
	tcp, err := listen(c.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{tcp: tcp}
	if c.Socket != "" {
		if s.unix, err = listenSocket(c.Socket); err != nil {
			return nil, errors.Join(err, tcp.Close())
		}
	}
	if err := s.build(c); err != nil {
		return nil, errors.Join(err, s.closeListeners())
	}
	return s, nil
}

func (s *Server) build(c Config) error {
	ui, err := loadAssets()
	if err != nil {
		return err
	}
	s.access, err = newAccess(s.tcp.Addr().(*net.TCPAddr), c.SessionKey)
	if err != nil {
		return err
	}
	ctx, closing := context.WithCancelCause(context.Background())
	s.closing = closing
	b := c.Backend
	b.Access, b.Page, b.Assets = s.access, http.HandlerFunc(ui.page), http.HandlerFunc(ui.asset)
	s.api = api.New(ctx, b, c.Log)
	browsers := guard(s.api, append([]string{"127.0.0.1", "[::1]", "localhost"}, c.AllowedHosts...))
	logger := slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug)
	s.servers = append(s.servers, server(browsers, logger))
	if s.unix != nil {
		local := server(secure(s.api), logger)
		local.WriteTimeout = 0 // taking a large model into the store may last
		local.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return onSocket(ctx) }
		s.servers = append(s.servers, local)
	}
	return nil
}

// URL is the dashboard's address.
func (s *Server) URL() string { return s.access.base }

// Link makes a one-time link that logs a browser in, and says how long it is
// good for.
func (s *Server) Link() (url string, valid time.Duration) { return s.access.Link() }

// Serve answers until Shutdown, and then returns nil.
func (s *Server) Serve() error {
	var g errgroup.Group
	run := func(srv *http.Server, l net.Listener) {
		g.Go(func() error {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return errors.Join(err, s.close())
			}
			return nil
		})
	}
	run(s.servers[0], s.tcp)
	if s.unix != nil {
		run(s.servers[1], s.unix)
	}
	return g.Wait()
}

// Shutdown stops taking requests, ends event streams, waits for what is being
// answered, and cuts what is left when ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing(errClosing)
	var g errgroup.Group
	for _, srv := range s.servers {
		g.Go(func() error { return srv.Shutdown(ctx) })
	}
	err := g.Wait()
	if err != nil {
		err = errors.Join(err, s.close())
	}
	return errors.Join(err, s.closeListeners()) // Serve may never have been called
}

// close cuts every connection.
func (s *Server) close() error {
	s.closing(errClosing)
	var errs []error
	for _, srv := range s.servers {
		errs = append(errs, srv.Close())
	}
	return errors.Join(errs...)
}

func (s *Server) closeListeners() error {
	err := s.tcp.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if s.unix != nil {
		err = errors.Join(err, s.unix.Close())
	}
	return err
}

func server(h http.Handler, logger *log.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          logger,
	}
}
