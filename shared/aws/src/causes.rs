//! Errors in one line.

use std::error::Error;

/// An error with all its causes, from the outermost to the innermost, for a log line. The SDKs'
/// own rendering of an error prints the whole answer that it came with; this does not.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    let mut texts: Vec<String> = chain.map(ToString::to_string).collect();
    // A transparent wrapper says the same as what it wraps.
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
    fn every_cause_is_told_once() -> Result<(), Box<dyn Error>> {
        let inner = "x".parse::<u8>().err().ok_or("x is no number")?;
        assert_eq!(causes(&Outer(Transparent(inner))), "outer: invalid digit found in string");
        Ok(())
    }
}
