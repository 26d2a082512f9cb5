package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fettle-edge/fettle/study"
	"github.com/fettle-edge/fettle/study/fault"
	"github.com/fettle-edge/fettle/targets"
)

const targetColumns = `name, kind, facts, boot, session, created, seen`

func scanTarget(row scanner) (targets.Target, error) {
	var t targets.Target
	err := row.Scan(&t.Name, &t.Kind, column{&t.Facts}, &t.BootID, &t.Session, moment{&t.Created}, moment{&t.LastSeen})
	return t, err
}

func loadTarget(ctx context.Context, q querier, name string) (targets.Target, error) {
	t, err := scanTarget(q.QueryRowContext(ctx, `SELECT `+targetColumns+` FROM targets WHERE name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return t, unknownTarget(name)
	}
	return t, err
}

func unknownTarget(name string) error {
	return fault.New(fault.NotFound, "cannot find target %q", name).Trying("fettle target list")
}

// SaveTarget registers a target, seen now. One that exists keeps Created and
// takes the rest. Only a difference in kind, facts, boot or session is a
// change with an event.
func (s *Store) SaveTarget(ctx context.Context, now time.Time, t targets.Target) error {
	if t.Name == "" {
		return fault.New(fault.Invalid, "cannot register a target without a name")
	}
	facts, err := encode(t.Facts)
	if err != nil {
		return err
	}
	return s.change(ctx, now, "register a target", func(ctx context.Context, tx *tx) error {
		old, err := loadTarget(ctx, tx, t.Name)
		known := err == nil
		if !known && fault.KindOf(err) != fault.NotFound {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO targets (`+targetColumns+`) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
			ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, facts = excluded.facts, boot = excluded.boot,
			session = excluded.session, seen = excluded.seen`,
			t.Name, t.Kind, facts, t.BootID, t.Session, tx.now.UnixNano())
		if err != nil {
			return err
		}
		before, err := encode(old.Facts)
		if err != nil {
			return err
		}
		if known && before == facts && old.Kind == t.Kind && old.BootID == t.BootID && old.Session == t.Session {
			return nil
		}
		_, err = tx.event(ctx, study.EventTarget, "", nil, t.Name)
		return err
	})
}

// TouchTarget notes that a target was seen now. It makes no event.
func (s *Store) TouchTarget(ctx context.Context, now time.Time, name string) error {
	done, err := s.write.ExecContext(ctx, `UPDATE targets SET seen = ? WHERE name = ?`, now.UnixNano(), name)
	if err != nil {
		return explain(ctx, "note that a target was seen", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, unknownTarget(name))
	}
	return nil
}

// Target returns the target of that name.
func (s *Store) Target(ctx context.Context, name string) (targets.Target, error) {
	t, err := loadTarget(ctx, s.read, name)
	return t, explain(ctx, "read a target", err)
}

// Targets returns all targets, by name.
func (s *Store) Targets(ctx context.Context) ([]targets.Target, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+targetColumns+` FROM targets ORDER BY name`)
	all, err := collect(rows, err, scanTarget)
	return all, explain(ctx, "read the targets", err)
}
