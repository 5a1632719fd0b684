//! Asking before a change that does harm.
//!
//! The question needs a terminal: both to be seen and to be answered. Without one, as in a script,
//! the change is refused unless the command line has `--yes`. Nothing but `y` or `yes` is a yes.

use std::io::{self, IsTerminal as _, Write as _};

/// Why a change was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unconfirmed {
    /// There is nobody to ask.
    #[error("this asks before it does harm, and there is no terminal: add --yes to do it")]
    NoTerminal,
    /// Somebody was asked, and did not say yes.
    #[error("nothing was changed")]
    Declined,
}

/// Asks whether to do what `harm` says, unless the command line has said yes.
///
/// # Errors
///
/// See [`Unconfirmed`].
pub fn confirm(is_given: bool, harm: &str) -> Result<(), Unconfirmed> {
    if is_given {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Unconfirmed::NoTerminal);
    }
    // A terminal that cannot be written to cannot be read either: the answer is then no.
    _ = write!(io::stderr(), "{harm}\nGo on? [y/N] ");
    answer(&mut io::stdin().lock())
}

fn answer(reader: &mut impl io::BufRead) -> Result<(), Unconfirmed> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(_) if matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes") => Ok(()),
        _ => Err(Unconfirmed::Declined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        for (line, expected) in [
            ("y\n", Ok(())),
            ("Yes\r\n", Ok(())),
            ("", Err(Unconfirmed::Declined)),
            ("\n", Err(Unconfirmed::Declined)),
            ("n\n", Err(Unconfirmed::Declined)),
            ("yep\n", Err(Unconfirmed::Declined)),
        ] {
            assert_eq!(answer(&mut line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn with_yes_nobody_is_asked() {
        assert_eq!(confirm(true, "harm"), Ok(()));
    }
}
