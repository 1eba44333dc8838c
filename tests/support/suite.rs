//! The test harness. It runs the tests of a target and reports those whose requirements are missing.
//!
//! The list of a file names the requirements of each test. On a machine without them, the test is ignored,
//! counted, and listed at the end with the line that installs the missing part. With
//! `DRIFTMILL_TEST_REQUIRE=all` it fails. A test that does not end ends the whole run, which names the
//! test.

use std::collections::{BTreeMap, HashMap};
use std::process::{ExitCode, exit};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use std::{env, thread};

use libtest_mimic::{Arguments, Failed, Trial};
use parking_lot::Mutex;

/// A requirement of a test on the machine.
pub(crate) struct Need {
    /// Name of the requirement, such as "a Kafka broker".
    pub(crate) name: &'static str,
    /// The line that installs it on Debian.
    pub(crate) install: &'static str,
    /// The reason why it cannot be used here; none if it can.
    pub(crate) missing: fn() -> Option<String>,
}

/// A test function and its requirements.
pub(crate) struct Test {
    /// Module and name of the test.
    pub(crate) name: &'static str,
    /// Requirements on the machine.
    pub(crate) needs: &'static [&'static Need],
    /// The function of the test, which panics on a failure.
    pub(crate) run: fn(),
}

/// Lists the tests of a file as its `TESTS`. `needs` follows the name of a test.
macro_rules! tests {
    ($($name:ident $(needs $($need:ident)+)?,)+) => {
        pub(crate) const TESTS: &[$crate::suite::Test] = &[$($crate::suite::Test {
            name: concat!(module_path!(), "::", stringify!($name)),
            needs: &[$($(&$need),+)?],
            run: $name,
        }),+];
    };
}
pub(crate) use tests;

/// Running tests, with their start times.
static RUNNING: LazyLock<Mutex<HashMap<&'static str, Instant>>> = LazyLock::new(Mutex::default);

/// Runs the tests that the command line asks for.
pub(crate) fn run(files: &[&'static [Test]]) -> ExitCode {
    let arguments = Arguments::from_args();
    let required = env::var("DRIFTMILL_TEST_REQUIRE").is_ok_and(|wanted| wanted == "all");
    let mut checked = BTreeMap::new();
    let mut ignored: BTreeMap<&str, (&Need, String, Vec<&str>)> = BTreeMap::new();
    let mut trials = Vec::new();
    for test in files.iter().copied().flatten() {
        let name = test.name.split_once("::").map_or(test.name, |(_target, name)| name);
        let trial = Trial::test(name, move || timed(name, test.run));
        if arguments.list || arguments.is_filtered_out(&trial) {
            trials.push(trial);
            continue;
        }
        let mut missing = test.needs.iter().filter_map(|need| {
            let found = checked.entry(need.name).or_insert_with(need.missing);
            found.clone().map(|reason| (*need, reason))
        });
        match missing.next() {
            None => trials.push(trial),
            Some((need, reason)) if required => {
                let lack = format!("{} is required: {reason}\n{}", need.name, need.install);
                trials.push(Trial::test(name, || Err(Failed::from(lack))));
            }
            Some((need, reason)) => {
                trials.push(trial.with_ignored_flag(true));
                ignored.entry(need.name).or_insert((need, reason, Vec::new())).2.push(name);
            }
        }
    }
    watch();
    let conclusion = libtest_mimic::run(&arguments, trials);
    for (need, reason, names) in ignored.values() {
        eprintln!("ignored without {}: {} tests ({reason})", need.name, names.len());
        names.iter().for_each(|name| eprintln!("    {name}"));
        eprintln!("    to run them: {}\n", need.install);
    }
    conclusion.exit_code()
}

/// Runs a test and records that it is running.
fn timed(name: &'static str, test: fn()) -> Result<(), Failed> {
    /// Removes the record when dropped, even if the test panics.
    struct Noted(&'static str);
    impl Drop for Noted {
        fn drop(&mut self) {
            RUNNING.lock().remove(self.0);
        }
    }
    RUNNING.lock().insert(name, Instant::now());
    let _noted = Noted(name);
    test();
    Ok(())
}

/// Ends the run when a test takes longer than `DRIFTMILL_TEST_LIMIT` seconds (1,200).
fn watch() {
    let limit = env::var("DRIFTMILL_TEST_LIMIT").ok().and_then(|text| text.parse().ok());
    let limit = Duration::from_secs(limit.unwrap_or(1_200));
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            let running = RUNNING.lock();
            let over = running.iter().find(|(_, begun)| begun.elapsed() > limit);
            if let Some((name, _)) = over {
                eprintln!("\n{name} did not end within {limit:?} (DRIFTMILL_TEST_LIMIT)");
                exit(101);
            }
        }
    });
}
