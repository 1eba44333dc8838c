//! With its broker killed, paused and started again, and itself killed, a job publishes what it
//! would have published.
//!
//! `DRIFTMILL_STORMS` and `DRIFTMILL_SEED` make it more, and others.

use std::process::Child;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::kills::{PARTITIONS, Published, job, rows, setting, start};
use crate::broker::{Broker, own};
use crate::needs::OWN_KAFKA;
use crate::topics::{create, produce, unique};
use crate::wait::{self, LIMIT};

crate::suite::tests! {
    whatever_becomes_of_its_broker_it_publishes_the_same needs OWN_KAFKA,
}

/// What happens to a broker, or to the job.
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

fn whatever_becomes_of_its_broker_it_publishes_the_same() {
    let mut broker = own();
    let brokers = broker.address.clone();
    let topic = unique("storms");
    create(&brokers, &topic, PARTITIONS);
    let rows = rows(9_000);
    produce(&brokers, &topic, rows.iter().map(|(p, time, row)| (*p, *time, row.as_bytes())));
    let folder = tempfile::tempdir().unwrap();
    let named = |models: &str| {
        let pipeline = folder.path().join(format!("{models}.toml"));
        std::fs::write(&pipeline, job(&brokers, &topic, models)).unwrap();
        (folder.path().join(models), pipeline)
    };
    let models = unique("models");
    let (state, pipeline) = named(&models);
    let begun = Instant::now();
    let stdout = start(&state, &pipeline, (1, 1), 0, None).done();
    let usual = begun.elapsed();
    let wanted = Published::of(&brokers, &state, &models, &stdout);

    let (most, seed) = (setting("DRIFTMILL_STORMS", 5), setting("DRIFTMILL_SEED", 1));
    let mut random = Pcg64::seed_from_u64(seed);
    let mut storms = 0;
    while storms < most {
        let models = unique("models");
        let (state, pipeline) = named(&models);
        let mut left = random.random_range(1..4u32);
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
            match output.status.code() {
                Some(0) => break output.stdout,
                None => {}
                Some(code) => panic!("{code}: {}", String::from_utf8_lossy(&output.stderr)),
            }
        };
        let made = Published::of(&brokers, &state, &models, &stdout);
        assert_eq!(wanted, made, "seed {seed}, after {storms} storms");
    }
    eprintln!("{storms} storms: the same, seed {seed}");
}
