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
