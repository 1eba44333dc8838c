//! The guide: the documentation of driftmill beyond the README.
//!
//! | page | subject |
//! |---|---|
//! | [`pipelines`] | pipeline files, and how they are checked |
//! | [`components`] | all components of a pipeline file |
//! | [`reference`](mod@reference) | every key with its type, default and meaning |
//! | [`files`] | CSV and Parquet files |
//! | [`kafka`] | topics, offsets, logins, order of partitions |
//! | [`triggers`] | trigger policies, thresholds, comparisons and shadows |
//! | [`selection`] | selection policies |
//! | [`downsampling`] | downsampling policies, with measurements |
//! | [`keys_and_labels`] | keyed topics, deletions, late labels |
//! | [`publishing`] | exactly-once publication of versions |
//! | [`dead_letters`] | invalid messages |
//! | [`operations`] | commands, stopping, crashes, full disks |
//! | [`several_machines`] | one job in several processes |
//! | [`retention`] | removal of old data, and the object store |
//! | [`state_directory`] | the files of a run |
//! | [`formats`] | formats and upgrades |
//! | [`security`] | secrets and permissions |
//! | [`troubleshooting`] | messages and exit codes |
//! | [`contributing`] | the tree, tests, benchmarks, build times |
//! | [`changes`] | the change log |

/// Declares the pages. Each is a file of that name.
macro_rules! pages {
    ($($page:ident)+) => {
        $(
            #[doc = include_str!(concat!(stringify!($page), ".md"))]
            pub mod $page {}
        )+
    };
}

pages! {
    pipelines components reference files kafka triggers selection downsampling keys_and_labels publishing
    dead_letters operations several_machines retention state_directory formats security
    troubleshooting contributing changes
}
