-- Format 10: a checksum of every row, versions of policy states, and indexes for lineage.
ALTER TABLE run ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segments ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE remote_segments ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE expired_segments ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE expired_ranges ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erased_samples ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE expired_versions ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decisions ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trained_samples ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trigger_evaluations ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shadow_decisions ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trigger_checkpoints ADD COLUMN state_version INTEGER NOT NULL DEFAULT 1; -- of both blobs
ALTER TABLE trigger_checkpoints ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE selection_checkpoints ADD COLUMN state_version INTEGER NOT NULL DEFAULT 1; -- of the blob
ALTER TABLE selection_checkpoints ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
CREATE TABLE training_set_blocks ( -- which training sets have samples of a block of 65536 ids
    block INTEGER NOT NULL,        -- id / 65536
    branch TEXT NOT NULL,
    trigger INTEGER NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (block, branch, trigger)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcomes_by_version ON outcomes (branch, version) WHERE version IS NOT NULL;
