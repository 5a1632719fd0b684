//! The control panel in a real browser: Chromium, headless, driven over WebDriver.
//!
//! The tests need `chromium` and `chromedriver` in the path. Without them `cargo test` says so and
//! skips the tests; with `STOREHOOK_BROWSER=required`, as in CI, that is a failure. Screenshots of
//! every page go to `target/panel/`.

mod axe;
mod browser;
mod chromedriver;

mod hostile;
mod keyboard;
mod pages;
mod sessions;
mod tour;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Conclusion, Failed, Trial};
use storehook_tests::node_packages;

use crate::browser::Test;

fn main() -> ExitCode {
    // The WebDriver client asks for one, though it never uses TLS. It is there already if this fails.
    _ = rustls::crypto::ring::default_provider().install_default();
    let missing = chromedriver::missing_programs();
    if !missing.is_empty() {
        let programs = missing.join(" and ");
        eprintln!("The tests of the control panel are skipped: there is no {programs} in the path.");
        eprintln!("On Debian: apt-get install chromium chromium-driver");
        if is_required() {
            eprintln!("STOREHOOK_BROWSER=required makes that a failure.");
            return ExitCode::FAILURE;
        }
    }
    let trials = tests()
        .into_iter()
        .map(|(name, test)| Trial::test(name, move || run(test)).with_ignored_flag(!missing.is_empty()));
    let trials = trials.collect();
    let mut arguments = Arguments::from_args();
    // Each test has a browser of its own, with half a gigabyte.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let conclusion: Conclusion = libtest_mimic::run(&arguments, trials);
    conclusion.exit_code()
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch, and no setting of a function")]
fn is_required() -> bool {
    std::env::var_os("STOREHOOK_BROWSER").is_some_and(|value| value == "required")
}

/// Every test: its name is a sentence.
fn tests() -> Vec<(&'static str, Test)> {
    let mut tests: Vec<(&'static str, Test)> = Vec::new();
    tests.extend(hostile::TESTS);
    tests.extend(keyboard::TESTS);
    tests.extend(pages::TESTS);
    tests.extend(sessions::TESTS);
    tests.extend(tour::TESTS);
    tests
}

fn run(test: Test) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime
        .block_on(async {
            node_packages().await?;
            test().await
        })
        .map_err(|error: anyhow::Error| Failed::from(format!("{error:#}")))
}
