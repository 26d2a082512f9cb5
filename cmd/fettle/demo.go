package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/configs"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) demo() *cobra.Command {
	var once bool
	var trials int
	o := options{}
	cmd := &cobra.Command{
		Use: "demo", Short: "Tune the demo model on this computer: a real study, measured here",
		Long: `Starts the daemon and the local target in this process and runs a real study of
a small bundled language model on this computer: every number is measured by
llama.cpp. Then it goes on serving the dashboard until it is interrupted.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.log = a.logger(false)
			s, err := a.state()
			if err != nil {
				return err
			}
			d, err := a.openDemo(cmd.Context(), s, o, cmd.Flags().Changed("listen"))
			if err != nil {
				return err
			}
			err = a.runDemo(cmd.Context(), d, once, trials)
			if closing := d.close(); err == nil {
				err = closing
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&once, "once", false, "end after the study and print its front")
	flags.IntVar(&trials, "trials", 0, "budget of `trials` instead of the demo's")
	flags.StringVar(&o.listen, "listen", defaultListen, "`address` of the dashboard")
	return cmd
}

// openDemo opens the daemon; if the usual port is taken by something else, it
// takes a free one.
func (a *app) openDemo(ctx context.Context, s state, o options, chosen bool) (*daemon, error) {
	d, err := openDaemon(ctx, s, o)
	if err == nil || chosen || !portTaken(err) {
		return d, err
	}
	o.listen = "127.0.0.1:0"
	return openDaemon(ctx, s, o)
}

// runDemo runs the daemon and, beside it, what a user of the command line
// would do.
func (a *app) runDemo(ctx context.Context, d *daemon, once bool, trials int) error {
	ctx, finish := context.WithCancelCause(ctx)
	defer finish(nil)
	c := client.New(d.state.socket())
	defer c.Close()
	told := make(chan error, 1)
	d.banner(a)
	go func() {
		err := a.demoStudy(ctx, c, trials)
		if err != nil || once {
			finish(errDone)
		} else {
			url, _ := d.web.Link()
			fmt.Fprintf(a.stderr, "the dashboard stays at %s until you interrupt (Ctrl-C)\n", url)
		}
		told <- err
	}()
	if !once {
		url, _ := d.web.Link()
		openBrowser(ctx, a.stderr, url)
	}
	err := d.run(ctx)
	finish(errDone) // a daemon that broke ends its user, too
	if story := <-told; story != nil && !errors.Is(story, errDone) {
		return story
	}
	return err
}

// demoStudy runs the demo's study to its end: the one that an earlier process
// left unfinished, or a new one.
func (a *app) demoStudy(ctx context.Context, c *client.Client, trials int) error {
	before, err := newest(ctx, c, "demo")
	if err != nil {
		return err
	}
	var s client.StudyView
	if before != nil && before.State.Active() {
		fmt.Fprintf(a.stderr, "taking up study %s\n", before.ID)
		s = *before
	} else if s, err = a.createDemo(ctx, c, trials); err != nil {
		return err
	}
	if s, err = a.follow(ctx, c, s.ID); err != nil {
		return err
	}
	return a.conclude(ctx, c, s)
}

// createDemo unpacks the bundled model and texts and creates the study.
func (a *app) createDemo(ctx context.Context, c *client.Client, trials int) (client.StudyView, error) {
	dir, err := os.MkdirTemp("", "fettle-demo-*")
	if err != nil {
		return client.StudyView{}, fault.New(fault.Internal, "cannot unpack the demo").Because(err)
	}
	defer os.RemoveAll(dir) // the daemon has taken in what it needs
	file, err := configs.WriteDemo(dir)
	if err != nil {
		return client.StudyView{}, err
	}
	f, _, err := loadStudy(file)
	if err != nil {
		return client.StudyView{}, err
	}
	if trials > 0 {
		f.Spec.Budget.Trials = trials
	}
	return create(ctx, c, f)
}
