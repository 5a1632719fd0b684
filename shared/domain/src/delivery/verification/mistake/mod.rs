//! Verdicts on a signature, and the sentences that tell them.

use std::fmt;

use jiff::SignedDuration;

use crate::payload::json_layout::JsonLayout;

/// Whether a signature is right, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was made with a known secret. Without mistakes it is right.
    Signed {
        /// Whose secret made it.
        by: Signer,
        /// What is wrong with it.
        mistakes: Vec<Mistake>,
    },
    /// It was made with no known secret for no body like this one.
    Unknown,
    /// It is no 32 bytes in any encoding.
    Malformed,
    /// `webhook-signature` covers this header, which is not there.
    Missing(&'static str),
    /// There is no signature, but that of another sender's scheme in this header.
    OtherScheme(String),
    /// There is no signature.
    NoSignature,
    /// The verdict on the signature that the receiver computed.
    Computed(Box<Verdict>),
}

/// Whose secret made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signer {
    /// The installation's newest secret.
    Current,
    /// An older one, which still signs.
    Older,
    /// An older one, which signs no more.
    Retired,
    /// The secret that the receiver pasted, which is none of the installation's.
    Yours,
}

/// A known mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The body got a line break at its end.
    LineBreakAdded,
    /// The body lost the line break at its end.
    LineBreakRemoved,
    /// The body got other line breaks.
    LineBreaks,
    /// The body was parsed and written anew. The signed one had this layout and these escapes.
    Rewritten {
        /// Its layout, if it differs.
        layout: Option<JsonLayout>,
        /// Its escapes, if they differ.
        escapes: Option<Escapes>,
    },
    /// The digest is in hexadecimal digits.
    Hex,
    /// The hexadecimal digits of the digest are in base64.
    HexInBase64,
    /// The base64 is of another alphabet, or not padded.
    OtherBase64,
    /// `v1,` is missing.
    NoVersion,
    /// The text of the `whsec_` form was the key.
    UndecodedSecret,
    /// The shared secret was decoded from base64.
    DecodedSecret,
    /// The key ends with a line break.
    SecretWithLineBreak,
    /// It covers the body alone, where it should cover id and timestamp as well.
    BodyAlone,
    /// It covers id and timestamp as well, where it should cover the body alone.
    IdAndTime,
    /// The timestamp is older than receivers should accept.
    Old {
        /// How old it is.
        age: SignedDuration,
    },
    /// The timestamp is in the future.
    Early {
        /// How far.
        ahead: SignedDuration,
    },
}

/// How a JSON text spells characters that need no escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// As they are.
    None,
    /// `\u00e9` for what is not ASCII, as Python's `json.dumps` prints it.
    NonAscii,
    /// That, and `\/`, as PHP's `json_encode` prints it.
    NonAsciiAndSlash,
}

/// What is known about the receiver's own secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSecret {
    /// It is one of the installation's.
    Ours {
        /// Which one.
        which: Signer,
        /// Whether it is in the form `whsec_…`.
        is_standard: bool,
    },
    /// It is none of the installation's.
    Foreign,
}

impl Verdict {
    /// Whether the signature is one that Storehook makes for this request.
    pub fn is_right(&self) -> bool {
        match self {
            Self::Signed { by, mistakes } => *by != Signer::Yours && mistakes.is_empty(),
            Self::Computed(verdict) => verdict.is_right(),
            _ => false,
        }
    }

    /// Whether the signature is right, and only its timestamp is too old or too early.
    pub fn is_right_but_for_its_time(&self) -> bool {
        let is_of_time = |mistake: &Mistake| matches!(mistake, Mistake::Old { .. } | Mistake::Early { .. });
        match self {
            Self::Signed { by, mistakes } => {
                *by != Signer::Yours && !mistakes.is_empty() && mistakes.iter().all(is_of_time)
            }
            _ => false,
        }
    }

    /// The place of a verdict among those on several signatures of one header. The first one
    /// counts.
    pub(super) fn rank(&self) -> (u8, usize, Option<Signer>) {
        match self {
            Self::Signed { by: Signer::Yours, mistakes } => (1, mistakes.len(), None),
            Self::Signed { by, mistakes } => (0, mistakes.len(), Some(*by)),
            Self::Unknown => (2, 0, None),
            _ => (3, 0, None),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { by: Signer::Yours, mistakes } => {
                formatter.write_str(
                    "Your secret made it, which is none of this app's on this shop: the request is for \
                     another app or shop, or older than the last rotation.",
                )?;
                sentences(mistakes, formatter)
            }
            Self::Signed { by, mistakes } if mistakes.is_empty() || self.is_right_but_for_its_time() => {
                write!(formatter, "It is right: {by} made it.")?;
                sentences(mistakes, formatter)
            }
            Self::Signed { by, mistakes } => {
                write!(formatter, "It was made with {by}, but not as it should be.")?;
                sentences(mistakes, formatter)
            }
            Self::Unknown => formatter.write_str(
                "None of this app's secrets on this shop made it for this body: either the request is for \
                 another app or shop, or the body was changed in a way that cannot be undone (order of \
                 members, 199.0 to 199, another character encoding). Verify the raw bytes, before anything \
                 parses them.",
            ),
            Self::Malformed => formatter.write_str(
                "It is no HMAC-SHA256 in base64 or hexadecimal digits, which would be 32 bytes: copy the whole \
                 value.",
            ),
            Self::Missing(name) => write!(
                formatter,
                "It covers the header {name}, which is not among those that you pasted: add it, and see that no \
                 proxy removes it."
            ),
            Self::OtherScheme(name) => write!(
                formatter,
                "There is no signature of this platform, but a header {name}: it belongs to another sender, or \
                 to another library than you need."
            ),
            Self::NoSignature => formatter.write_str(
                "There is no signature: paste all headers of the request, and if they are all there, it did not \
                 come from this platform, or a proxy removed webhook-signature.",
            ),
            Self::Computed(verdict) if verdict.is_right() => {
                formatter.write_str("It is right: your code computes what Storehook sends.")
            }
            Self::Computed(verdict) => verdict.fmt(formatter),
        }
    }
}

fn sentences(mistakes: &[Mistake], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    mistakes.iter().try_for_each(|mistake| write!(formatter, " {mistake}"))
}

impl fmt::Display for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Current => "the current secret",
            Self::Older => "an older secret, which still signs,",
            Self::Retired => "an older secret, which signs no more,",
            Self::Yours => "your secret",
        })
    }
}

#[cfg(test)]
mod tests;
