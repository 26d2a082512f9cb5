package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-edge/fettle/study/fault"
)

//go:embed ui
var uiFiles embed.FS

// assetTypes are the files the page may load; nothing else is served.
var assetTypes = map[string]string{
	".js":  "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8", // licences of the vendored libraries
}

// file is one file in both encodings.
type file struct {
	kind        string
	plain, gzip []byte
}

// assets is the dashboard. Its files live below a path that holds the digest
// of them all, so a browser may keep them for ever and still never mixes two
// versions.
type assets struct {
	index  file
	files  map[string]file // by path below the prefix
	prefix string          // "/a/<digest>/"
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string]file{}}
	sum := sha256.New()
	var index []byte
	err := fs.WalkDir(uiFiles, "ui", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := uiFiles.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(content))
		sum.Write(content)
		if name == "ui/index.html" {
			index = content
			return nil
		}
		if kind, ok := assetTypes[path.Ext(name)]; ok {
			a.files[strings.TrimPrefix(name, "ui/")], err = pack(kind, content)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	a.prefix = "/a/" + hex.EncodeToString(sum.Sum(nil))[:12] + "/"
	index = bytes.ReplaceAll(index, []byte("{{preload}}"), a.preload())
	index = bytes.ReplaceAll(index, []byte("{{assets}}"), []byte(strings.TrimSuffix(a.prefix, "/")))
	a.index, err = pack("text/html; charset=utf-8", index)
	return a, err
}

// preload names every module, so that the browser fetches them at once and not
// one import after the other.
func (a *assets) preload() []byte {
	var links []string
	for name := range a.files {
		if path.Ext(name) == ".js" && name != "js/theme.js" {
			links = append(links, `<link rel="modulepreload" href="{{assets}}/`+name+`">`)
		}
	}
	slices.Sort(links)
	return []byte(strings.Join(links, "\n"))
}

func pack(kind string, content []byte) (file, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return file{}, err
	}
	if _, err := z.Write(content); err != nil {
		return file{}, err
	}
	if err := z.Close(); err != nil {
		return file{}, err
	}
	return file{kind, content, b.Bytes()}, nil
}

// page serves the start page; every page of the dashboard is this one.
func (a *assets) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	a.index.serve(w, r)
}

func (a *assets) asset(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[strings.TrimPrefix(r.URL.Path, a.prefix)]
	if !ok || !strings.HasPrefix(r.URL.Path, a.prefix) {
		w.Header().Set("Cache-Control", "no-store")
		refuse(w, fault.New(fault.NotFound, "cannot find %s: it may belong to another version", clip(r.URL.Path)).Trying("reload the page"))
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	f.serve(w, r)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	body := f.plain
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that has gone is not our fault
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil && coding == "gzip" {
			return !strings.HasPrefix(params["q"], "0") || strings.Trim(params["q"], "0.") != ""
		}
	}
	return false
}
