//! The sentences for mistakes and secrets. Each says what to do.

use std::fmt;

use jiff::SignedDuration;

use crate::{
    delivery::verification::mistake::{Escapes, Mistake, OwnSecret, Signer},
    payload::json_layout::JsonLayout,
};

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::LineBreakAdded => {
                "The body that was signed has no line break at its end: if pasting did not add it, your code did. Verify the bytes as they arrive."
            }
            Self::LineBreakRemoved => {
                "The body that was signed ends with a line break: if pasting did not remove it, your code did. Verify the bytes as they arrive."
            }
            Self::LineBreaks => {
                "The body that was signed has other line breaks (CRLF or LF), which pasting changes, too: see that your code reads bytes, not text."
            }
            Self::Rewritten { layout, escapes } => return rewritten(*layout, *escapes, formatter),
            Self::Hex => "It is in hexadecimal digits: encode the 32 bytes of the digest in base64.",
            Self::HexInBase64 => {
                "It is the base64 of hexadecimal digits: encode the 32 bytes of the digest, not its text."
            }
            Self::OtherBase64 => {
                "It is in URL-safe base64 or lacks the padding: use the standard alphabet with `=` at the end."
            }
            Self::NoVersion => {
                "`v1,` is missing before the base64: compare with the whole value, `v1,` included."
            }
            Self::UndecodedSecret => {
                "The key was the text of the whsec_ form: remove whsec_ and decode the rest from base64, or use the \
                 shared secret as it is."
            }
            Self::DecodedSecret => {
                "The shared secret was decoded from base64: its text is the key, and only the whsec_ form is decoded. \
                 Give Standard Webhooks libraries the whsec_ form."
            }
            Self::SecretWithLineBreak => {
                "The key ends with a line break: trim the secret where your code reads it from a file or a setting."
            }
            Self::BodyAlone => {
                "It covers the body alone: webhook-signature covers the id, a dot, the timestamp, a dot and the body."
            }
            Self::IdAndTime => {
                "It covers the id and the timestamp as well: the HMAC-SHA256 headers cover the body alone."
            }
            Self::Old { age } => {
                return write!(
                    formatter,
                    "Its webhook-timestamp is {} old, and receivers refuse what is older than 5 minutes: fine for a \
                     request that you saved, but if it has just arrived, set your server's clock.",
                    span(*age)
                );
            }
            Self::Early { ahead } => {
                return write!(
                    formatter,
                    "Its webhook-timestamp is {} in the future: copy it again, it is in seconds since 1970.",
                    span(*ahead)
                );
            }
        };
        formatter.write_str(sentence)
    }
}

fn rewritten(
    layout: Option<JsonLayout>,
    escapes: Option<Escapes>,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let layout = layout.map(|layout| match layout {
        JsonLayout::Compact => "no white space between its parts".to_owned(),
        JsonLayout::Spaced => "a space after each colon and comma".to_owned(),
        JsonLayout::Indented(spaces) => format!("lines indented by {spaces} spaces"),
    });
    let escapes = escapes.map(|escapes| match escapes {
        Escapes::None => "characters in place of \\u or \\/ escapes".to_owned(),
        Escapes::NonAscii => "\\u escapes".to_owned(),
        Escapes::NonAsciiAndSlash => "\\u and \\/ escapes".to_owned(),
    });
    let differences: Vec<_> = layout.into_iter().chain(escapes).collect();
    write!(
        formatter,
        "The body was parsed and encoded again: the one that was signed has {}. Verify the raw bytes, before anything \
         parses them.",
        differences.join(" and ")
    )
}

impl fmt::Display for OwnSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours { which, is_standard } => {
                let which = match which {
                    Signer::Current => "the current one",
                    Signer::Older => "an older one, which still signs: change to the newest before its overlap ends",
                    Signer::Retired | Signer::Yours => "an older one, which signs no more: change to the newest",
                };
                write!(formatter, "Your secret is {which}.")?;
                if *is_standard {
                    formatter.write_str(
                        " It is in the form for Standard Webhooks libraries: code of your own must decode what \
                         follows whsec_ from base64.",
                    )?;
                }
                Ok(())
            }
            Self::Foreign => formatter.write_str(
                "Your secret is none of this app's on this shop: it is another app's or shop's, or it was rotated \
                 away.",
            ),
        }
    }
}

/// A length of time in whole units: the largest of which there are two or more.
fn span(length: SignedDuration) -> String {
    let minutes = length.as_secs() / 60;
    let (number, unit) = match minutes {
        0..=119 => (minutes, "minutes"),
        120..=2_879 => (minutes / 60, "hours"),
        _ => (minutes / 1_440, "days"),
    };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_told_in_its_largest_whole_unit_from_two_up() {
        let (minute, hour) = (60, 3_600);
        for (seconds, text) in [
            (301, "5 minutes"),
            (2 * hour - 1, "119 minutes"),
            (2 * hour, "2 hours"),
            (3 * hour - 1, "2 hours"),
            (48 * hour - minute, "47 hours"),
            (48 * hour, "2 days"),
            (80 * hour, "3 days"),
        ] {
            let length = SignedDuration::from_secs(seconds);
            assert_eq!(span(length), text);
            let old = Mistake::Old { age: length }.to_string();
            assert!(old.starts_with(&format!("Its webhook-timestamp is {text} old, ")), "{old}");
            let early = Mistake::Early { ahead: length }.to_string();
            assert!(
                early.starts_with(&format!("Its webhook-timestamp is {text} in the future: ")),
                "{early}"
            );
        }
    }
}
