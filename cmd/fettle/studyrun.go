package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/configs"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) studyRun() *cobra.Command {
	var wait, dry bool
	var name string
	var trials int
	cmd := &cobra.Command{
		Use: "run STUDY.yaml", Short: "Create a study from a file and begin it", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, _, err := loadStudy(args[0])
			if err != nil {
				return err
			}
			if name != "" {
				f.Spec.Name = name
			}
			if trials > 0 {
				f.Spec.Budget.Trials = trials
			}
			for _, w := range f.Warnings {
				fmt.Fprintln(a.stderr, "warning:", w.Message)
			}
			if dry {
				fmt.Fprintf(a.stdout, "study %s is valid; nothing was created\n", f.Spec.Name)
				return nil
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			s, err := create(cmd.Context(), c, f)
			if err != nil {
				return err
			}
			if err := a.warnOfTargets(cmd.Context(), c, s.Spec); err != nil {
				return err
			}
			if !wait {
				t := &table{header: []string{"id", "state"}}
				t.add(s.ID, string(s.State))
				fmt.Fprintf(a.stderr, "follow it with: fettle study watch %s\n", s.ID)
				return a.print(s, t)
			}
			if s, err = a.follow(cmd.Context(), c, s.ID); err != nil {
				return err
			}
			return a.conclude(cmd.Context(), c, s)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&wait, "wait", false, "follow the study to its end and print its front; exit code 6 if that is empty")
	flags.BoolVar(&dry, "dry-run", false, "check everything, create nothing")
	flags.StringVar(&name, "name", "", "`name` instead of the file's")
	flags.IntVar(&trials, "trials", 0, "budget of `trials` for each target instead of the file's")
	return cmd
}

// warnOfTargets says which targets of a study cannot measure now: their lanes
// wait for them.
func (a *app) warnOfTargets(ctx context.Context, c *client.Client, spec study.Spec) error {
	all, err := c.Targets(ctx)
	if err != nil {
		return err
	}
	for _, ref := range spec.Targets {
		i := slices.IndexFunc(all.Targets, func(t client.TargetView) bool { return t.Name == ref.Name })
		switch {
		case i < 0:
			fmt.Fprintf(a.stderr, "warning: target %q has never been seen; its lane waits for it (try: fettle target list)\n", ref.Name)
		case !all.Targets[i].Online:
			fmt.Fprintf(a.stderr, "warning: target %q is offline, last seen %s; its lane waits for it\n", ref.Name, ago(all.Targets[i].LastSeen))
		}
	}
	return nil
}

// loadStudy reads a study file, opens its model and checks one against the
// other. Mistakes come with the line of the file.
func loadStudy(path string) (*configs.File, *compress.Model, error) {
	f, err := configs.Load(path)
	if err != nil {
		return nil, nil, err
	}
	for what, file := range map[string]string{"model": f.ModelPath, "text": f.TextPath} {
		if file == "" {
			continue
		}
		if st, err := os.Stat(file); err != nil || !st.Mode().IsRegular() {
			return nil, nil, fault.New(fault.NotFound, "cannot read the %s %s of study file %s", what, file, path).
				Trying("paths are relative to the study file").Because(err)
		}
	}
	m, err := compress.Open(f.ModelPath, "", filepath.Base(f.ModelPath))
	if err != nil {
		return nil, nil, err
	}
	if problems := m.Check(&f.Spec); len(problems) > 0 {
		return nil, nil, &fault.Error{Kind: fault.Invalid, Sentence: fmt.Sprintf("cannot tune %s with the knobs of %s", filepath.Base(f.ModelPath), path),
			Problems: f.Locate(problems)}
	}
	return f, m, nil
}

// create hands the files of a study to the daemon and creates it.
func create(ctx context.Context, c *client.Client, f *configs.File) (client.StudyView, error) {
	model, err := takeIn(ctx, c, f.ModelPath, true)
	if err != nil {
		return client.StudyView{}, err
	}
	spec := f.Spec
	spec.Model = model.Content
	if f.TextPath != "" {
		text, err := takeIn(ctx, c, f.TextPath, false)
		if err != nil {
			return client.StudyView{}, err
		}
		spec.Quality.Text = text.Content
	}
	s, err := c.CreateStudy(ctx, spec)
	if e, ok := fault.As(err); ok {
		e.Problems = f.Locate(e.Problems)
	}
	return s, err
}

// newest returns the newest study of a name, nil if there is none.
func newest(ctx context.Context, c *client.Client, name string) (*client.StudyView, error) {
	all, err := c.Studies(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all.Studies {
		if s.Spec.Name == name {
			return &s, nil
		}
	}
	return nil, nil
}
