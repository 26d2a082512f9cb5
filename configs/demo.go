package configs

import (
	"bytes"
	"embed"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fettle-edge/fettle/study/fault"
)

//go:embed demo/study.yaml demo/eval.txt demo/fettle-demo-f16.gguf
var demoFiles embed.FS

// Demo is the demo study with all that it names: study.yaml, the model and the
// text.
func Demo() fs.FS {
	demo, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		panic(err) // the path is a constant and valid
	}
	return demo
}

// WriteDemo puts the files of Demo into a folder, which it makes if need be,
// and returns the path of the study file. A file that is there already with
// the same content is left alone; a different one is replaced.
func WriteDemo(folder string) (studyFile string, err error) {
	cannot := func(err error) error {
		return fault.New(fault.Internal, "cannot write the demo into %s", folder).
			Trying("choose a folder that you may write to, with 10 MB free").Because(err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", cannot(err)
	}
	entries, err := fs.ReadDir(Demo(), ".")
	if err != nil {
		return "", cannot(err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(Demo(), e.Name())
		if err != nil {
			return "", cannot(err)
		}
		if err := replace(filepath.Join(folder, e.Name()), data); err != nil {
			return "", cannot(err)
		}
	}
	return filepath.Join(folder, "study.yaml"), nil
}

// replace gives a file its content; whoever reads it meanwhile sees the old or
// the new, never a part.
func replace(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".demo-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once the file has its name
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
