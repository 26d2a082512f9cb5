package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
)

const modelColumns = `digest, name, bytes, format, architecture, parameters, blocks, context, vocabulary, types, refused`

func scanModel(row scanner) (study.Model, error) {
	var m study.Model
	err := row.Scan(&m.Digest, &m.Name, &m.Bytes, &m.Format, &m.Architecture, &m.Parameters, &m.Blocks, &m.Context,
		&m.Vocabulary, column{&m.Types}, column{&m.Refused})
	return m, err
}

func loadModel(ctx context.Context, q querier, digest study.Digest) (study.Model, error) {
	m, err := scanModel(q.QueryRowContext(ctx, `SELECT `+modelColumns+` FROM models WHERE digest = ?`, digest))
	if errors.Is(err, sql.ErrNoRows) {
		return m, unknownModel(digest)
	}
	return m, err
}

func unknownModel(digest study.Digest) error {
	return fault.New(fault.NotFound, "cannot find model %q", digest.Short()).Trying("fettle model list")
}

// SaveModel stores what a model's file says of it, in place of what was known
// of that digest before. It makes no event.
func (s *Store) SaveModel(ctx context.Context, now time.Time, m study.Model) error {
	types, err1 := encode(m.Types)
	refused, err2 := optional(len(m.Refused) > 0, m.Refused)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	_, err := s.write.ExecContext(ctx, `INSERT INTO models (`+modelColumns+`, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (digest) DO UPDATE SET name = excluded.name, bytes = excluded.bytes, format = excluded.format,
		architecture = excluded.architecture, parameters = excluded.parameters, blocks = excluded.blocks,
		context = excluded.context, vocabulary = excluded.vocabulary, types = excluded.types, refused = excluded.refused`,
		m.Digest, m.Name, m.Bytes, m.Format, m.Architecture, m.Parameters, m.Blocks, m.Context, m.Vocabulary,
		types, refused, now.UnixNano())
	return explain(ctx, "store a model", err)
}

// Model returns the model with that digest.
func (s *Store) Model(ctx context.Context, digest study.Digest) (study.Model, error) {
	m, err := loadModel(ctx, s.read, digest)
	return m, explain(ctx, "read a model", err)
}

// Models returns all models, newest first.
func (s *Store) Models(ctx context.Context) ([]study.Model, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+modelColumns+` FROM models ORDER BY created DESC, rowid DESC`)
	all, err := collect(rows, err, scanModel)
	return all, explain(ctx, "read the models", err)
}

// SaveFact stores something measured of a model as JSON under a name, in place
// of what stood there. It makes no event.
func (s *Store) SaveFact(ctx context.Context, model study.Digest, name string, value any) error {
	text, err := encode(value)
	if err != nil {
		return err
	}
	done, err := s.write.ExecContext(ctx, `INSERT INTO facts (model, name, value)
		SELECT digest, ?, ? FROM models WHERE digest = ?
		ON CONFLICT (model, name) DO UPDATE SET value = excluded.value`, name, text, model)
	if err != nil {
		return explain(ctx, "store a fact of a model", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, unknownModel(model))
	}
	return nil
}

// Fact decodes a fact into the variable that into points to; found is false
// if there is none of that name.
func (s *Store) Fact(ctx context.Context, model study.Digest, name string, into any) (found bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT value FROM facts WHERE model = ? AND name = ?`, model, name).Scan(column{into})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, explain(ctx, "read a fact of a model", err)
	}
	return true, nil
}
