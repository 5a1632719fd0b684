//! Errors in one line, for logs.

use std::error::Error;

/// Renders an error with all its causes, from the outermost to the innermost.
///
/// `Debug` of an SDK error prints the whole response, and a log line must be safe to keep. This
/// function prints messages only.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    let mut texts: Vec<String> = chain.map(ToString::to_string).collect();
    // A transparent wrapper has the same message as its cause.
    texts.dedup();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Transparent);

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Transparent(std::num::ParseIntError);

    #[test]
    fn every_cause_is_printed_once() -> Result<(), Box<dyn Error>> {
        let inner = "x".parse::<u8>().err().ok_or("x is no number")?;
        assert_eq!(causes(&Outer(Transparent(inner))), "outer: invalid digit found in string");
        Ok(())
    }
}
