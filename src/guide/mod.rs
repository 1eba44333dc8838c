//! The guide: everything about running driftmill that the README does not say.
//!
//! | page | what it is about |
//! |---|---|
//! | [`pipelines`] | pipeline files, and how they are checked |
//! | [`components`] | everything that can be written in a pipeline file |
//! | [`reference`](mod@reference) | every key with its type, default and meaning |
//! | [`kafka`] | topics, offsets, logins, order of partitions |
//! | [`triggers`] | when to train, thresholds, comparisons and shadows |
//! | [`selection`] | what to train on |
//! | [`downsampling`] | which part of a training set, with measurements |
//! | [`keys_and_labels`] | keyed topics, deletions, labels that arrive later |
//! | [`publishing`] | how versions reach a topic exactly once |
//! | [`dead_letters`] | invalid messages |
//! | [`operations`] | commands, stopping, crashes, full disks |
//! | [`several_machines`] | one job in several processes |
//! | [`retention`] | what is removed when, and the object store |
//! | [`state_directory`] | what a run leaves behind |
//! | [`formats`] | formats and upgrades |
//! | [`security`] | secrets and rights |
//! | [`troubleshooting`] | messages and exit codes |
//! | [`contributing`] | the tree, tests, benchmarks, build times |
//! | [`changes`] | the change log |

/// Declares the pages, each a file of its name.
macro_rules! pages {
    ($($page:ident)+) => {
        $(
            #[doc = include_str!(concat!(stringify!($page), ".md"))]
            pub mod $page {}
        )+
    };
}

pages! {
    pipelines components reference kafka triggers selection downsampling keys_and_labels publishing
    dead_letters operations several_machines retention state_directory formats security
    troubleshooting contributing changes
}
