//! What a command says: its results on standard output, everything else on standard error.
//!
//! Every command writes here, and a lint forbids `println!`: it panics when the reader of a pipe
//! has gone, as in `storehook status | head -1`. Here such a write is an [`OutputError::Closed`].
//! The command ends by `?` and cleans up behind it, and `main` then ends without a word and with
//! status 0. Other failures, for example of a full disk, are errors as any other.
//!
//! A result is shown by [`show`]: as text for people, or as JSON for scripts. One type holds its facts, so
//! both forms tell the same.
//!
//! A command that may write nothing for a long time also waits for [`closed`].
//!
//! On standard error nothing is lost that a script could need, so failures are ignored there.

use std::{
    fmt::Display,
    io::{self, Write as _},
    os::fd::AsFd as _,
};

use serde::Serialize;
use tokio::{io::Interest, net::unix::pipe::Sender};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text and tables, for people.
    Text,
    /// JSON, for scripts.
    Json,
}

/// Why a result was not written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Nobody reads standard output any more.
    #[error("nobody reads the output")]
    Closed,
    /// Another failure.
    #[error("cannot write to standard output")]
    Failed(#[source] io::Error),
    /// The result has no form in JSON.
    #[error("the result cannot be written as JSON")]
    Json(#[source] serde_json::Error),
}

/// Writes a result: its `Display` as text, or itself as JSON.
///
/// # Errors
///
/// See [`OutputError`].
pub fn show(form: Form, result: &(impl Display + Serialize)) -> Result<(), OutputError> {
    match form {
        Form::Text => line(result),
        Form::Json => line(serde_json::to_string_pretty(result).map_err(OutputError::Json)?),
    }
}

/// Writes a result and a line break, in one piece: results of tasks that run at the same time do
/// not mix.
///
/// # Errors
///
/// See [`OutputError`].
pub fn line(text: impl Display) -> Result<(), OutputError> {
    write(format!("{text}\n").as_bytes())
}

/// Writes these bytes.
///
/// # Errors
///
/// See [`OutputError`].
pub fn write(bytes: &[u8]) -> Result<(), OutputError> {
    let mut output = io::stdout().lock();
    output.write_all(bytes).and_then(|()| output.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => OutputError::Closed,
        _ => OutputError::Failed(error),
    })
}

/// Returns when nobody reads standard output any more. It never does if standard output is a file.
pub async fn closed() {
    // It is only watched, so it need not be a pipe, nor non-blocking. A file cannot be watched.
    let output = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    if let Ok(output) = output
        && output.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Tells the user something besides the results.
pub fn note(text: impl Display) {
    // If nobody sees it, there is nobody to tell.
    _ = writeln!(io::stderr(), "{text}");
}

/// Whether a command ended because nobody reads its output any more.
pub fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OutputError::Closed))
}
