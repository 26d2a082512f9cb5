package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

// Client calls a daemon. Its methods are safe for concurrent use. Every error
// is a *fault.Error: the daemon's own, or one of kind unreachable.
type Client struct {
	http   *http.Client
	base   string // without a slash at the end
	cookie string // "name=value"; "" on the unix socket
	where  string // for people
}

// New returns a client of the daemon behind a unix socket. Nothing is dialled
// yet.
func New(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialSocket(ctx, socket)
	}
	return &Client{
		http:  &http.Client{Transport: &http.Transport{DialContext: dial}, CheckRedirect: stay},
		base:  "http://fettle",
		where: socket,
	}
}

// Dial returns a client of the daemon at a URL such as http://127.0.0.1:8420,
// with the login cookie ("name=value") of a browser. Nothing is dialled yet.
func Dial(url, cookie string) *Client {
	return &Client{
		http:   &http.Client{Transport: &http.Transport{}, CheckRedirect: stay},
		base:   strings.TrimRight(url, "/"),
		cookie: cookie,
		where:  url,
	}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Info returns what the daemon says of itself.
func (c *Client) Info(ctx context.Context) (Info, error) {
	return get[Info](ctx, c, "/info")
}

// Doctor returns the daemon's checks of itself and its computer.
func (c *Client) Doctor(ctx context.Context) (Doctor, error) {
	return get[Doctor](ctx, c, "/doctor")
}

// Vocabulary returns the metrics and knobs that a study may name.
func (c *Client) Vocabulary(ctx context.Context) (Vocabulary, error) {
	return get[Vocabulary](ctx, c, "/vocabulary")
}

// Link makes a one-time link that logs a browser in; on the unix socket only.
func (c *Client) Link(ctx context.Context) (Link, error) {
	return post[Link](ctx, c, "/links", struct{}{})
}

// Adopt takes a file into the content store; on the unix socket only.
func (c *Client) Adopt(ctx context.Context, a Adopt) (Adopted, error) {
	return post[Adopted](ctx, c, "/contents", a)
}

// Studies returns all studies.
func (c *Client) Studies(ctx context.Context) (Studies, error) {
	return get[Studies](ctx, c, "/studies")
}

// CreateStudy starts a study.
func (c *Client) CreateStudy(ctx context.Context, spec study.Spec) (StudyView, error) {
	return post[StudyView](ctx, c, "/studies", spec)
}

// Study returns one study. Here and below a study is named by its id, or by
// its name: the newest of that name.
func (c *Client) Study(ctx context.Context, id string) (StudyView, error) {
	return get[StudyView](ctx, c, studyPath(id))
}

// StopStudy stops a study.
func (c *Client) StopStudy(ctx context.Context, id string) (StudyView, error) {
	return post[StudyView](ctx, c, studyPath(id)+"/stop", struct{}{})
}

// ResumeStudy lets a stopped study go on.
func (c *Client) ResumeStudy(ctx context.Context, id string) (StudyView, error) {
	return post[StudyView](ctx, c, studyPath(id)+"/resume", struct{}{})
}

// Trials returns the trials of a study that changed after a revision; 0 gives
// all.
func (c *Client) Trials(ctx context.Context, id string, since int64) (Trials, error) {
	return get[Trials](ctx, c, studyPath(id)+"/trials?since="+strconv.FormatInt(since, 10))
}

// Trial returns one trial with its attempts and raw samples.
func (c *Client) Trial(ctx context.Context, id string, n int) (TrialView, error) {
	return get[TrialView](ctx, c, trialPath(id, n))
}

// Front returns the front of each of a study's lanes.
func (c *Client) Front(ctx context.Context, id string) (Front, error) {
	return get[Front](ctx, c, studyPath(id)+"/front")
}

// Explain returns what the search of a lane has found out. target may be ""
// where the study has one alone. The daemon answers when nobody measures on its
// computer.
func (c *Client) Explain(ctx context.Context, id, target string) (Explanation, error) {
	path := studyPath(id) + "/explain"
	if target != "" {
		path += "?target=" + url.QueryEscape(target)
	}
	return get[Explanation](ctx, c, path)
}

// Targets returns all targets.
func (c *Client) Targets(ctx context.Context) (Targets, error) {
	return get[Targets](ctx, c, "/targets")
}

// Models returns all models.
func (c *Client) Models(ctx context.Context) (Models, error) {
	return get[Models](ctx, c, "/models")
}

// Model returns one model with its tensors.
func (c *Client) Model(ctx context.Context, digest study.Digest) (ModelView, error) {
	return get[ModelView](ctx, c, "/models/"+url.PathEscape(string(digest)))
}

// Export writes the trial's model as one file to w and returns its bytes. It
// fails unless all bytes came.
func (c *Client) Export(ctx context.Context, id string, n int, w io.Writer) (int64, error) {
	resp, err := c.do(ctx, http.MethodGet, trialPath(id, n)+"/model.gguf", nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	sent, err := io.Copy(w, resp.Body)
	if err != nil {
		return sent, fault.New(fault.Unreachable, "cannot finish the download of trial %d after %d of %d bytes", n, sent, resp.ContentLength).Because(err)
	}
	return sent, nil
}

// Manifest returns the manifest of a trial's export.
func (c *Client) Manifest(ctx context.Context, id string, n int) ([]byte, error) {
	return c.bytes(ctx, http.MethodGet, trialPath(id, n)+"/manifest.json", nil)
}

// TrialRef names a trial in one word, as TargetView.Busy does.
func TrialRef(study string, n int) string { return study + "/" + strconv.Itoa(n) }

func studyPath(id string) string { return "/studies/" + url.PathEscape(id) }

func trialPath(id string, n int) string { return studyPath(id) + "/trials/" + strconv.Itoa(n) }

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, nil)
}

func post[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	b, err := json.Marshal(body)
	if err != nil {
		var none T
		return none, fault.New(fault.Internal, "cannot encode the request").Because(err)
	}
	return call[T](ctx, c, http.MethodPost, path, b)
}

func call[T any](ctx context.Context, c *Client, method, path string, body []byte) (T, error) {
	var out T
	b, err := c.bytes(ctx, method, path, body)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fault.New(fault.Internal, "cannot understand the daemon's answer").Because(err)
	}
	return out, nil
}

func (c *Client) bytes(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return b, nil
}

// do sends one request and returns a successful response, whose body the
// caller closes.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	problem, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return nil, fault.Decode(resp.StatusCode, problem)
}

func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot call %s", c.where).Because(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	return req, nil
}

// unreachable tells a call that the caller ended from a daemon that is away.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.New(fault.Interrupted, "cannot finish the call to the daemon").Because(fmt.Errorf("%w: %w", context.Cause(ctx), err))
	}
	return fault.New(fault.Unreachable, "cannot reach the daemon at %s", c.where).Trying("fettle serve").Because(err)
}
