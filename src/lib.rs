//! driftmill turns a fast stream of training samples into a slower stream of model versions.
//!
//! ```text
//!  source ─► codec ─► log ─► order ─► trigger ─► selection ─► training ─► model store ─► sinks
//!            │                          ▲                        │
//!            ▼                          └──── feedback ──────────┴──► evaluation
//!       dead letters
//! ```
//!
//! The crates `driftmill-operators` (when to train and on what: pure dataflow) and
//! `driftmill-datasets` (samples and their codecs) do no input or output. This crate does: it reads,
//! stores, trains and publishes, and builds the job that connects all parts. Its layers, top first,
//! use only the layers below them, which `tests/tidy.rs` enforces:
//!
//! | layer | contents |
//! |---|---|
//! | [`cli`] | the command line · [`guide`] the manual |
//! | [`calibrate`] | thresholds with a wanted rate of false alarms |
//! | [`history`] | the history of a run: lineage, training sets, export to Parquet |
//! | [`job`] | the dataflow of a pipeline, the coordinator, and the services of operators |
//! | [`report`] | summaries and tables, for people and scripts |
//! | [`config`] | pipeline files: all problems at once, each with its place |
//! | [`dead_letters`] | invalid messages |
//! | [`sink`] | where versions are published: directories, Kafka |
//! | [`retention`] | which segments and versions have expired, and their removal |
//! | [`catalog`] | recorded decisions and outcomes in SQLite, and the model store |
//! | [`train`] | the thread that runs models: training, inference, scores |
//! | [`model`] | architectures · [`source`] Kafka, files, generators · [`store`] the log · [`console`] progress · [`evaluate`] prequential evaluation · [`cluster`] processes that run one job |
//! | [`atomic_write`] | files and folders that appear complete · [`failpoint`] places where tests abort · [`outage`] waiting, and giving up · [`panics`] panics that are answered |
//!
//! # Design decisions
//!
//! Order:
//!
//! * The timestamp of the dataflow is the position of a change, 128 bits: time, then id. Records
//!   travel in batches under the least position that may still arrive. An ordering operator releases
//!   them once the frontier has passed. All policies therefore see one order, independent of batches.
//! * How late a sample is depends on the prefix of its own partition alone
//!   ([`source::WatermarkTracker`]), never on the frontier.
//! * One operator with one table handles keyed samples and their labels. Where there is a topic of
//!   labels, all policies see a sample when its label has arrived or `label_wait` has passed. By
//!   default there is no wait, nothing is held back, and a label is a change of its own.
//! * A label from a separate topic belongs to its key: a sample that replaces another keeps the label
//!   unless it has its own. A deletion ends it.
//!
//! Training and evaluation:
//!
//! * Selection is split over workers. Its random choice is a hash of seed, trigger and id, of which
//!   the smallest values win, independent of the worker that proposes them.
//! * A sample is scored by the version that was active at its own position, whenever its label
//!   arrives. A corrected label replaces the score; a replacement or deletion does not.
//! * Downsampling is a function of the training set, the current weights and a seed. What it selects
//!   is recorded with the outcome. The training set of a decision holds all candidates, because those
//!   that were scored and left out have influenced the version, too; a deletion counts them.
//! * Irreducible-loss models are trained on threads of their own before the training that needs them.
//!   They are recorded in one transaction with its outcome.
//! * Several compositions of policies run over one stream ([`config::Comparison`]): each is one branch
//!   of the dataflow, over the same order and log.
//! * Shadow policies ([`config::Shadow`]) see the same stream and query the versions of the pipeline's
//!   own branch. They have checkpoints of their own and delay nothing. Trigger evaluations are recorded
//!   no later than the checkpoint after them; repeated after a restart they are equal but for the time
//!   they took, and the first record stays.
//! * The thread that owns a model caches its outputs: policies, shadows and the evaluation share them.
//! * Sums of losses are integers and so independent of the order of additions.
//!
//! Durability:
//!
//! * A state directory holds one run, which a new process resumes. Checkpoints belong to the run, not
//!   to a worker: of each trigger policy at its last decision or later, of each partition's selection
//!   after a proposal, of the evaluation with its sums. The log is replayed from the earliest of these
//!   positions, and each host skips what its policy has seen. An open decision is sent again; its
//!   training set is selected again and compared with the record.
//! * One thread of process 0, the coordinator, owns the order of durability: flush all processes, sync
//!   the log, make dead letters durable, commit. The catalog is therefore never ahead of the log.
//!   Rows behind the recorded lengths are cut off and read again.
//! * Batches of an earlier process are compared with their checksums before their first row is
//!   read: a wrong byte is an error, never a wrong sample. Rows of the catalog have checksums, too.
//! * Retention has no influence on decisions: it removes what is old once no policy can select or query
//!   it and no restart reads it ([`retention`]). Samples that leave a policy's windows by age are the
//!   policy's own matter, so nothing is retracted for being old.
//! * Erased samples keep their rows, with zeros for features: positions and counts stay the same.
//! * A producer that is refused as outdated starts again only while its own claim is in the offsets of
//!   the group with the name of its transactional id ([`sink`]): brokers refuse a producer whose
//!   transaction took too long just like one that has a successor.
//! * Published versions are read back up to the high watermark, not to the last stable offset: another
//!   job's open transaction may lie before them.
//!
//! Several processes:
//!
//! * Several processes run one dataflow ([`cluster`]). Each has a link to process 0 for everything
//!   else: dead letters, counts, lengths of the log, errors, requests to stop. For a decision process
//!   0 asks all to flush, and attaches their segments before it commits and trains. A policy that
//!   queries samples of other processes has them flushed in the same way. A sample is selected and
//!   scored on the process that has read it, so no other process needs its row before it is durable.
//! * A lost process ends the job: a link that closes or is silent for thirty seconds, or a broken
//!   socket. No process can take its place, because timely does not let a worker join.

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
pub mod kafka;
pub mod model;
pub mod outage;
pub mod panics;
pub mod report;
pub mod retention;
pub mod sink;
pub mod source;
pub mod store;
pub mod train;
