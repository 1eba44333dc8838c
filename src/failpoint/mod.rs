//! Failpoints: places where a test makes the process die as a power cut would, before and after each
//! durable step.
//!
//! `DRIFTMILL_ABORT=catalog.committed:3` aborts the process when it reaches that failpoint for the
//! third time. Builds without debug assertions, such as release builds, have no failpoints.

/// Defines the failpoints, so that [`Failpoint::ALL`] lacks none.
macro_rules! failpoints {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A place where a test can make the process die.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Failpoint {
            $($(#[$doc])* $name,)*
        }

        impl Failpoint {
            /// All failpoints.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name by which tests choose it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

failpoints! {
    /// A batch is in the segment file, not in its index.
    LogWritten = "log.written",
    /// A batch is in the index.
    LogIndexed = "log.indexed",
    /// The log is durable.
    LogSynced = "log.synced",
    /// A transaction of the catalog is about to be committed.
    CatalogOpen = "catalog.open",
    /// A transaction of the catalog is committed.
    CatalogCommitted = "catalog.committed",
    /// The files of a version are durable, not at their place.
    ModelStaged = "model.staged",
    /// The files of a version are at their place.
    ModelStored = "model.stored",
    /// A version is in a sink; the catalog does not say so.
    VersionSent = "version.sent",
    /// The catalog says that segments have expired; their files are still there.
    RetentionRecorded = "retention.recorded",
    /// The files of expired segments are removed.
    RetentionRemoved = "retention.removed",
    /// A copy of a segment without erased samples is durable; the catalog names the segment itself.
    EraseWritten = "erase.written",
    /// The catalog names the copy; the segment is still there.
    EraseRecorded = "erase.recorded",
    /// The catalog says that a segment is about to be uploaded.
    TierRecorded = "tier.recorded",
    /// A segment is uploaded; the catalog does not say so.
    TierWritten = "tier.written",
}

impl Failpoint {
    /// Aborts the process if this failpoint is armed and was reached often enough.
    #[cfg(debug_assertions)]
    pub fn reach(self) {
        use std::sync::OnceLock;
        use std::sync::atomic::{AtomicU64, Ordering};

        static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
        static REACHED: AtomicU64 = AtomicU64::new(0);
        let armed = ARMED.get_or_init(|| {
            let armed = std::env::var("DRIFTMILL_ABORT").ok()?;
            let (name, count) = armed.split_once(':')?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        if let Some((name, count)) = armed
            && name == self.name()
            && REACHED.fetch_add(1, Ordering::Relaxed) + 1 == *count
        {
            std::process::abort();
        }
    }

    /// Does nothing in this build.
    #[cfg(not(debug_assertions))]
    #[inline]
    pub fn reach(self) {}
}
