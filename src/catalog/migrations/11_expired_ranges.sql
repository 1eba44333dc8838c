-- Format 11: an index for the lineage of samples that retention removed.
CREATE INDEX expired_ranges_by_offset
    ON expired_ranges (topic_index, partition, to_offset, from_offset);
