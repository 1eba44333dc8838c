//! A job whose broker is killed, paused and restarted, and which is killed itself, publishes the same
//! versions as an undisturbed one.
//!
//! `DRIFTMILL_STORMS` and `DRIFTMILL_SEED` set the number of storms and the seed.

use std::process::Child;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::kills::{Published, Undisturbed, setting, start};
use crate::broker::{Broker, own};
use crate::needs::OWN_KAFKA;
use crate::topics::unique;
use crate::wait::{self, LIMIT};

crate::suite::tests! {
    a_job_publishes_the_same_versions_despite_broker_failures needs OWN_KAFKA,
}

/// Disturbs a broker or the job.
fn disturb(broker: &mut Broker, job: &mut Child, random: &mut Pcg64) {
    let a_while = |random: &mut Pcg64| {
        std::thread::sleep(Duration::from_millis(random.random_range(0..1500)));
    };
    match random.random_range(0..3) {
        0 => {
            broker.kill();
            a_while(random);
            broker.start_again();
        }
        1 => {
            broker.pause();
            a_while(random);
            broker.resume();
        }
        _ => {
            broker.kill();
            job.kill().unwrap();
            broker.start_again();
        }
    }
}

fn a_job_publishes_the_same_versions_despite_broker_failures() {
    let mut broker = own();
    let brokers = broker.address.clone();
    let undisturbed = Undisturbed::run(&brokers, "storms");
    let Undisturbed { usual, wanted, .. } = &undisturbed;

    let (most, seed) = (setting("DRIFTMILL_STORMS", 5), setting("DRIFTMILL_SEED", 1));
    let mut random = Pcg64::seed_from_u64(seed);
    let mut storms = 0;
    while storms < most {
        let models = unique("models");
        let (state, pipeline) = undisturbed.job(&brokers, &models);
        let mut left = random.random_range(1..4u32);
        let mut said = String::new();
        let stdout = loop {
            let workers = random.random_range(1..=2);
            let mut job = start(&state, &pipeline, (1, workers), 0, None).children.remove(0);
            while left > 0 {
                std::thread::sleep(usual.mul_f64(random.random_range(0.05..0.6)));
                if job.try_wait().unwrap().is_some() {
                    break;
                }
                disturb(&mut broker, &mut job, &mut random);
                (left, storms) = (left - 1, storms + 1);
            }
            let what = format!("the job after {storms} storms, seed {seed}");
            let output = wait::output(&what, job, LIMIT);
            said += &format!("{}{}\n", String::from_utf8_lossy(&output.stderr), output.status);
            match output.status.code() {
                Some(0) => break output.stdout,
                None => {}
                Some(code) => panic!("{code}: {said}"),
            }
        };
        let made = Published::of(&brokers, &state, &models, &stdout);
        assert!(*wanted == made, "seed {seed}, {storms} storms: {wanted:?}\n{made:?}\n{said}");
    }
    eprintln!("{storms} storms: the same, seed {seed}");
}
