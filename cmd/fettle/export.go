package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
)

// The files of an export.
const (
	exportModel    = "model.gguf"
	exportManifest = "manifest.json"
	exportCommand  = "run.sh"
)

// exporter turns a trial into one file that stock llama.cpp opens.
type exporter struct {
	store    *store.Store
	contents *pieces.Store
}

// Export writes the variant of a built trial as one GGUF.
func (e exporter) Export(ctx context.Context, t study.Trial, w io.Writer) error {
	if len(t.Pieces) == 0 {
		return fault.New(fault.Conflict, "cannot export trial %d: it was never built", t.Number).Trying("fettle trial show %s %d", t.Study, t.Number)
	}
	return compress.Export(ctx, e.contents, t.Pieces, w)
}

// manifest says what an exported file is and how it was found.
type manifest struct {
	Format      string                   `json:"format"` // fettle/manifest/1
	Fettle      string                   `json:"fettle"` // version
	Study       string                   `json:"study"`
	Trial       int                      `json:"trial"`
	Target      targets.Target           `json:"target"`
	Model       study.Content            `json:"model"` // the original
	File        exported                 `json:"file"`
	Recipe      study.Recipe             `json:"recipe"`
	Assignment  study.Assignment         `json:"assignment"`
	State       study.State              `json:"state"` // complete: every constraint is met
	Constraints []study.Constraint       `json:"constraints,omitempty"`
	Workload    study.Workload           `json:"workload"`
	Quality     study.Quality            `json:"quality"`
	Metrics     map[string]study.Summary `json:"metrics"` // medians with 95 % intervals
	Units       map[string]string        `json:"units"`
	Warnings    []string                 `json:"warnings,omitempty"`
	Conditions  *study.Conditions        `json:"conditions,omitempty"`
	Command     string                   `json:"command"`
	Requires    string                   `json:"requires"` // which llama.cpp opens the file
}

// exported is the file of an export.
type exported struct {
	Name    string       `json:"name"`
	Bytes   int64        `json:"bytes"`
	Digest  study.Digest `json:"sha256"`
	Variant study.Digest `json:"variant"`
}

// Manifest describes the exported file; its digest is computed by making it.
func (e exporter) Manifest(ctx context.Context, t study.Trial) ([]byte, error) {
	st, err := e.store.Study(ctx, t.Study)
	if err != nil {
		return nil, err
	}
	target, err := e.store.Target(ctx, t.Target)
	if err != nil {
		return nil, err
	}
	attempts, err := e.store.Attempts(ctx, t.Study, t.Number)
	if err != nil {
		return nil, err
	}
	sum := newDigester()
	if err := e.Export(ctx, t, sum); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(t.Values))
	for n := range t.Values {
		names = append(names, n)
	}
	m := manifest{
		Format: "fettle/manifest/1", Fettle: version, Study: t.Study, Trial: t.Number, Target: target,
		Model: st.Spec.Model, File: exported{exportModel, sum.n, sum.digest(), t.Recipe.Variant(st.Spec.Model.Digest)},
		Recipe: t.Recipe, Assignment: t.Assignment, State: t.State, Constraints: st.Spec.Constraints,
		Workload: st.Spec.Workload, Quality: st.Spec.Quality, Metrics: t.Values, Units: study.Units(names),
		Warnings: t.Warnings, Command: e.Command(t), Requires: requires(t),
	}
	for _, at := range attempts {
		if at.Result != nil && at.Result.Conditions != nil {
			m.Conditions = at.Result.Conditions
		}
	}
	return json.MarshalIndent(m, "", "  ")
}

// requires names the runtime an exported file needs.
func requires(t study.Trial) string {
	if strings.Contains(string(t.Recipe.Model), `"without"`) {
		return "llama.cpp with architecture deci (since February 2025, b4700)"
	}
	return "llama.cpp"
}

// Command is how stock llama.cpp runs the exported file with the options that
// the trial was measured with.
func (e exporter) Command(t study.Trial) string {
	r := t.Recipe.Run
	flash := "off"
	if r.Flash {
		flash = "on"
	}
	return fmt.Sprintf("llama-cli -m %s --threads %d --ctx-size %d --flash-attn %s --cache-type-k %s --cache-type-v %s",
		exportModel, r.Threads, r.Context, flash, r.KV, r.KV)
}

func (a *app) export() *cobra.Command {
	var dir string
	var dry bool
	cmd := &cobra.Command{
		Use: "export STUDY TRIAL -o DIR", Short: "Write a trial as one GGUF file with a manifest and its command line", Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := parseTrial(args[1])
			if err != nil {
				return err
			}
			if dir == "" {
				return fault.New(fault.Invalid, "cannot export without a folder").Trying("fettle export %s %d -o DIR", args[0], n)
			}
			return a.runExport(cmd.Context(), args[0], n, dir, dry)
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "", "`folder` to write to; made if it does not exist")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be written, and write nothing")
	return cmd
}

func (a *app) runExport(ctx context.Context, id string, n int, dir string, dry bool) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	t, err := c.Trial(ctx, id, n)
	if err != nil {
		return err
	}
	if t.State != study.Complete {
		fmt.Fprintf(a.stderr, "warning: trial %d is %s: %s\n", n, t.State, printable(t.Detail))
	}
	if dry {
		fmt.Fprintf(a.stdout, "%s  %s\n%s\n%s\n", filepath.Join(dir, exportModel), byteSize(float64(t.Prediction.FileBytes)),
			filepath.Join(dir, exportManifest), filepath.Join(dir, exportCommand))
		return nil
	}
	m, err := c.Manifest(ctx, id, n)
	if err != nil {
		return err
	}
	var parsed manifest
	if err := json.Unmarshal(m, &parsed); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.New(fault.Invalid, "cannot make the folder %s", dir).Because(err)
	}
	sum := newDigester()
	err = write(filepath.Join(dir, exportModel), 0o644, func(w io.Writer) error {
		_, err := c.Export(ctx, id, n, io.MultiWriter(w, sum))
		if err == nil && sum.digest() != parsed.File.Digest {
			err = fault.New(fault.Internal, "cannot export: the file that arrived is not the one of the manifest")
		}
		return err
	})
	if err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\n# Trial %d of study %s: %s\ncd \"$(dirname \"$0\")\" && exec %s \"$@\"\n", n, t.Study, printable(t.Recipe.Text), t.Command)
	err = errors.Join(
		write(filepath.Join(dir, exportManifest), 0o644, func(w io.Writer) error { _, err := w.Write(append(m, '\n')); return err }),
		write(filepath.Join(dir, exportCommand), 0o755, func(w io.Writer) error { _, err := io.WriteString(w, script); return err }),
	)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s  %s  sha256 %s\n", filepath.Join(dir, exportModel), byteSize(float64(sum.n)), sum.digest())
	fmt.Fprintf(a.stdout, "%s\n%s\nrun with: %s\n", filepath.Join(dir, exportManifest), filepath.Join(dir, exportCommand), t.Command)
	return nil
}

// write makes a file whole or not at all.
func write(path string, mode os.FileMode, fill func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".fettle-*")
	if err != nil {
		return fault.New(fault.Invalid, "cannot write %s", path).Because(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err = errors.Join(fill(f), f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
