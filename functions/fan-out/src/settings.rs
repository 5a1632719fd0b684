//! The function's settings, from its environment.

use storehook_aws::{Environment, Retention, SettingError, metrics};
use storehook_domain::job::recovery::{DEFAULT_WAITING_LIMIT, RecoveryRules, pass::DEFAULT_MOST_PER_SECOND};

/// The settings. The template sets all of them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The registry table's name: `REGISTRY_TABLE`.
    pub registry_table: String,
    /// The history table's name: `HISTORY_TABLE`.
    pub history_table: String,
    /// How long the history is kept: `HISTORY_DELIVERY_DAYS` and `HISTORY_PAYLOAD_DAYS`.
    pub retention: Retention,
    /// The delivery queue's URL: `DELIVERY_QUEUE_URL`.
    pub delivery_queue_url: String,
    /// The retry queue's URL: `RETRY_QUEUE_URL`.
    pub retry_queue_url: String,
    /// How what is held comes back: `WAITING_LIMIT`, 2,000 unless set, `CATCH_UP_PER_SECOND`, 100
    /// unless set, and `RETRY_TIME_SCALE`.
    pub recovery: RecoveryRules,
    /// The rejected-events queue's URL: `REJECTED_QUEUE_URL`.
    pub rejected_queue_url: String,
    /// The jobs queue's URL: `JOBS_QUEUE_URL`.
    pub jobs_queue_url: String,
    /// The dead-letter queue's URL: `DEAD_LETTER_QUEUE_URL`.
    pub dead_letter_queue_url: String,
    /// The namespace of the metrics: `METRICS_NAMESPACE`.
    pub metrics_namespace: String,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// A setting is absent or invalid.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            registry_table: environment.required("REGISTRY_TABLE")?.to_owned(),
            history_table: environment.required("HISTORY_TABLE")?.to_owned(),
            retention: Retention::read(environment)?,
            delivery_queue_url: environment.required("DELIVERY_QUEUE_URL")?.to_owned(),
            retry_queue_url: environment.required("RETRY_QUEUE_URL")?.to_owned(),
            recovery: RecoveryRules {
                waiting_limit: environment.count("WAITING_LIMIT", DEFAULT_WAITING_LIMIT)?,
                most_per_second: environment.count("CATCH_UP_PER_SECOND", DEFAULT_MOST_PER_SECOND)?,
                time_scale: environment.number("RETRY_TIME_SCALE", 1.0)?,
            },
            rejected_queue_url: environment.required("REJECTED_QUEUE_URL")?.to_owned(),
            jobs_queue_url: environment.required("JOBS_QUEUE_URL")?.to_owned(),
            dead_letter_queue_url: environment.required("DEAD_LETTER_QUEUE_URL")?.to_owned(),
            metrics_namespace: metrics::namespace(environment),
        })
    }
}
