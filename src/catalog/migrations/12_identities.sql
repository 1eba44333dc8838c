-- Format 12: the identity of a partition's stream, which tells it from another one under its name, and
-- the arithmetic of the machine on which a run was last started.
ALTER TABLE partitions ADD COLUMN identity TEXT;
ALTER TABLE run ADD COLUMN arithmetic TEXT;
