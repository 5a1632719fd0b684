//! How deliveries are printed: a line each, as text or as JSON.

use std::fmt::Write as _;

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};

use super::verified::{Refused, Verified};
use crate::output::{self, Form, OutputError};

/// Prints deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// How.
    pub form: Form,
    /// Whether headers and bodies are printed, too.
    pub is_verbose: bool,
}

impl Printer {
    /// Prints a delivery.
    ///
    /// # Errors
    ///
    /// See [`OutputError`].
    pub fn print(&self, verified: &Verified, headers: &HeaderMap, body: &[u8]) -> Result<(), OutputError> {
        self.line(verified, &verified.to_string(), headers, body)
    }

    /// Prints a request that could not be read.
    ///
    /// # Errors
    ///
    /// See [`OutputError`].
    pub fn print_refused(&self, refused: &Refused, headers: &HeaderMap) -> Result<(), OutputError> {
        self.line(refused, &refused.to_string(), headers, b"")
    }

    /// Prints what the command itself has to say.
    ///
    /// # Errors
    ///
    /// See [`OutputError`].
    pub fn print_beginning(&self, facts: Value, text: &str) -> Result<(), OutputError> {
        match self.form {
            Form::Text => output::line(text),
            Form::Json => output::line(facts),
        }
    }

    fn line(
        &self,
        facts: &impl Serialize,
        text: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), OutputError> {
        match self.form {
            Form::Text if self.is_verbose => output::line(text.to_owned() + &details(headers, body)),
            Form::Text => output::line(text),
            Form::Json => {
                let mut json = serde_json::to_value(facts).map_err(OutputError::Json)?;
                if self.is_verbose {
                    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes));
                    let named = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
                        (name.as_str().to_owned(), text(value.as_bytes()))
                    };
                    json["headers"] = headers.iter().map(named).collect::<Map<_, _>>().into();
                    json["body"] = text(body);
                }
                output::line(json)
            }
        }
    }
}

/// The headers and the body, for `--verbose`.
fn details(headers: &HeaderMap, body: &[u8]) -> String {
    let mut details = String::new();
    for (name, value) in headers {
        // Writing into a text does not fail.
        _ = write!(details, "\n    {name}: {}", printable(value.as_bytes()));
    }
    details + "\n    " + &printable(body)
}

/// The text of these bytes. What could steer a terminal is escaped.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let escaped = |character: char| match character {
        '\n' | '\t' => character.to_string(),
        control if control.is_control() => control.escape_default().to_string(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_cannot_steer_the_terminal() {
        assert_eq!(
            printable("{\"note\":\t\"\u{1b}[2J\u{9b}1m é\"}\n\r".as_bytes()),
            "{\"note\":\t\"\\u{1b}[2J\\u{9b}1m é\"}\n\\r"
        );
    }
}
