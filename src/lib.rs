//! driftmill turns a fast stream of training samples into a slower stream of model versions.
//!
//! ```text
//!  source ─► codec ─► log ─► order ─► trigger ─► selection ─► training ─► model store ─► sinks
//!            │                          ▲                        │
//!            ▼                          └──── feedback ──────────┴──► evaluation
//!       dead letters
//! ```
//!
//! The crates `driftmill-operators` (when to train, what on: pure dataflow) and
//! `driftmill-datasets` (what a sample is) know nothing of the outside world. This crate is the
//! outside world, one folder for each door, and the job that ties all together. Its layers, top
//! first; each uses only those below it, which `tests/tidy.rs` enforces:
//!
//! | layer | what it is |
//! |---|---|
//! | [`cli`] | the command line · [`guide`] everything about running it |
//! | [`calibrate`] | thresholds for a wanted rate of false alarms |
//! | [`history`] | the past of a run: which samples made which versions, samples as Parquet |
//! | [`job`] | the dataflow of a pipeline, and the services its operators ask |
//! | [`report`] | what a run did, for people and scripts |
//! | [`config`] | pipeline files: all problems at once, each with its place |
//! | [`dead_letters`] | messages that are not samples |
//! | [`sink`] | where versions go: directories, Kafka |
//! | [`retention`] | what is old, what nothing can ask for any more, and how it goes |
//! | [`catalog`] | what was decided and made: SQLite and the model store |
//! | [`train`] | the thread that owns Burn: trains, infers, scores |
//! | [`model`] | architectures · [`source`] Kafka, files, generators · [`store`] the log · [`console`] progress · [`evaluate`] prequential results · [`cluster`] processes that run one job |
//!
//! # What is decided
//!
//! * The timestamp of the dataflow is the position of a change, 128 bits: time, then id. Records
//!   travel in batches under the least position that may still come; an ordering operator releases
//!   them once the frontier has passed, so policies see one order, whatever the batches were.
//! * A partition's own prefix says how late a sample is ([`source::WatermarkTracker`]); nothing asks the
//!   frontier.
//! * Selection is split over workers and its choice at random is a hash of seed, trigger and id:
//!   the smallest values win, whoever proposes them.
//! * Keyed samples and their labels are one operator with one table. Where there is a topic of labels
//!   all policies see a sample when its label came or `label_wait` is over: one order for all. With
//!   the default of no wait nothing is held back, and a label is a change of its own.
//! * A label that came by itself belongs to its key: a sample that replaces another keeps it, unless
//!   it brings its own; a deletion ends it.
//! * A sample is scored by the version that was active at its own position, whenever its label
//!   came; a corrected label takes the score back, a replacement or deletion does not.
//! * Downsampling is a function of the training set, the weights as they are then and a seed; what it
//!   chose is recorded with the outcome. The decision's training set holds all candidates: what was
//!   judged and left out has had its part in the version, and a deletion counts it.
//! * Irreducible-loss models are trained by threads of their own before the training that asks for them,
//!   and recorded in one transaction with its outcome: there is never one without the other.
//! * Several compositions of policies run over one stream ([`config::Comparison`]): the job builds
//!   one branch of the dataflow for each, over the same order and log.
//! * A producer that is refused as outdated begins again only while its own claim stands beside the
//!   offsets of a group named like its transactional id ([`sink`]): the brokers refuse a producer
//!   whose own transaction took too long just like one that has a successor.
//! * What was published is read back up to the high watermark, not to the last stable offset: a
//!   transaction that others have open may lie before what is looked for.
//! * Sums of losses are integers: they do not depend on who adds first.
//! * A state directory holds one run, which goes on when it is started again. Each policy of each
//!   branch stands somewhere by itself, and standings are kept for the run, not for a worker: the
//!   trigger policy where it decided last or a checkpoint found it, each partition's shard of the
//!   selection after a proposal, the evaluation wherever its sums are. The log is replayed from the
//!   earliest of these positions, and each host passes what its policy has seen. A decision that is
//!   open is sent again and its training set chosen again, which is compared with the record.
//! * A commit that depends on the log makes the log durable under the catalog's lock, so that it is
//!   never ahead of what it saw. Rows behind the recorded lengths are cut off and read again.
//! * Several processes run one dataflow ([`cluster`]). What is not part of it travels beside it, on a
//!   link of each process to process 0, which keeps the books: dead letters, counts, how much of the log is
//!   durable, errors, the wish to stop. For a decision process 0 asks all to flush, and takes in
//!   their segments before it commits and trains: no worker waits for a disk but the first, and what a
//!   process tells before it answers is known when the answer is. A policy that asks about samples of
//!   other processes has them flushed in the same way. Where a sample is selected and scored, there
//!   it is read: nobody else needs its row before it is durable.
//! * A process that is lost ends all: a link that closes or says nothing for thirty seconds, a wire that
//!   breaks. Nobody can take its place, for timely has no way to let a worker join.
//! * Shadow policies ([`config::Shadow`]) see the same stream and ask the pipeline's own versions, each at
//!   the change that makes it ask; they stand somewhere by themselves and hold nobody up. What every
//!   policy saw when it looked is recorded with where it stands, or before: seen again after a restart
//!   it is equal but for the time it took, and stays as it was.
//! * What a model said of a sample is remembered by the thread that owns the model: policies, shadows
//!   and the evaluation ask one after another, and only the first has it computed.
//! * Retention decides nothing: it removes what is old once no policy can choose or ask for it, and no
//!   restart reads it ([`retention`]). Samples that leave a policy's reach by age are that policy's
//!   own matter, so nothing is retracted for being old.
//! * Erased samples keep their rows, with zeros for features: positions, and what replays of them
//!   count, stay as they were.
//! * Batches of an earlier process are compared with their checksums before their first row is
//!   read: a wrong byte is an error, never a wrong sample.

pub mod atomic_write;
pub mod calibrate;
pub mod catalog;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod console;
pub mod dead_letters;
pub mod evaluate;
pub mod failpoint;
pub mod guide;
pub mod history;
pub mod job;
pub mod model;
pub mod outage;
pub mod report;
pub mod retention;
pub mod sink;
pub mod source;
pub mod store;
pub mod train;
