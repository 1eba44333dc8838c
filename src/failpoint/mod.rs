//! Failpoints, at which tests abort the process as a power cut would, before and after each durable step,
//! or make a thread panic or hang.
//!
//! `DRIFTMILL_ABORT=catalog.committed:3` aborts the process when it reaches that failpoint for the third
//! time. `DRIFTMILL_PANIC` makes the thread that reaches it panic. `DRIFTMILL_HANG` makes it wait for ever.
//! Builds without debug assertions, such as release builds, have no failpoints.

/// Defines the failpoints and the complete list [`Failpoint::ALL`].
macro_rules! failpoints {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A point at which a test can abort the process, or make a thread panic or hang.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Failpoint {
            $($(#[$doc])* $name,)*
        }

        impl Failpoint {
            /// All failpoints.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name of the failpoint in environment variables.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

failpoints! {
    /// A batch is in the segment file, but not in its index.
    LogWritten = "log.written",
    /// A batch is in the index.
    LogIndexed = "log.indexed",
    /// The log is durable.
    LogSynced = "log.synced",
    /// A transaction of the catalog is about to be committed.
    CatalogOpen = "catalog.open",
    /// A transaction of the catalog is committed.
    CatalogCommitted = "catalog.committed",
    /// The files of a version are durable, but not at their destination.
    ModelStaged = "model.staged",
    /// The files of a version are at their destination.
    ModelStored = "model.stored",
    /// A version is in a sink, but the catalog has not recorded it.
    VersionSent = "version.sent",
    /// The catalog has recorded that segments have expired. Their files still exist.
    RetentionRecorded = "retention.recorded",
    /// The files of expired segments are removed.
    RetentionRemoved = "retention.removed",
    /// A copy of a segment without erased samples is durable. The catalog still names the segment.
    EraseWritten = "erase.written",
    /// The catalog names the copy. The segment still exists.
    EraseRecorded = "erase.recorded",
    /// The catalog has recorded that a segment is about to be uploaded.
    TierRecorded = "tier.recorded",
    /// A segment is uploaded, but the catalog has not recorded it.
    TierWritten = "tier.written",
    /// A segment is about to be downloaded.
    TierDownload = "tier.download",
    /// Dead letters are about to be written.
    DeadLettersWrite = "dead_letters.write",
    /// The weights of an older version are about to be read.
    WeightsRead = "weights.read",
    /// A thread is about to gather batches for the device.
    TrainingPrefetch = "training.prefetch",
}

/// The action of a failpoint in a test, and the visit at which it happens.
#[cfg(debug_assertions)]
struct Armed {
    action: Action,
    name: String,
    /// The number of the visit at which it acts, from 1.
    visit: u64,
    visits: std::sync::atomic::AtomicU64,
}

#[cfg(debug_assertions)]
#[derive(Clone, Copy)]
enum Action {
    Abort,
    Panic,
    Hang,
}

#[cfg(debug_assertions)]
impl Armed {
    /// The action that the environment requests, if it requests one.
    fn from_environment() -> Option<Self> {
        let actions = [
            ("DRIFTMILL_ABORT", Action::Abort),
            ("DRIFTMILL_PANIC", Action::Panic),
            ("DRIFTMILL_HANG", Action::Hang),
        ];
        actions.into_iter().find_map(|(variable, action)| {
            let armed = std::env::var(variable).ok()?;
            let (name, visit) = armed.split_once(':')?;
            let visit = visit.parse().ok()?;
            Some(Self { action, name: name.to_owned(), visit, visits: 0.into() })
        })
    }

    fn visit(&self, failpoint: Failpoint) {
        use std::sync::atomic::Ordering;

        if failpoint.name() != self.name
            || self.visits.fetch_add(1, Ordering::Relaxed) + 1 != self.visit
        {
            return;
        }
        match self.action {
            Action::Abort => std::process::abort(),
            Action::Panic => panic!("a test made {} panic", self.name),
            Action::Hang => loop {
                std::thread::park();
            },
        }
    }
}

impl Failpoint {
    /// Acts if a test has requested it for this visit of the failpoint.
    #[cfg(debug_assertions)]
    pub fn reach(self) {
        static ARMED: std::sync::LazyLock<Option<Armed>> =
            std::sync::LazyLock::new(Armed::from_environment);
        if let Some(armed) = &*ARMED {
            armed.visit(self);
        }
    }

    /// Does nothing in this build.
    #[cfg(not(debug_assertions))]
    #[inline]
    pub fn reach(self) {}
}
