-- Tables are plural and columns carry no prefix. Times are integer nanoseconds
-- since 1970 UTC, durations integer nanoseconds, numbers of measurements in
-- the metric's base unit. Columns that hold JSON say so.

-- Every change that somebody may want to hear of, in order. Never deleted.
CREATE TABLE events (
  seq   INTEGER PRIMARY KEY AUTOINCREMENT,
  time  INTEGER NOT NULL,
  kind  TEXT NOT NULL,              -- study, trial, target
  study TEXT REFERENCES studies (id),
  trial INTEGER,                    -- its number
  text  TEXT NOT NULL               -- the transition; for a target its name
) STRICT;
CREATE INDEX events_by_study ON events (study, seq);

CREATE TABLE studies (
  id      TEXT PRIMARY KEY NOT NULL,
  spec    TEXT NOT NULL,            -- JSON; never changes
  state   TEXT NOT NULL,
  note    TEXT NOT NULL,
  created INTEGER NOT NULL,
  ended   INTEGER
) STRICT;

CREATE TABLE trials (
  study      TEXT NOT NULL REFERENCES studies (id),
  number     INTEGER NOT NULL,      -- in the study, from 0
  target     TEXT NOT NULL,
  "index"    INTEGER NOT NULL,      -- in the lane, from 0
  rev        INTEGER NOT NULL UNIQUE REFERENCES events (seq),
  state      TEXT NOT NULL,
  assignment TEXT NOT NULL,         -- JSON
  format     TEXT NOT NULL,
  model      TEXT NOT NULL,         -- the recipe's model part, byte for byte: its digest is the variant
  run        TEXT NOT NULL,         -- JSON
  text       TEXT NOT NULL,
  prediction TEXT NOT NULL,         -- JSON
  pieces     TEXT,                  -- JSON
  "values"   TEXT,                  -- JSON; derived from measurements and scores
  reason     TEXT NOT NULL,
  detail     TEXT NOT NULL,
  stderr     TEXT,                  -- JSON
  warnings   TEXT,                  -- JSON
  duplicates INTEGER NOT NULL,
  spent      TEXT NOT NULL,         -- JSON
  created    INTEGER NOT NULL,
  ended      INTEGER,
  PRIMARY KEY (study, number),
  UNIQUE (study, target, "index")
) STRICT;
CREATE INDEX trials_by_rev ON trials (study, rev);
CREATE INDEX trials_ready ON trials (target, created, number) WHERE state = 'ready';

-- AUTOINCREMENT makes a fence that is never given twice.
CREATE TABLE attempts (
  fence      INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  study      TEXT NOT NULL,
  trial      INTEGER NOT NULL,
  target     TEXT NOT NULL,
  state      TEXT NOT NULL,
  started    INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  ended      INTEGER,
  result     TEXT,                  -- digest of the reported result
  conditions TEXT,                  -- JSON
  failure    TEXT,                  -- JSON
  wait       INTEGER,
  measure    INTEGER,
  FOREIGN KEY (study, trial) REFERENCES trials (study, number)
) STRICT;
CREATE INDEX attempts_by_trial ON attempts (study, trial);
CREATE UNIQUE INDEX attempts_running ON attempts (target) WHERE state = 'running';

CREATE TABLE measurements (
  attempt  TEXT NOT NULL REFERENCES attempts (id),
  position INTEGER NOT NULL,        -- in the report, from 0
  metric   TEXT NOT NULL,
  unit     TEXT NOT NULL,
  samples  TEXT,                    -- JSON
  "group"  INTEGER NOT NULL,        -- consecutive samples of one repetition
  boundary TEXT NOT NULL,
  warnings TEXT,                    -- JSON
  PRIMARY KEY (attempt, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX measurements_by_metric ON measurements (metric);

-- One row for each raw sample.
CREATE VIEW samples AS
  SELECT a.study, a.trial, a.target, a.id AS attempt, m.metric, m.unit, s.key AS position, s.value
  FROM attempts a JOIN measurements m ON m.attempt = a.id JOIN json_each(m.samples) s;

CREATE TABLE scores (
  variant TEXT NOT NULL,
  kv      TEXT NOT NULL,
  flash   INTEGER NOT NULL,
  context INTEGER NOT NULL,
  text    TEXT NOT NULL,
  backend TEXT NOT NULL,
  runtime TEXT NOT NULL,
  chunk   INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  nll     REAL NOT NULL,
  nll2    REAL NOT NULL,
  kld     REAL NOT NULL,
  kld2    REAL NOT NULL,
  same1   INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (variant, kv, flash, context, text, backend, runtime, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
  digest       TEXT PRIMARY KEY NOT NULL,
  name         TEXT NOT NULL,
  bytes        INTEGER NOT NULL,
  format       TEXT NOT NULL,
  architecture TEXT NOT NULL,
  parameters   INTEGER NOT NULL,
  blocks       INTEGER NOT NULL,
  context      INTEGER NOT NULL,
  vocabulary   INTEGER NOT NULL,
  types        TEXT NOT NULL,       -- JSON
  refused      TEXT,                -- JSON
  created      INTEGER NOT NULL
) STRICT;

-- What was measured of a model once for all studies, such as its ranking.
CREATE TABLE facts (
  model TEXT NOT NULL REFERENCES models (digest),
  name  TEXT NOT NULL,
  value TEXT NOT NULL,              -- JSON
  PRIMARY KEY (model, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE targets (
  name    TEXT PRIMARY KEY NOT NULL,
  kind    TEXT NOT NULL,
  facts   TEXT NOT NULL,            -- JSON
  boot    TEXT NOT NULL,
  session TEXT NOT NULL,
  created INTEGER NOT NULL,
  seen    INTEGER NOT NULL
) STRICT;
