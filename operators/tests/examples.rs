//! Tests that the examples run.

#[path = "../examples/detector.rs"]
mod detector;
#[cfg(feature = "flow")]
#[path = "../examples/own_policy.rs"]
mod own_policy;
#[cfg(feature = "flow")]
#[path = "../examples/timely_stream.rs"]
mod timely_stream;

#[test]
fn a_detector_finds_a_change() {
    detector::main();
}

#[cfg(feature = "flow")]
#[test]
fn a_custom_policy_is_hosted() {
    own_policy::main();
}

#[cfg(feature = "flow")]
#[test]
fn a_stream_is_trained_on() {
    timely_stream::main();
}
