package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/fettle-edge/fettle/study/fault"
)

// FuzzParse: whatever the bytes, Parse returns a fault of kind invalid that
// says something, or a valid study that can be written and read again.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yaml", "examples/*.yaml", "demo/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("no seeds in %s (%v)", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("s.yaml", data)
		if err != nil {
			e, ok := fault.As(err)
			if !ok || e.Kind != fault.Invalid || len(e.Problems) == 0 {
				t.Fatalf("got %v, want a fault of kind invalid with problems", err)
			}
			return
		}
		if problems := file.Spec.Validate(); len(problems) > 0 {
			t.Fatalf("accepted, but not valid: %v", problems)
		}
		written, err := Marshal(file.Spec)
		if err != nil {
			t.Fatalf("accepted, but not written: %v", err)
		}
		again, err := Parse("s.yaml", written)
		if err != nil {
			t.Fatalf("written, but not read: %s\n%s", explain(err), written)
		}
		if !reflect.DeepEqual(again.Spec, file.Spec) {
			t.Fatalf("read as %+v\nnot %+v\nfrom\n%s", again.Spec, file.Spec, written)
		}
	})
}
