//! Randomness.
//!
//! Secrets and tokens come from the operating system, by the system call `getrandom`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The operating system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("no randomness: {0}")]
pub struct NoRandomness(getrandom::Error);

/// Draws 256 random bits, as 43 letters, digits, '-' and '_': a token or a secret.
///
/// # Errors
///
/// The operating system has no randomness to give.
pub fn random_text() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
