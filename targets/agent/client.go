package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets/wire"
)

// Client is a wire.Peer over HTTP.
type Client struct {
	url   string // of the agent port, without a trailing slash
	cache string // folder of fetched pieces
	http  *http.Client
}

var _ wire.Peer = (*Client)(nil)

// requestTimeout bounds every call but Poll and Piece; a poll may linger.
const (
	requestTimeout = 20 * time.Second
	pollTimeout    = 60 * time.Second
	maxAnswer      = 4 << 20
)

// NewClient returns a Peer that reaches the daemon at url and keeps pieces in
// the folder cache, which must exist.
func NewClient(url, cache string) *Client {
	return &Client{url: strings.TrimSuffix(url, "/"), cache: cache, http: &http.Client{}}
}

// Hello implements wire.Peer.
func (c *Client) Hello(ctx context.Context, h wire.Hello) (w wire.Welcome, err error) {
	err = c.post(ctx, requestTimeout, "hello", h, &w)
	return w, err
}

// Poll implements wire.Peer.
func (c *Client) Poll(ctx context.Context, p wire.Poll) (w *wire.Work, err error) {
	err = c.post(ctx, pollTimeout, "poll", p, &w)
	return w, err
}

// Renew implements wire.Peer.
func (c *Client) Renew(ctx context.Context, l study.Lease) (got study.Lease, err error) {
	err = c.post(ctx, requestTimeout, "renew", l, &got)
	return got, err
}

// Report implements wire.Peer.
func (c *Client) Report(ctx context.Context, r wire.Report) error {
	return c.post(ctx, requestTimeout, "report", r, &struct{}{})
}

func (c *Client) post(ctx context.Context, limit time.Duration, name string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/agent/v1/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fault.New(fault.Unreachable, "cannot reach the daemon at %s", c.url).Because(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fault.New(fault.Unreachable, "cannot read the daemon's answer").Because(err)
	}
	if resp.StatusCode != http.StatusOK {
		return fault.Decode(resp.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fault.New(fault.Internal, "cannot understand the daemon's answer").Because(err)
	}
	return nil
}

// Piece implements wire.Peer: it fetches a piece once, verifies its digest and
// keeps it in the cache. A transfer that broke off goes on where it ended.
func (c *Client) Piece(ctx context.Context, _ study.Lease, p study.PieceRef) (string, error) {
	if _, err := study.ParseDigest(string(p.Digest)); err != nil {
		return "", fault.New(fault.Invalid, "cannot fetch a piece").Because(err)
	}
	path := filepath.Join(c.cache, string(p.Digest))
	if info, err := os.Stat(path); err == nil && info.Size() == p.Bytes {
		return path, nil
	}
	part := path + ".part"
	var wait backoff
	for {
		err := c.fetch(ctx, p, part)
		if err == nil {
			return path, os.Rename(part, path)
		}
		if fault.KindOf(err) != fault.Unreachable || wait.failures >= 5 {
			return "", err
		}
		if err := wait.sleep(ctx); err != nil {
			return "", err
		}
	}
}

// fetch completes the file part and checks it. A part that turns out wrong is
// removed, so that the next try begins anew.
func (c *Client) fetch(ctx context.Context, p study.PieceRef, part string) error {
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have < p.Bytes {
		if err := c.download(ctx, p, f, have); err != nil {
			return err
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	if n != p.Bytes || hex.EncodeToString(sum.Sum(nil)) != string(p.Digest) {
		return errors.Join(fault.New(fault.Unreachable, "cannot use piece %s: what arrived is something else", p.Digest.Short()), os.Remove(part))
	}
	return f.Sync()
}

func (c *Client) download(ctx context.Context, p study.PieceRef, f *os.File, have int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/agent/v1/pieces/"+string(p.Digest), nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		req.Header.Set("If-Range", `"sha256-`+string(p.Digest)+`"`)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fault.New(fault.Unreachable, "cannot reach the daemon at %s", c.url).Because(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
	case http.StatusOK: // all of it, from the start
		if err := f.Truncate(0); err != nil {
			return err
		}
		have = 0
	default:
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		return fault.Decode(resp.StatusCode, body)
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return err
	}
	// One byte more than expected is enough to see that it is too long.
	if _, err := io.Copy(f, io.LimitReader(resp.Body, p.Bytes-have+1)); err != nil {
		return fault.New(fault.Unreachable, "cannot fetch piece %s to its end", p.Digest.Short()).Because(err)
	}
	return nil
}
