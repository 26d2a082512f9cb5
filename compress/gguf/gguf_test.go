package gguf

import (
	"bytes"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const demo = "../../configs/demo/fettle-demo-f16.gguf"

// layout is a small file with every kind of entry that the package makes.
func layout() Layout {
	return Layout{
		Meta: Meta{
			Text("general.architecture", "llama"), U32("n", 7), U16("split.no", 3), I32("i", -5), Float("f", 1.5),
			Texts("tokens", []string{"a", "", "ccc"}), U32s("widths", []uint32{1, 2, 3}), U32(AlignmentKey, 64),
		},
		Tensors: []Tensor{
			{Name: "norm", Type: F32, Dims: []int64{5}},
			{Name: "matrix", Type: Q8_0, Dims: []int64{64, 3}},
			{Name: "cube", Type: F16, Dims: []int64{2, 3, 4}},
		},
	}
}

// pattern fills a tensor with bytes that tell where they belong.
func pattern(l Layout) func(int, io.Writer) error {
	return func(i int, w io.Writer) error {
		b := make([]byte, l.Tensors[i].Bytes())
		for k := range b {
			b[k] = byte(16*i + k%16)
		}
		_, err := w.Write(b)
		return err
	}
}

func small(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := layout().Write(&b, pattern(layout())); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWrittenFileReadsBackEqual(t *testing.T) {
	l := layout()
	b := small(t)
	if int64(len(b)) != l.Size() {
		t.Errorf("%d bytes written, Size says %d", len(b), l.Size())
	}
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Meta, l.Meta) {
		t.Errorf("metadata differ:\n%v\n%v", f.Meta, l.Meta)
	}
	if f.Align != 64 {
		t.Errorf("alignment %d, want 64", f.Align)
	}
	for i, got := range f.Tensors {
		if got.Offset%64 != 0 {
			t.Errorf("tensor %s at byte %d", got.Name, got.Offset)
		}
		data, err := io.ReadAll(Data(bytes.NewReader(b), got))
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := pattern(l)(i, &want); err != nil || !bytes.Equal(data, want.Bytes()) {
			t.Errorf("tensor %s has other bytes (%v)", got.Name, err)
		}
		got.Offset = 0
		if !reflect.DeepEqual(got, l.Tensors[i]) {
			t.Errorf("tensor %v, want %v", got, l.Tensors[i])
		}
	}
}

func TestDemoModelIsWrittenAsItWas(t *testing.T) {
	whole, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(whole)
	f, err := Read(r, r.Size())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = Layout{f.Meta, f.Tensors}.Write(&b, func(i int, w io.Writer) error {
		_, err := io.Copy(w, Data(r, f.Tensors[i]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), whole) {
		t.Error("reading and writing the demo model changed it")
	}
}

func TestMetaGetters(t *testing.T) {
	m := layout().Meta
	if n, ok := m.Uint("n"); !ok || n != 7 {
		t.Errorf("n is %d, %v", n, ok)
	}
	if _, ok := m.Uint("i"); ok {
		t.Error("a negative number was returned as unsigned")
	}
	if _, ok := m.Uint("f"); ok {
		t.Error("a float was returned as an integer")
	}
	if _, ok := m.Uint("widths"); ok {
		t.Error("an array was returned as a number")
	}
	if got, ok := m.Uints("widths"); !ok || !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Errorf("widths are %v, %v", got, ok)
	}
	if _, ok := m.Uints("tokens"); ok {
		t.Error("strings were returned as numbers")
	}
	if s, ok := m.Text("general.architecture"); !ok || s != "llama" {
		t.Errorf("architecture is %q, %v", s, ok)
	}
	changed := m.With(U32("n", 8)).With(U32("new", 9))
	if n, _ := m.Uint("n"); n != 7 {
		t.Error("With changed its receiver")
	}
	if n, _ := changed.Uint("n"); n != 8 || changed[1].Key != "n" || changed[len(changed)-1].Key != "new" {
		t.Errorf("With made %v", changed)
	}
}

func TestWriteRefusesWhatReadWouldRefuse(t *testing.T) {
	ok := Tensor{Name: "t", Type: F32, Dims: []int64{4}}
	for name, l := range map[string]Layout{
		"key twice":      {Meta: Meta{U32("k", 1), U32("k", 2)}},
		"empty key":      {Meta: Meta{U32("", 1)}},
		"alignment":      {Meta: Meta{U32(AlignmentKey, 3)}},
		"name twice":     {Tensors: []Tensor{ok, ok}},
		"long name":      {Tensors: []Tensor{{Name: strings.Repeat("n", 64), Type: F32, Dims: []int64{4}}}},
		"zero dimension": {Tensors: []Tensor{{Name: "t", Type: F32, Dims: []int64{4, 0}}}},
		"broken block":   {Tensors: []Tensor{{Name: "t", Type: Q4_K, Dims: []int64{32}}}},
		"unknown type":   {Tensors: []Tensor{{Name: "t", Type: 5, Dims: []int64{32}}}},
	} {
		if _, err := l.Head(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWriteCountsTheBytesOfATensor(t *testing.T) {
	l := Layout{Tensors: []Tensor{{Name: "t", Type: F32, Dims: []int64{4}}}}
	for _, n := range []int{0, 15, 17} {
		err := l.Write(io.Discard, func(_ int, w io.Writer) error {
			_, err := w.Write(make([]byte, n))
			return err
		})
		if err == nil {
			t.Errorf("%d bytes for a tensor of 16: no error", n)
		}
	}
}

func TestWritePassesErrorsOn(t *testing.T) {
	want := errors.New("disk full")
	if err := layout().Write(io.Discard, func(int, io.Writer) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestTypeNames(t *testing.T) {
	known := 0
	for n := range Type(64) {
		if !n.Known() {
			continue
		}
		known++
		if got, ok := ParseType(n.String()); !ok || got != n {
			t.Errorf("%s parses as %s, %v", n, got, ok)
		}
	}
	if known != 35 {
		t.Errorf("%d types are known, llama.cpp v0.5.0 has 35", known)
	}
	if got := Q4_K.Bytes(512); got != 288 {
		t.Errorf("512 elements of Q4_K have %d bytes, want 288", got)
	}
	if _, ok := ParseType("q4_k"); ok {
		t.Error("lower case was parsed as a type")
	}
	if got, ok := ParseCacheType("q8_0"); !ok || got != Q8_0 {
		t.Errorf("q8_0 parses as %s, %v", got, ok)
	}
}

// The reader of untrusted files must not leave the bounds that Go checks.
func TestImports(t *testing.T) {
	allowed := []string{"bytes", "cmp", "encoding/binary", "errors", "fmt", "io", "math", "math/bits", "slices", "strconv", "strings"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path := strings.Trim(i.Path.Value, `"`); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

// FuzzRead: whatever the bytes are, Read returns a file or an *Error; and a
// file that was read, written and read again is the same.
func FuzzRead(f *testing.F) {
	f.Add(small(f))
	for _, h := range hostiles() {
		f.Add(h.file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.Offset < 0 || bad.Offset > int64(len(b)) {
				t.Fatalf("error %v of type %T", err, err)
			}
			return
		}
		for _, x := range file.Tensors {
			if x.Offset < 0 || x.Bytes() <= 0 || x.Offset+x.Bytes() > int64(len(b)) {
				t.Fatalf("tensor %v in a file of %d bytes", x, len(b))
			}
		}
		var out bytes.Buffer
		l := Layout{file.Meta, file.Tensors}
		err = l.Write(&out, func(i int, w io.Writer) error {
			_, err := io.Copy(w, Data(bytes.NewReader(b), file.Tensors[i]))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil || int64(out.Len()) != l.Size() {
			t.Fatalf("written with %d bytes, Size says %d: %v", out.Len(), l.Size(), err)
		}
		sameFile(t, file, again, b, out.Bytes())
	})
}

func sameFile(t *testing.T, a, b *File, aBytes, bBytes []byte) {
	t.Helper()
	if a.Align != b.Align || len(a.Meta) != len(b.Meta) || len(a.Tensors) != len(b.Tensors) {
		t.Fatalf("%v\n%v", a, b)
	}
	for i := range a.Meta {
		if x, y := a.Meta[i], b.Meta[i]; x.Key != y.Key || x.Kind != y.Kind || x.Elem != y.Elem || x.Count != y.Count || !bytes.Equal(x.raw, y.raw) {
			t.Fatalf("entry %v became %v", x, y)
		}
	}
	for i := range a.Tensors {
		x, y := a.Tensors[i], b.Tensors[i]
		if !bytes.Equal(aBytes[x.Offset:][:x.Bytes()], bBytes[y.Offset:][:y.Bytes()]) {
			t.Fatalf("tensor %s changed its bytes", x.Name)
		}
		if x.Offset, y.Offset = 0, 0; !reflect.DeepEqual(x, y) {
			t.Fatalf("tensor %v became %v", x, y)
		}
	}
}
