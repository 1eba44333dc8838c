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
//! use only the layers below them, which `tests/tidy/` enforces:
//!
//! | layer | contents |
//! |---|---|
//! | [`cli`] | the command line · [`guide`] the manual |
//! | [`calibrate`] | thresholds with a wanted rate of false alarms |
//! | [`job`] | the dataflow of a pipeline, the coordinator, and the services of operators · [`history`] the history of a run: lineage, training sets, export to Parquet |
//! | [`report`] | summaries and tables, for people and scripts |
//! | [`config`] | pipeline files: all problems at once, each with its place |
//! | [`dead_letters`] | invalid messages |
//! | [`sink`] | where versions are published: directories, Kafka |
//! | [`retention`] | which segments and versions have expired, and their removal |
//! | [`catalog`] | recorded decisions and outcomes in SQLite, and the model store · [`train`] the thread that runs models: training, inference, scores |
//! | [`model`] | architectures · [`source`] Kafka, files, generators · [`store`] the log · [`console`] progress · [`evaluate`] prequential evaluation · [`cluster`] processes that run one job |
//! | [`atomic_write`] | files and folders that appear complete · [`failpoint`] places where tests abort · [`outage`] waiting, and giving up · [`panics`] panics that are answered |
//!
//! # Design decisions
//!
//! Order:
//!
//! * The timestamp of the dataflow is the position of a change, 128 bits: time, then id. Records travel in
//!   batches with the least position that may still arrive. An ordering operator releases them once the
//!   frontier has passed. All policies therefore see one order, independent of batches.
//! * Whether a sample is late depends only on the earlier records of its own partition
//!   ([`source::WatermarkTracker`]), never on the frontier.
//! * One operator with one table handles keyed samples and their labels. If there is a topic of labels, all
//!   policies see a sample when its label has arrived or `label_wait` has passed. By default there is no
//!   wait, no sample is held back, and a label is a separate change.
//! * A label from a separate topic belongs to its key: a sample that replaces another keeps the label
//!   unless it has its own. A deletion ends it.
//!
//! Training and evaluation:
//!
//! * Selection is split over workers. Its random choice is the smallest hashes of seed, trigger and id, and
//!   does not depend on the worker that proposes them.
//! * A sample is scored by the version that was active at its own position, whenever its label
//!   arrives. A corrected label replaces the score; a replacement or deletion does not.
//! * Downsampling is a function of the training set, the current weights and a seed. Its choice is recorded
//!   with the outcome. The training set of a decision contains all candidates, because candidates that were
//!   scored and left out have influenced the version, too. Deletions of them count.
//! * Irreducible-loss models are trained on separate threads before the training that needs them. They are
//!   recorded in one transaction with its outcome.
//! * Several compositions of policies run over one stream ([`config::Comparison`]): each is one branch
//!   of the dataflow, over the same order and log.
//! * Shadow policies ([`config::Shadow`]) see the same stream and query the versions of the pipeline's own
//!   branch. They have separate checkpoints and delay nothing. Trigger evaluations are recorded no later
//!   than the checkpoint after them. Evaluations that are repeated after a restart are equal except for
//!   their duration, and the first record is kept.
//! * The thread that owns a model caches its outputs: policies, shadows and the evaluation share them.
//! * Sums of losses are integers and therefore independent of the order of additions.
//!
//! Durability:
//!
//! * A state directory holds one run, which a new process resumes. Checkpoints belong to the run and not to
//!   a worker: that of each trigger policy is at its last decision or later, that of each partition's
//!   selection is after a proposal, and that of the evaluation includes its sums. The log is replayed from
//!   the earliest of these positions, and each host skips the changes that its policy has seen. An open
//!   decision is sent again. Its training set is selected again and compared with the record.
//! * One thread of process 0, the coordinator, owns the order of durability: flush all processes, sync the
//!   log, make dead letters durable, commit. The catalog is therefore never ahead of the log. Rows after
//!   the recorded lengths are cut off and read again.
//! * Batches of an earlier process are compared with their checksums before their first row is read: a
//!   wrong byte is an error, never a wrong sample. Rows of the catalog have checksums, too.
//! * Retention has no influence on decisions: it removes old data once no policy can select or query it and
//!   no restart reads it ([`retention`]). Policies remove old samples from their windows themselves, so
//!   there are no retractions because of age.
//! * Erased samples keep their rows, with zeros for features. Positions and counts do not change.
//! * A producer that is rejected as outdated starts again only while its own claim is in the offsets of the
//!   group with the name of its transactional id ([`sink`]). Brokers reject a producer whose transaction
//!   took too long just like one that has a successor.
//! * Published versions are read back up to the high watermark, not to the last stable offset: another
//!   job's open transaction may be before them.
//!
//! Several processes:
//!
//! * Several processes run one dataflow ([`cluster`]). Each has a link to process 0 for everything else:
//!   dead letters, counts, lengths of the log, errors, requests to stop. For a decision, process 0 asks all
//!   processes to flush, and attaches their segments before it commits and trains. If a policy queries
//!   samples of other processes, they are flushed in the same way. A sample is selected and scored on the
//!   process that has read it, so no other process needs its row before it is durable.
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
