package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/web/client"
)

func (a *app) model() *cobra.Command {
	return group("model", "Models in the content store", a.modelAdd(), a.modelList(), a.modelInspect())
}

// takeIn hands a file to the daemon: it is placed into the daemon's folder of
// incoming files (a reflink or hard link where possible) and adopted from
// there, so that the daemon never opens a path that a caller names.
func takeIn(ctx context.Context, c *client.Client, path string, isModel bool) (client.Adopted, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return client.Adopted{}, err
	}
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return client.Adopted{}, fault.New(fault.NotFound, "cannot read the file %s", path).Because(err)
	}
	name, err := pieces.Place(path, info.Incoming)
	if err != nil {
		return client.Adopted{}, err
	}
	return c.Adopt(ctx, client.Adopt{Incoming: name, Name: filepath.Base(path), Model: isModel})
}

func (a *app) modelAdd() *cobra.Command {
	return &cobra.Command{
		Use: "add FILE", Short: "Take a model into the content store", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			got, err := takeIn(cmd.Context(), c, args[0], true)
			if err != nil {
				return err
			}
			t := &table{header: []string{"digest", "name"}}
			t.add(string(got.Digest), got.Name)
			return a.print(got, t)
		},
	}
}

func (a *app) modelList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List models", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			all, err := c.Models(cmd.Context())
			if err != nil {
				return err
			}
			t := &table{header: []string{"digest", "name", "architecture", "parameters", "blocks", "size"}, empty: "No models yet. Try: fettle model add FILE.gguf"}
			for _, m := range all.Models {
				t.add(m.Digest.Short(), m.Name, m.Architecture, fmt.Sprintf("%.2f M", float64(m.Parameters)/1e6), fmt.Sprint(m.Blocks), byteSize(float64(m.Bytes)))
			}
			return a.print(all, t)
		},
	}
}

// findModel resolves a digest, the beginning of one, or a name.
func findModel(ctx context.Context, c *client.Client, s string) (study.Digest, error) {
	all, err := c.Models(ctx)
	if err != nil {
		return "", err
	}
	var found []study.Digest
	for _, m := range all.Models {
		if m.Name == s || len(s) >= 4 && strings.HasPrefix(string(m.Digest), s) {
			found = append(found, m.Digest)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fault.New(fault.NotFound, "cannot find a model %q", s).Trying("fettle model list")
	}
	return "", fault.New(fault.Invalid, "cannot tell which model %q is: %d match", s, len(found)).Trying("more digits of its digest")
}

func (a *app) modelInspect() *cobra.Command {
	return &cobra.Command{
		Use: "inspect MODEL", Short: "Show a model: its facts, the knobs it can have, its tensors", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			digest, err := findModel(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			m, err := c.Model(cmd.Context(), digest)
			if err != nil {
				return err
			}
			return a.print(m, modelDetail(m))
		},
	}
}

func modelDetail(m client.ModelView) *table {
	t := &table{facts: true, header: []string{"model", m.Name}}
	t.add("digest", string(m.Digest))
	t.add("architecture", m.Architecture)
	t.add("parameters", fmt.Sprintf("%.2f M", float64(m.Parameters)/1e6))
	t.add("blocks", fmt.Sprint(m.Blocks))
	t.add("context", fmt.Sprintf("%d tokens", m.Context))
	t.add("vocabulary", fmt.Sprintf("%d tokens", m.Vocabulary))
	t.add("size", byteSize(float64(m.Bytes)))
	for _, k := range study.KnobRegistry() {
		why := "yes"
		if refused, ok := m.Refused[k.Name]; ok {
			why = "no: " + refused
		}
		t.add(k.Name, why)
	}
	if m.Ranking != nil {
		for i := range m.Ranking.Attention {
			t.add(fmt.Sprintf("block %d", i), fmt.Sprintf("damage without attention %.4f, without feed-forward %.4f nat/token", m.Ranking.Attention[i], m.Ranking.FFN[i]))
		}
	}
	for _, x := range m.Tensors {
		t.add(x.Name, fmt.Sprintf("%s %v %s", x.Type, x.Dims, byteSize(float64(x.Bytes))))
	}
	return t
}
