package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) open() *cobra.Command {
	var only bool
	cmd := &cobra.Command{
		Use: "open", Short: "Open the dashboard in the browser, logged in", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			link, err := c.Link(cmd.Context())
			if err != nil {
				return err
			}
			if !only {
				openBrowser(cmd.Context(), a.stderr, link.URL)
			}
			t := &table{header: []string{"url"}}
			t.add(link.URL)
			return a.print(link, t)
		},
	}
	cmd.Flags().BoolVar(&only, "print", false, "print the link and start no browser")
	return cmd
}

// openBrowser starts the user's browser where there is a desktop.
func openBrowser(ctx context.Context, stderr io.Writer, url string) {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return
	}
	path, err := exec.LookPath("xdg-open")
	if err != nil {
		return
	}
	if err := exec.CommandContext(ctx, path, url).Run(); err != nil {
		fmt.Fprintln(stderr, "cannot start a browser; open the link by hand")
	}
}
