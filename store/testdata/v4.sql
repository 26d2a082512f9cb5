-- A database of schema 4: sqlite3 fettle.db .dump, and the two pragmas that a dump leaves out.
PRAGMA application_id=1717924972;
PRAGMA user_version=4;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO attempts VALUES(1,'attempt-1','night-run',0,'local','reported',1793707200123456789,1793707260123456789,1793707200123456789,'72016bd3d0cadd5e19842e552e0b7c5ea0a4f3c81494f8fdf96d013409334fa8','{"started":"2026-11-03T12:00:00.123456789Z","runtime":{"name":"","version":"","digest":"","backend":""},"governor":"performance","load1":0,"other_cpu":[0.01],"repeated":0,"major_faults":0,"available_memory_bytes":0,"missing":{"energy":"no sensor"}}',NULL,1000000000,2000000000);
INSERT INTO attempts VALUES(2,'attempt-2','night-run',2,'local','running',1793707201123456789,1793707261123456789,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE events (
  seq   INTEGER PRIMARY KEY AUTOINCREMENT,
  time  INTEGER NOT NULL,
  kind  TEXT NOT NULL,              -- study, trial, target
  study TEXT REFERENCES studies (id),
  trial INTEGER,                    -- its number
  text  TEXT NOT NULL               -- the transition; for a target its name
) STRICT;
INSERT INTO events VALUES(1,1793707200123456789,'target',NULL,NULL,'local');
INSERT INTO events VALUES(2,1793707200123456789,'study','night-run',NULL,'create');
INSERT INTO events VALUES(3,1793707200123456789,'study','night-run',NULL,'running');
INSERT INTO events VALUES(4,1793707200123456789,'trial','night-run',0,'propose');
INSERT INTO events VALUES(5,1793707200123456789,'trial','night-run',0,'build');
INSERT INTO events VALUES(6,1793707200123456789,'trial','night-run',0,'evaluate');
INSERT INTO events VALUES(7,1793707200123456789,'trial','night-run',0,'queue');
INSERT INTO events VALUES(8,1793707200123456789,'trial','night-run',1,'propose');
INSERT INTO events VALUES(9,1793707200123456789,'trial','night-run',1,'build');
INSERT INTO events VALUES(10,1793707200123456789,'trial','night-run',1,'evaluate');
INSERT INTO events VALUES(11,1793707200123456789,'trial','night-run',1,'queue');
INSERT INTO events VALUES(12,1793707200123456789,'trial','night-run',2,'propose');
INSERT INTO events VALUES(13,1793707200123456789,'trial','night-run',2,'build');
INSERT INTO events VALUES(14,1793707200123456789,'trial','night-run',2,'evaluate');
INSERT INTO events VALUES(15,1793707200123456789,'trial','night-run',2,'queue');
INSERT INTO events VALUES(16,1793707200123456789,'trial','night-run',0,'grant');
INSERT INTO events VALUES(17,1793707200123456789,'trial','night-run',0,'report');
INSERT INTO events VALUES(18,1793707201123456789,'trial','night-run',0,'finish');
INSERT INTO events VALUES(19,1793707201123456789,'trial','night-run',1,'cancel');
INSERT INTO events VALUES(20,1793707201123456789,'trial','night-run',2,'grant');
CREATE TABLE facts (
  model TEXT NOT NULL REFERENCES models (digest),
  name  TEXT NOT NULL,
  value TEXT NOT NULL,              -- JSON
  PRIMARY KEY (model, name)
) STRICT, WITHOUT ROWID;
INSERT INTO facts VALUES('9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4','ranking','{"attention":[0.5],"ffn":[0.25]}');
CREATE TABLE measurements (
  attempt  TEXT NOT NULL REFERENCES attempts (id),
  position INTEGER NOT NULL,        -- in the report, from 0
  metric   TEXT NOT NULL,
  unit     TEXT NOT NULL,
  samples  TEXT,                    -- JSON
  "group"  INTEGER NOT NULL,        -- consecutive samples of one repetition
  boundary TEXT NOT NULL,
  warnings TEXT, energy TEXT,                    -- JSON
  PRIMARY KEY (attempt, position)
) STRICT, WITHOUT ROWID;
INSERT INTO measurements VALUES('attempt-1',0,'latency.decode','s/token','[0.3,1e-300,1.7976931348623157e+308]',3,'','["disturbed"]',NULL);
INSERT INTO measurements VALUES('attempt-1',1,'energy.decode','J/token','[0.3333333333333333]',0,'soc',NULL,'{"source":"rapl:package-0","window_s":2,"gross_j":9,"net_j":1,"idle_w":[4,4],"tokens":3}');
INSERT INTO measurements VALUES('attempt-1',2,'memory.peak','B',NULL,0,'',NULL,NULL);
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
INSERT INTO models VALUES('9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4','m.gguf',7,'gguf','llama',0,6,0,0,'{"F16":7}','{"quant.output":"the output matrix is tied"}',1793707200123456789);
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
INSERT INTO scores VALUES('v','f16',1,256,'t','b','r',3,255,1.5,2.5,0.5,0.25,200,900);
CREATE TABLE studies (
  id      TEXT PRIMARY KEY NOT NULL,
  spec    TEXT NOT NULL,            -- JSON; never changes
  state   TEXT NOT NULL,
  note    TEXT NOT NULL,
  created INTEGER NOT NULL,
  ended   INTEGER
) STRICT;
INSERT INTO studies VALUES('night-run','{"version":1,"name":"night-run","description":"it''s \u003cb\u003enew\u003c/b\u003e","model":{"digest":"9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4","name":"m.gguf"},"targets":[{"name":"local"}],"workload":{"prompt_tokens":128,"generate_tokens":32,"context":256,"warm_up":0,"min_repeats":0,"max_repeats":0,"max_time_ns":2000000000},"quality":{"text":{"digest":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","name":"eval.txt"},"chunks":16},"knobs":[{"name":"quant.default","choice":["Q8_0","F16"]},{"name":"runtime.flash","choice":[false,true]},{"name":"runtime.kv","choice":["f16"],"when":{"runtime.flash":[true]}},{"name":"truncate.depth","int":[4,6]}],"objectives":[{"metric":"quality.kld","direction":"min"}],"constraints":[{"metric":"quality.kld","max":1}],"search":{"sampler":"auto","seed":42},"budget":{"trials":40}}','running','measuring',1793707200123456789,NULL);
CREATE TABLE targets (
  name    TEXT PRIMARY KEY NOT NULL,
  kind    TEXT NOT NULL,
  facts   TEXT NOT NULL,            -- JSON
  boot    TEXT NOT NULL,
  session TEXT NOT NULL,
  created INTEGER NOT NULL,
  seen    INTEGER NOT NULL
) STRICT;
INSERT INTO targets VALUES('local','local','{"hostname":"","os":"","architecture":"amd64","cpu":"","cores":2,"memory_bytes":0,"swap_bytes":0,"energy":{},"temperature":{},"agent_version":""}','b','s',1793707200123456789,1793707200123456789);
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
  ended      INTEGER, measured INTEGER NOT NULL DEFAULT 0, origin TEXT NOT NULL DEFAULT '', heard INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (study, number),
  UNIQUE (study, target, "index")
) STRICT;
INSERT INTO trials VALUES('night-run',0,'local',0,18,'complete','{"quant.default":"Q8_0","runtime.flash":true,"truncate.depth":5}','gguf/1','{ "types": "<&>", "drop": [1, 2] }','{"threads":2,"flash":true,"kv":"f16","context":256}','Q8_0, depth 5','{"file_bytes":1099511627776,"weight_bytes":7,"kv_bytes":0,"ops_per_token":0,"peak_memory_bytes":0}','[{"digest":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","bytes":9}]','{"latency.decode":{"value":0.25,"low":0.125,"high":0.5,"n":5}}','','',NULL,'["neighbour"]',3,'{"build_ns":0,"evaluate_ns":0,"wait_ns":0,"measure_ns":0}',1793707200123456789,1793707201123456789,1,'',4);
INSERT INTO trials VALUES('night-run',1,'local',1,19,'cancelled','{"quant.default":"Q8_0","runtime.flash":true,"truncate.depth":5}','gguf/1','{ "types": "<&>", "drop": [1, 2] }','{"threads":2,"flash":true,"kv":"f16","context":256}','Q8_0, depth 5','{"file_bytes":1099511627776,"weight_bytes":7,"kv_bytes":0,"ops_per_token":0,"peak_memory_bytes":0}',NULL,NULL,'','by hand',NULL,'["neighbour"]',3,'{"build_ns":0,"evaluate_ns":0,"wait_ns":0,"measure_ns":0}',1793707200123456789,1793707201123456789,0,'',8);
INSERT INTO trials VALUES('night-run',2,'local',2,20,'leased','{"quant.default":"Q8_0","runtime.flash":true,"truncate.depth":5}','gguf/1','{ "types": "<&>", "drop": [1, 2] }','{"threads":2,"flash":true,"kv":"f16","context":256}','Q8_0, depth 5','{"file_bytes":1099511627776,"weight_bytes":7,"kv_bytes":0,"ops_per_token":0,"peak_memory_bytes":0}',NULL,NULL,'','',NULL,'["neighbour"]',3,'{"build_ns":0,"evaluate_ns":0,"wait_ns":0,"measure_ns":0}',1793707200123456789,NULL,0,'',12);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('events',20);
INSERT INTO sqlite_sequence VALUES('attempts',2);
CREATE INDEX events_by_study ON events (study, seq);
CREATE INDEX trials_by_rev ON trials (study, rev);
CREATE INDEX trials_ready ON trials (target, created, number) WHERE state = 'ready';
CREATE INDEX attempts_by_trial ON attempts (study, trial);
CREATE UNIQUE INDEX attempts_running ON attempts (target) WHERE state = 'running';
CREATE INDEX measurements_by_metric ON measurements (metric);
CREATE VIEW samples AS
  SELECT a.study, a.trial, a.target, a.id AS attempt, m.metric, m.unit, s.key AS position, s.value
  FROM attempts a JOIN measurements m ON m.attempt = a.id JOIN json_each(m.samples) s;
COMMIT;
