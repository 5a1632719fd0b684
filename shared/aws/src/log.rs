//! The log of a function: lines on standard output, which Lambda takes to CloudWatch.
//!
//! Lambda tells the level and the format that the template asks for by two variables ("Configuring
//! advanced logging controls for Lambda functions"). The runtime's own subscriber reads them as well.
//! It writes the span of the invocation twice into each line, though, and what is logged is paid by
//! its length. A line here has it once, with the `requestId`.
//!
//! A line is a system call, and a batch may have a line for each delivery. So lines wait until the
//! metrics are written, at the end of each invocation, or until they are [`LIMIT`] bytes. A warning or
//! an error does not wait, nor do the lines before it. If Lambda ends an invocation that takes too
//! long, lines of successes may be lost with it.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing::{Level, Metadata};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::environment::Environment;

/// How many bytes may wait.
const LIMIT: usize = 64 * 1_024;

/// The lines that wait.
static WAITING: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins the log. Text is for the local stack, JSON for what reads the log on AWS.
pub fn begin_log(environment: &Environment) {
    let lines = tracing_subscriber::fmt()
        .with_target(false)
        .without_time()
        .with_writer(Log)
        .with_max_level(level(environment.optional("AWS_LAMBDA_LOG_LEVEL")));
    match environment.optional("AWS_LAMBDA_LOG_FORMAT") {
        Some(format) if format.eq_ignore_ascii_case("json") => lines.json().with_span_list(false).init(),
        _ => lines.init(),
    }
}

/// The level by its name. `FATAL` is one of Lambda's, and no line here is worse than an error.
fn level(name: Option<&str>) -> LevelFilter {
    match name {
        Some(name) if name.eq_ignore_ascii_case("fatal") => LevelFilter::ERROR,
        name => name.and_then(|name| name.parse().ok()).unwrap_or(LevelFilter::INFO),
    }
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
    fn the_level_is_lambdas_and_info_without_one() {
        for (name, expected) in [
            (None, LevelFilter::INFO),
            (Some("INFO"), LevelFilter::INFO),
            (Some("WARN"), LevelFilter::WARN),
            (Some("DEBUG"), LevelFilter::DEBUG),
            (Some("FATAL"), LevelFilter::ERROR),
            (Some("loud"), LevelFilter::INFO),
        ] {
            assert_eq!(level(name), expected, "{name:?}");
        }
    }

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
