//! The function's settings, from its environment.

use storehook_aws::{Environment, Retention, SettingError};

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
    /// The rejected-events queue's URL: `REJECTED_QUEUE_URL`.
    pub rejected_queue_url: String,
    /// The jobs queue's URL: `JOBS_QUEUE_URL`.
    pub jobs_queue_url: String,
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
            rejected_queue_url: environment.required("REJECTED_QUEUE_URL")?.to_owned(),
            jobs_queue_url: environment.required("JOBS_QUEUE_URL")?.to_owned(),
        })
    }
}
