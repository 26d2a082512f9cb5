package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/fettle-edge/fettle/study/fault"
)

// applicationID marks the file as ours: "fetl" in ASCII.
const applicationID = 0x6665746c

// The migrations in order: number i brings the schema from version i to i+1.
// They are only ever appended to: a released one never changes, is never
// reordered, and never turns foreign keys off.
//
//go:embed migrations/*.sql
var migrations embed.FS

// inspect refuses a file that is not ours or is newer than this program.
func inspect(ctx context.Context, path string) error {
	db, err := connect(path, 1)
	if err != nil {
		return err
	}
	defer db.Close() // nothing was written
	var app, version, objects int
	err = db.QueryRowContext(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`).Scan(&app, &version, &objects)
	if err != nil {
		return explain(ctx, "open the database "+path, err)
	}
	if app != applicationID && (app != 0 || version != 0 || objects != 0) {
		return fault.New(fault.Invalid, "cannot open the database %s: it belongs to another program", path).
			Trying("name another state folder")
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	if version > len(files) {
		return fault.New(fault.Conflict, "cannot open the database %s: a newer version of Fettle wrote it (schema %d; this one knows %d)",
			path, version, len(files)).Trying("update Fettle")
	}
	return nil
}

// migrate brings the schema to the newest version, in one transaction.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(files)
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() // does nothing after Commit
	var version int
	if err := t.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	if version == len(files) {
		return nil
	}
	for _, file := range files[version:] {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	// Pragmas take no parameters.
	if _, err := t.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d; PRAGMA application_id = %d`, len(files), applicationID)); err != nil {
		return err
	}
	if err := intact(ctx, t); err != nil {
		return err
	}
	return t.Commit()
}

// intact fails if a row refers to another that is not there.
func intact(ctx context.Context, t *sql.Tx) error {
	var broken int
	if err := t.QueryRowContext(ctx, `SELECT count(*) FROM pragma_foreign_key_check`).Scan(&broken); err != nil {
		return err
	}
	if broken > 0 {
		return fmt.Errorf("%d rows refer to rows that are not there", broken)
	}
	return nil
}
