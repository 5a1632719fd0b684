//! The environment: read once, before the first event, and passed on as values.
//!
//! A function that lacks a setting, or has one that makes no sense, must not start:
//! Lambda then reports the failed deployment at once and not at the first use.

use std::{collections::HashMap, error::Error, fmt::Display, str::FromStr};

/// The variables of a process's environment.
#[derive(Clone)]
pub struct Environment(HashMap<String, String>);

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// It is not set, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It is set to something that makes no sense.
    #[error("the environment variable {name} is invalid: {cause}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl Environment {
    /// Reads the process's environment. Variables that are not Unicode are none of ours.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn read() -> Self {
        let unicode = |name: std::ffi::OsString| name.into_string().ok();
        Self(
            std::env::vars_os().filter_map(|(name, value)| Some((unicode(name)?, unicode(value)?))).collect(),
        )
    }

    /// A required setting.
    pub fn required(&self, name: &'static str) -> Result<&str, SettingError> {
        self.optional(name).ok_or(SettingError::Missing(name))
    }

    /// A setting that may be absent; empty is absent.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A setting read by `read`, or the default of its type where it is absent.
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

    /// A setting that is a number, or `default` where it is absent.
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
    /// A setting that makes no sense, and why.
    pub fn invalid(name: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Invalid { name, cause: cause.into() }
    }
}

impl<N: Display, V: Display> FromIterator<(N, V)> for Environment {
    /// An environment of these variables, for tests.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_setting_is_an_absent_one() {
        let environment: Environment = [("A", "1"), ("B", "")].into_iter().collect();
        assert_eq!(environment.required("A").ok(), Some("1"));
        for name in ["B", "C"] {
            let message = environment.required(name).map_err(|error| error.to_string());
            assert_eq!(message, Err(format!("the environment variable {name} is not set")));
        }
    }

    #[test]
    fn a_senseless_setting_is_named() {
        let environment: Environment = [("A", "x")].into_iter().collect();
        let message = environment.number("A", 7).map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err("the environment variable A is invalid: invalid digit found in string".to_owned())
        );
        assert_eq!(environment.number("B", 7).ok(), Some(7));
    }
}
