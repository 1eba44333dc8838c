-- The tables of format 9, the first one that is migrated. The text of a migration never changes.
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    pipeline TEXT NOT NULL,     -- the whole pipeline that it began with, as JSON
    current TEXT NOT NULL,      -- the one it was started with last
    adopted TEXT,               -- the run whose published versions count as its own
    complete INTEGER NOT NULL   -- 1 when the stream came to its end
) STRICT;
CREATE TABLE partitions (
    number INTEGER PRIMARY KEY, -- in the order in which they were found
    topic_index INTEGER NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    start INTEGER NOT NULL,     -- first offset to be read
    end INTEGER,                -- first offset not to be read
    UNIQUE (topic_index, partition)
) STRICT;
CREATE TABLE segments (         -- how much of the log is durable
    name TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    batches INTEGER NOT NULL
) STRICT;
CREATE TABLE remote_segments (           -- objects on object stores; those of expired segments are to be removed
    segment TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    complete INTEGER NOT NULL   -- 1 once it was written
) STRICT;
CREATE TABLE expired_segments (          -- segments removed by retention
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    late INTEGER NOT NULL,
    ids BLOB NOT NULL,          -- the samples: a 64-bit Roaring bitmap
    replaced BLOB NOT NULL,     -- those of them that others had replaced
    deleted BLOB NOT NULL,      -- those of them that had been deleted
    keys BLOB NOT NULL          -- their keys, 16 bytes each, in the order of ids; if they have any
) STRICT;
CREATE TABLE expired_ranges (   -- per partition, what these segments held
    number INTEGER NOT NULL,
    topic_index INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    from_offset INTEGER NOT NULL,
    to_offset INTEGER NOT NULL, -- of the last row
    rows INTEGER NOT NULL,
    from_time INTEGER NOT NULL, -- event times: milliseconds since 1970
    to_time INTEGER NOT NULL,
    PRIMARY KEY (number, topic_index, partition),
    FOREIGN KEY (number) REFERENCES expired_segments (number)
) STRICT;
CREATE TABLE erased_samples (           -- samples whose features are zeros in the log
    segment TEXT NOT NULL,      -- in which they were written anew
    ids BLOB NOT NULL           -- a 64-bit Roaring bitmap
) STRICT;
CREATE TABLE expired_versions ( -- versions whose weights retention removed
    branch TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (branch, version)
) STRICT;
CREATE TABLE decisions (
    branch TEXT NOT NULL,       -- '' or the name of a comparison
    trigger INTEGER NOT NULL,
    time INTEGER NOT NULL,      -- position: milliseconds since 1970
    sample INTEGER NOT NULL,    -- position: id
    cut TEXT NOT NULL,          -- before or after that sample
    decisions_before INTEGER NOT NULL,
    policy TEXT NOT NULL,
    reason TEXT NOT NULL,
    score REAL,
    threshold REAL,
    candidates INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    labels TEXT NOT NULL,       -- how many samples of each class, as JSON
    weight REAL NOT NULL,       -- sum of the samples' weights
    round INTEGER NOT NULL,     -- in which the selection chose, if it goes round
    ids BLOB NOT NULL,          -- the training set's ids: a 64-bit Roaring bitmap
    ids_digest TEXT NOT NULL,
    seconds REAL NOT NULL,      -- how long choosing took
    seed INTEGER NOT NULL,
    model INTEGER,              -- the version that was active
    attempts INTEGER NOT NULL,  -- trainings started
    PRIMARY KEY (branch, trigger)
) STRICT;
CREATE TABLE outcomes (
    branch TEXT NOT NULL,
    trigger INTEGER NOT NULL,
    version INTEGER,            -- none if there was nothing to train on, or the training failed
    sha256 TEXT,                -- of its weights
    description TEXT,           -- SHA-256 of its version.json
    loss REAL,                  -- of the last epoch
    seconds REAL NOT NULL,
    error TEXT,
    PRIMARY KEY (branch, trigger),
    FOREIGN KEY (branch, trigger) REFERENCES decisions (branch, trigger)
) STRICT;
CREATE TABLE trained_samples (           -- what a training learnt from, where that is not all of its set
    branch TEXT NOT NULL,
    trigger INTEGER NOT NULL,
    summary TEXT NOT NULL,      -- policy, counts, labels, weights, seconds and digest, as JSON
    ids BLOB NOT NULL,          -- a 64-bit Roaring bitmap
    times BLOB NOT NULL,        -- in the order of ids: how often, 32 bits little-endian
    weights BLOB NOT NULL,      -- in the order of ids: mean weight, float32 little-endian
    PRIMARY KEY (branch, trigger),
    FOREIGN KEY (branch, trigger) REFERENCES decisions (branch, trigger)
) STRICT;
CREATE TABLE trigger_evaluations (            -- the evaluations of trigger policies, whether they decided or not
    policy TEXT NOT NULL,       -- a branch, or shadow/ and the name of a shadow
    trigger INTEGER NOT NULL,   -- the decision that it led to, or the next one
    time INTEGER NOT NULL,      -- position: milliseconds since 1970
    sample INTEGER NOT NULL,    -- position: id
    number INTEGER NOT NULL,    -- 0, 1, 2, … of the evaluations at this position
    decides INTEGER NOT NULL,   -- 1 if it led to the decision
    version INTEGER,            -- the version that was asked
    seconds REAL NOT NULL,
    evaluation TEXT NOT NULL,   -- scores, windows and members, as JSON
    PRIMARY KEY (policy, trigger, time, sample, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE shadow_decisions (            -- where shadow policies would have trained
    policy TEXT NOT NULL,       -- shadow/ and its name
    number INTEGER NOT NULL,    -- 0, 1, 2, …
    time INTEGER NOT NULL,      -- position: milliseconds since 1970
    sample INTEGER NOT NULL,    -- position: id
    cut TEXT NOT NULL,          -- before or after that sample
    version INTEGER,            -- the version that was active
    kind TEXT NOT NULL,         -- key of the policy that fired
    reason TEXT NOT NULL,
    score REAL,
    threshold REAL,
    PRIMARY KEY (policy, number)
) STRICT;
CREATE TABLE trigger_checkpoints (        -- the state of a trigger policy and of its branch's evaluation
    branch TEXT PRIMARY KEY,    -- or shadow/ and the name of a shadow
    policy BLOB,                -- Postcard
    evaluation BLOB             -- Postcard
) STRICT;
CREATE TABLE selection_checkpoints (           -- the state of each partition's part of a selection
    branch TEXT NOT NULL,
    stream INTEGER NOT NULL,    -- topic and partition, as in ids
    trigger INTEGER NOT NULL,   -- after its proposal for this decision
    state BLOB NOT NULL,        -- Postcard
    PRIMARY KEY (branch, stream, trigger)
) STRICT;
CREATE TABLE outbox (        -- published versions; those missing here are to be published
    sink TEXT NOT NULL,
    version INTEGER NOT NULL,
    bookmark TEXT,              -- up to where the sink need not be read back
    PRIMARY KEY (sink, version)
) STRICT;
