-- The window behind a measurement of energy per token: study.Energy as JSON.
ALTER TABLE measurements ADD COLUMN energy TEXT;
