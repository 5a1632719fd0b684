//! The function's settings.

use storehook_aws::{Environment, SettingError};

/// What the template sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The registry table's name: `REGISTRY_TABLE`.
    pub registry_table: String,
    /// The delivery queue's URL: `DELIVERY_QUEUE_URL`.
    pub delivery_queue_url: String,
    /// The rejected-events queue's URL: `REJECTED_QUEUE_URL`.
    pub rejected_queue_url: String,
}

impl Settings {
    /// Reads the settings.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            registry_table: environment.required("REGISTRY_TABLE")?.to_owned(),
            delivery_queue_url: environment.required("DELIVERY_QUEUE_URL")?.to_owned(),
            rejected_queue_url: environment.required("REJECTED_QUEUE_URL")?.to_owned(),
        })
    }
}
