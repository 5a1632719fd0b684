//! The secret of a receiver: what a command verifies or signs with.
//!
//! It comes from the environment or from standard input, so that it stands in no list of processes
//! and in no history of a shell. On the local stack it is the demo app's.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use storehook_domain::installation::secret::SharedSecret;

use crate::global::Global;

/// The longest text that may hold a secret, in bytes.
const LONGEST: u64 = 4_096;

/// The secret that was given, in either form; `-` is standard input.
///
/// # Errors
///
/// It is no secret; or none was given, and no local stack is running.
pub async fn receivers_secret(given: Option<&str>, global: &Global) -> Result<SharedSecret> {
    match given {
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
            read.context("the secret cannot be read from standard input")?;
            parse(text.trim())
        }
        Some(secret) => parse(secret),
        None => {
            let missing = "the secret is missing: set STOREHOOK_SECRET to the receiver's shared secret";
            let connection = global.connect().await.context(missing)?;
            let local = connection
                .local
                .with_context(|| format!("{missing} (a deployed stack shows it only once)"))?;
            Ok(local.shared_secret)
        }
    }
}

/// A secret in either form: as it is, or as Standard Webhooks libraries take it.
fn parse(text: &str) -> Result<SharedSecret> {
    let key = text.strip_prefix("whsec_").and_then(|key| String::from_utf8(STANDARD.decode(key).ok()?).ok());
    Ok(SharedSecret::parse(key.as_deref().unwrap_or(text))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_in_either_form() -> Result<()> {
        let secret = SharedSecret::parse(&"a".repeat(43))?;
        for text in [secret.reveal().to_owned(), secret.reveal_standard()] {
            assert_eq!(parse(&text)?, secret);
        }
        assert!(parse("short").is_err());
        Ok(())
    }
}
