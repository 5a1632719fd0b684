//! The log of a Lambda function: lines on stdout, which Lambda hands to CloudWatch.
//!
//! The operator decides how lines look and which there are (`LoggingConfig` of the template): Lambda
//! sets `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` ("Log and monitor Rust Lambda functions",
//! AWS Lambda Developer Guide).
//!
//! A line is a system call, and a batch may have a line for each delivery. So lines wait in a buffer
//! until the metrics are written, at the end of each invocation, or until the buffer is full.
//! A warning or an error does not wait, nor do the lines before it. If Lambda ends an invocation that
//! takes too long, lines of successes may be lost with it.

use std::{
    io,
    str::FromStr as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::fmt::MakeWriter;

use crate::environment::Environment;

/// How many bytes may wait.
const LIMIT: usize = 64 * 1_024;

/// The lines that wait.
static WAITING: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Writes the log from now on, as Lambda's settings want it: levels from INFO, unless they say
/// otherwise.
pub fn init(environment: &Environment) {
    let level = environment.optional("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default();
    let level = LevelFilter::from_str(level).unwrap_or(LevelFilter::INFO);
    let log = tracing_subscriber::fmt().with_target(false).without_time();
    let log = log.with_max_level(level).with_writer(Log);
    let is_json = environment.optional("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format == "JSON");
    if is_json { log.json().init() } else { log.init() }
}

/// Writes the lines that wait.
///
/// # Errors
///
/// Nobody takes them any more.
pub(crate) fn flush() -> io::Result<()> {
    write_out(&mut waiting(), &mut io::stdout().lock())
}

/// Adds lines. They wait with the others.
pub(crate) fn add(lines: &[u8]) {
    waiting().extend(lines);
}

fn waiting() -> MutexGuard<'static, Vec<u8>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes out the lines that wait. If that fails they are dropped, or they would wait for ever.
fn write_out(waiting: &mut Vec<u8>, out: &mut impl io::Write) -> io::Result<()> {
    let written = out.write_all(waiting).and_then(|()| out.flush());
    waiting.clear();
    written
}

/// Makes the writer of each line.
struct Log;

/// The writer of a line.
struct Line {
    waits: bool,
}

impl MakeWriter<'_> for Log {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { waits: false }
    }

    fn make_writer_for(&self, line: &Metadata<'_>) -> Line {
        Line { waits: *line.level() > Level::WARN }
    }
}

impl Line {
    /// Adds the line to those that wait, and writes all of them if it is time.
    fn add(&self, line: &[u8], waiting: &mut Vec<u8>, out: &mut impl io::Write) -> io::Result<()> {
        waiting.extend(line);
        if self.waits && waiting.len() <= LIMIT { Ok(()) } else { write_out(waiting, out) }
    }
}

impl io::Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line, &mut waiting(), &mut io::stdout().lock())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_successes_wait_for_the_end_or_for_trouble() -> io::Result<()> {
        let (success, trouble) = (Line { waits: true }, Line { waits: false });
        let (mut waiting, mut out) = (Vec::new(), Vec::new());
        success.add(b"a\n", &mut waiting, &mut out)?;
        success.add(b"b\n", &mut waiting, &mut out)?;
        assert!(out.is_empty());
        trouble.add(b"c\n", &mut waiting, &mut out)?;
        assert_eq!((out.as_slice(), waiting.len()), (&b"a\nb\nc\n"[..], 0));
        success.add(b"d\n", &mut waiting, &mut out)?;
        write_out(&mut waiting, &mut out)?;
        assert_eq!((out.as_slice(), waiting.len()), (&b"a\nb\nc\nd\n"[..], 0));
        success.add(&[b'e'; LIMIT], &mut waiting, &mut out)?;
        assert_eq!(out.len(), 8, "as much may wait");
        success.add(b"f", &mut waiting, &mut out)?;
        assert_eq!((out.len(), waiting.len()), (8 + LIMIT + 1, 0), "and no more");
        Ok(())
    }

    #[test]
    fn warnings_and_errors_do_not_wait() {
        tracing::subscriber::with_default(tracing_subscriber::fmt().finish(), || {
            let waits = |line: tracing::Span| line.metadata().map(|line| Log.make_writer_for(line).waits);
            assert_eq!(waits(tracing::info_span!("line")), Some(true));
            assert_eq!(waits(tracing::warn_span!("line")), Some(false));
            assert_eq!(waits(tracing::error_span!("line")), Some(false));
        });
    }
}
