//! The conversions of types that hold a checked string, such as ids and names.
//!
//! Each such type has `parse(&str)`, which checks, and `as_str()`. The macros derive the rest from
//! these two: [`FromStr`](std::str::FromStr), and `TryFrom<String>` with `Into<String>` for serde's
//! `try_from` and `into`. So no value can be deserialized that `parse` would refuse.

/// Implements the conversions of a type that has `parse(&str) -> Result<Self, E>` and `as_str()`.
macro_rules! text_conversions {
    ($type:ty, $error:ty) => {
        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.as_str().to_owned()
            }
        }
    };
}

/// Implements `Display` for a type that has `as_str()`.
macro_rules! text_display {
    ($type:ty) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use {text_conversions, text_display};
