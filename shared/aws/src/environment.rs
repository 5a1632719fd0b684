//! The environment.
//!
//! A program reads it once, before the first event, and passes the settings on as values. A
//! function with a missing or invalid setting does not start. Lambda then reports an init error for
//! each invocation, so a bad deployment shows at once and not at the first use of the setting.

use std::{collections::HashMap, error::Error, fmt::Display, str::FromStr};

/// The variables of a process's environment.
#[derive(Clone)]
pub struct Environment(HashMap<String, String>);

/// Why a setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// It is not set, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It is set to an invalid value.
    #[error("the environment variable {name} is invalid: {cause}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Why the value is invalid.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl Environment {
    /// Reads the process's environment. It skips variables that are not Unicode: none of ours is.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn read() -> Self {
        let unicode = |name: std::ffi::OsString| name.into_string().ok();
        Self(
            std::env::vars_os().filter_map(|(name, value)| Some((unicode(name)?, unicode(value)?))).collect(),
        )
    }

    /// A required setting.
    ///
    /// # Errors
    ///
    /// The setting is absent or empty.
    pub fn required(&self, name: &'static str) -> Result<&str, SettingError> {
        self.optional(name).ok_or(SettingError::Missing(name))
    }

    /// An optional setting. Empty counts as absent.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A setting that `read` parses, or the default of its type if it is absent.
    ///
    /// # Errors
    ///
    /// `read` refuses the value.
    pub fn parsed<T: Default, E: Error + Send + Sync + 'static>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingError> {
        match self.optional(name) {
            None => Ok(T::default()),
            Some(value) => read(value).map_err(|error| SettingError::invalid(name, error)),
        }
    }

    /// A setting that counts something, or `default` if it is absent.
    ///
    /// CloudFormation takes any integer or float for a parameter of the type `Number` and passes it
    /// on as the text that it is ("CloudFormation template Parameters syntax"), so `2.5` and `1e2`
    /// come as well. They must not stop a function from starting. A fraction is rounded up: half a
    /// call a second is not the 0 that means no limit.
    ///
    /// # Errors
    ///
    /// The value is no number, negative, or too large for `T`.
    pub fn count<T: TryFrom<u64>>(&self, name: &'static str, default: T) -> Result<T, SettingError> {
        match self.optional(name) {
            None => Ok(default),
            Some(value) => count(value).map_err(|error| SettingError::invalid(name, error)),
        }
    }

    /// A setting that is a number, or `default` if it is absent.
    ///
    /// # Errors
    ///
    /// The value is no such number.
    pub fn number<T: FromStr>(&self, name: &'static str, default: T) -> Result<T, SettingError>
    where
        T::Err: Error + Send + Sync + 'static,
    {
        match self.optional(name) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|error| SettingError::invalid(name, error)),
        }
    }
}

/// The value is no number that counts something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be a number, not negative, and not too large")]
struct NoCount;

/// Reads a number that counts something. A fraction is rounded up.
fn count<T: TryFrom<u64>>(text: &str) -> Result<T, NoCount> {
    let number: f64 = text.trim().parse().map_err(|_| NoCount)?;
    // Every f64 up to here that has no fraction is a u64.
    if !(0.0..=9_007_199_254_740_992.0).contains(&number) {
        return Err(NoCount);
    }
    T::try_from(number.ceil() as u64).map_err(|_| NoCount)
}

impl SettingError {
    /// An invalid setting, with the reason.
    pub fn invalid(name: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Invalid { name, cause: cause.into() }
    }
}

impl<N: Display, V: Display> FromIterator<(N, V)> for Environment {
    /// Makes an environment of these variables, for tests.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_setting_counts_as_absent() {
        let environment: Environment = [("A", "1"), ("B", "")].into_iter().collect();
        assert_eq!(environment.required("A").ok(), Some("1"));
        for name in ["B", "C"] {
            let message = environment.required(name).map_err(|error| error.to_string());
            assert_eq!(message, Err(format!("the environment variable {name} is not set")));
        }
    }

    #[test]
    fn a_count_may_be_written_as_any_number_of_cloudformation() {
        for (text, number) in [
            ("", Some(7)),
            ("0", Some(0)),
            ("40", Some(40)),
            ("40.0", Some(40)),
            ("1e2", Some(100)),
            (" 5", Some(5)),
            ("0.5", Some(1)),
            ("2.5", Some(3)),
            ("65535", Some(65_535)),
            ("65536", None),
            ("1e300", None),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("many", None),
        ] {
            let environment: Environment = [("A", text)].into_iter().collect();
            assert_eq!(environment.count::<u16>("A", 7).ok(), number, "{text:?}");
        }
    }

    #[test]
    fn the_error_names_an_invalid_setting() {
        let environment: Environment = [("A", "x")].into_iter().collect();
        let message = environment.number("A", 7).map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err("the environment variable A is invalid: invalid digit found in string".to_owned())
        );
        assert_eq!(environment.number("B", 7).ok(), Some(7));
    }
}
