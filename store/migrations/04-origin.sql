-- Where an assignment comes from, and the number of the event up to which its
-- proposal had heard of the study's other lanes.
ALTER TABLE trials ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE trials ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
UPDATE trials SET heard = coalesce((SELECT min(e.seq) FROM events e
  WHERE e.study = trials.study AND e.trial = trials.number AND e.text = 'propose'), 0);
