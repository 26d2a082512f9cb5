-- How many attempts have measured a trial that is complete.
ALTER TABLE trials ADD COLUMN measured INTEGER NOT NULL DEFAULT 0;
UPDATE trials SET measured = 1 WHERE state = 'complete';
