//! The command `driftmill`.

use std::io::{IsTerminal, Write};

use clap::Parser;
use driftmill::cli::{Cli, exit_code};
use driftmill::console::LogLines;
use driftmill::panics::end_process_on_panic;

// activations of convolutions are large and short-lived.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let code = run();
    // output is written line by line; an error of the last write cannot be reported.
    drop(std::io::stdout().flush());
    // exit handlers of libraries such as OpenSSL would free data that threads of librdkafka still use.
    signal_hook::low_level::exit(i32::from(code));
}

fn run() -> u8 {
    end_process_on_panic();
    tracing_subscriber::fmt()
        .with_writer(|| LogLines)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("DRIFTMILL_LOG")
                .unwrap_or_else(|_| "info".into()),
        )
        .with_target(false)
        .init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            let wrong = answer.use_stderr();
            return if answer.print().is_ok() && !wrong { 0 } else { 64 };
        }
    };
    match cli.execute() {
        Ok(code) => code,
        Err(error) => {
            tracing::debug!(?error);
            report(&error);
            exit_code(&error)
        }
    }
}

/// Prints the error and its causes on stderr, with hints on separate lines.
#[expect(clippy::print_stderr, reason = "the one place where errors are shown")]
fn report(error: &anyhow::Error) {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // some errors of libraries end with their own cause.
    causes.dedup_by(|cause, before| before.ends_with(&**cause));
    let text = causes.join(": ");
    let prefix = if text.starts_with("error: ") { "" } else { "error: " };
    eprintln!("{prefix}{text}");
}
