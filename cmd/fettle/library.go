package main

import (
	"context"
	"time"

	"github.com/fettle-edge/fettle/compress"
	"github.com/fettle-edge/fettle/compress/pieces"
	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/web/client"
)

// library is the content store as the API sees it.
type library struct {
	contents *pieces.Store
	store    *store.Store
}

// Adopt takes a file in and, if it is to be a model, reads its header.
func (l library) Adopt(ctx context.Context, incoming, name string, isModel bool) (client.Adopted, error) {
	ref, err := l.contents.TakeIn(ctx, incoming)
	if err != nil {
		return client.Adopted{}, err
	}
	got := client.Adopted{Content: study.Content{Digest: ref.Digest, Name: name}}
	if !isModel {
		return got, nil
	}
	m, err := l.open(ref.Digest, name)
	if err != nil {
		return client.Adopted{}, err
	}
	info := m.Info()
	got.Model = &info
	return got, l.store.SaveModel(ctx, time.Now(), info)
}

// Tensors lists the tensors of a model.
func (l library) Tensors(_ context.Context, digest study.Digest) ([]client.Tensor, error) {
	m, err := l.open(digest, "")
	if err != nil {
		return nil, err
	}
	var out []client.Tensor
	for _, t := range m.Tensors() {
		out = append(out, client.Tensor{Name: t.Name, Type: t.Type.String(), Dims: t.Dims, Bytes: t.Bytes()})
	}
	return out, nil
}

func (l library) open(digest study.Digest, name string) (*compress.Model, error) {
	path, err := l.contents.Path(digest)
	if err != nil {
		return nil, err
	}
	return compress.Open(path, digest, name)
}
