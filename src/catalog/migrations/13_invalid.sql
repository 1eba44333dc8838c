-- Format 13: invalid messages are called so everywhere.
ALTER TABLE expired_segments RENAME COLUMN bad TO invalid;
