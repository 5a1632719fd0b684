//! The rotation of an installation's secret.
//!
//! A new secret signs from the start. The older ones go on signing beside it until their overlap
//! ends. A receiver can change to the new secret at any time in between.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{input::field_errors::FieldErrors, installation::secret::SharedSecret};

/// The largest number of secrets that sign at the same time. Each makes the signature header
/// longer.
pub const SECRETS_LIMIT: usize = 5;

/// The longest overlap, in hours: a week.
pub const LONGEST_OVERLAP: u64 = 7 * 24;

/// The overlap in hours if the request does not say.
pub const DEFAULT_OVERLAP: u64 = 24;

/// One of an installation's secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct InstallationSecret {
    /// The secret.
    pub secret: SharedSecret,
    /// When it stops signing, if there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<Timestamp>,
}

/// A secret in the registry. Before there were rotations, the registry held the secret alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Alone(SharedSecret),
    Rotated { secret: SharedSecret, retires_at: Option<Timestamp> },
}

impl From<Stored> for InstallationSecret {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Alone(secret) => secret.into(),
            Stored::Rotated { secret, retires_at } => Self { secret, retires_at },
        }
    }
}

impl InstallationSecret {
    /// Whether it signs at `now`.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.retires_at.is_none_or(|retires_at| now < retires_at)
    }
}

impl From<SharedSecret> for InstallationSecret {
    fn from(secret: SharedSecret) -> Self {
        Self { secret, retires_at: None }
    }
}

/// The newest secret alone, which is how a rotation ends before its time; `None` if there is none.
pub fn newest_alone(secrets: &[InstallationSecret]) -> Option<InstallationSecret> {
    secrets.last().map(|newest| newest.secret.clone().into())
}

/// A request for a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretRotation {
    /// How long the older secrets go on signing.
    pub overlap: SignedDuration,
}

/// [`SECRETS_LIMIT`] secrets sign already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "has been rotated too often: {SECRETS_LIMIT} secrets sign already; wait for an overlap to end, or give a shorter one"
)]
pub struct TooManySecrets;

impl SecretRotation {
    /// Reads a request, whose only member is `overlap_hours`, a whole number. It refuses other
    /// members: a misspelled `overlap_hours` would leave a stolen secret in force for a day.
    ///
    /// ```
    /// use serde_json::{Map, json};
    /// use storehook_domain::installation::secret_rotation::SecretRotation;
    ///
    /// let now = Map::from_iter([("overlap_hours".to_owned(), json!(0))]);
    /// assert!(SecretRotation::parse(&now).is_ok_and(|rotation| rotation.overlap.is_zero()));
    /// let misspelled = Map::from_iter([("overlap".to_owned(), json!(0))]);
    /// assert!(SecretRotation::parse(&misspelled).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// `overlap_hours` is not a whole number up to [`LONGEST_OVERLAP`], or there is another member.
    pub fn parse(members: &Map<String, Value>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut hours = DEFAULT_OVERLAP;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("overlap_hours", Value::Null) => {}
                ("overlap_hours", value) => match value.as_u64().filter(|hours| *hours <= LONGEST_OVERLAP) {
                    Some(whole) => hours = whole,
                    None => {
                        errors.add(
                            "overlap_hours",
                            format!("must be a whole number between 0 and {LONGEST_OVERLAP}"),
                        );
                    }
                },
                _ => errors.add("base", "knows no member but overlap_hours"),
            }
        }
        let hours = i64::try_from(hours).unwrap_or_default();
        errors.or(Self { overlap: SignedDuration::from_hours(hours) })
    }

    /// Adds a new secret, and returns all that still sign. The older ones stop at the end of this
    /// overlap, or at the end of an earlier one, whichever comes first.
    ///
    /// # Errors
    ///
    /// [`SECRETS_LIMIT`] secrets sign already.
    pub fn apply(
        self,
        secrets: &[InstallationSecret],
        new: SharedSecret,
        now: Timestamp,
    ) -> Result<Vec<InstallationSecret>, TooManySecrets> {
        let end = now.saturating_add(self.overlap).unwrap_or(now);
        let retiring = secrets.iter().map(|secret| {
            let retires_at = secret.retires_at.map_or(end, |promised| promised.min(end));
            InstallationSecret { secret: secret.secret.clone(), retires_at: Some(retires_at) }
        });
        let mut rotated: Vec<_> = retiring.filter(|secret| secret.signs(now)).collect();
        rotated.push(new.into());
        if rotated.len() > SECRETS_LIMIT { Err(TooManySecrets) } else { Ok(rotated) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use serde_json::json;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn parse(body: Value) -> Result<SecretRotation, FieldErrors> {
        SecretRotation::parse(body.as_object().unwrap_or(&Map::new()))
    }

    #[test]
    fn an_overlap_is_whole_hours_up_to_a_week() {
        for (body, hours) in [
            (json!({}), Some(24)),
            (json!({"overlap_hours": null}), Some(24)),
            (json!({"overlap_hours": 0}), Some(0)),
            (json!({"overlap_hours": 168}), Some(168)),
            (json!({"overlap_hours": 169}), None),
            (json!({"overlap_hours": -1}), None),
            (json!({"overlap_hours": 1.5}), None),
            (json!({"overlap_hours": "24"}), None),
            (json!({"overlap": 0}), None),
            (json!({"secret": {"overlap_hours": 0}}), None),
        ] {
            let parsed = parse(body.clone()).ok().map(|rotation| rotation.overlap.as_hours());
            assert_eq!(parsed, hours, "{body}");
        }
    }

    #[test]
    fn older_secrets_sign_until_the_overlap_ends_and_the_new_one_stays() -> TestResult {
        let secret = |letter: &str| SharedSecret::parse(&letter.repeat(32));
        let now: Timestamp = "2026-11-21T15:00:00Z".parse()?;
        let day = parse(json!({})).map_err(|_| "parses")?;
        let two = day.apply(&[secret("a")?.into()], secret("b")?, now)?;
        let signing = |secrets: &[InstallationSecret], at: Timestamp| -> Vec<String> {
            secrets
                .iter()
                .filter(|secret| secret.signs(at))
                .map(|s| s.secret.reveal()[..1].to_owned())
                .collect()
        };
        assert_eq!(signing(&two, now), ["a", "b"]);
        assert_eq!(signing(&two, now + 24.hours() - 1.nanosecond()), ["a", "b"]);
        assert_eq!(signing(&two, now + 24.hours()), ["b"]);

        let three = day.apply(&two, secret("c")?, now + 1.hour())?;
        assert_eq!(signing(&three, now + 23.hours()), ["a", "b", "c"]);
        assert_eq!(signing(&three, now + 24.hours()), ["b", "c"], "what was promised is not made longer");
        assert_eq!(signing(&three, now + 25.hours()), ["c"]);

        let at_once = parse(json!({"overlap_hours": 0})).map_err(|_| "parses")?;
        assert_eq!(signing(&at_once.apply(&three, secret("d")?, now + 2.hours())?, now + 2.hours()), ["d"]);
        let newest = newest_alone(&three).ok_or("three secrets")?;
        assert_eq!(signing(&[newest], now + 999.hours()), ["c"], "the newest stays for good");
        assert_eq!(newest_alone(&[]), None);
        Ok(())
    }

    #[test]
    fn a_secret_stored_before_there_were_rotations_is_still_read() -> TestResult {
        let secret: InstallationSecret = SharedSecret::parse(&"a".repeat(32))?.into();
        for stored in [json!("a".repeat(32)), json!({"secret": "a".repeat(32)})] {
            assert_eq!(serde_json::from_value::<InstallationSecret>(stored)?, secret);
        }
        assert_eq!(serde_json::from_value::<InstallationSecret>(json!(secret))?, secret);
        Ok(())
    }

    #[test]
    fn at_most_five_secrets_sign() -> TestResult {
        let now: Timestamp = "2026-11-21T15:00:00Z".parse()?;
        let day = parse(json!({})).map_err(|_| "parses")?;
        let mut secrets = vec![SharedSecret::parse(&"a".repeat(32))?.into()];
        for _ in 1..SECRETS_LIMIT {
            secrets = day.apply(&secrets, SharedSecret::parse(&"b".repeat(32))?, now)?;
        }
        let new = SharedSecret::parse(&"c".repeat(32))?;
        assert_eq!(day.apply(&secrets, new.clone(), now), Err(TooManySecrets));
        assert_eq!(day.apply(&secrets, new, now + 24.hours())?.len(), 2, "the overlaps have ended");
        Ok(())
    }
}
