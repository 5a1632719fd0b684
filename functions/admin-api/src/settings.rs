//! The function's settings.

use storehook_aws::{Environment, SettingError};
use storehook_domain::AddressPolicy;

/// What the template sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The registry table's name: `REGISTRY_TABLE`.
    pub registry_table: String,
    /// The addresses that webhooks may name: public ones, and `ALLOWED_CIDRS`.
    pub address_policy: AddressPolicy,
}

impl Settings {
    /// Reads the settings.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            registry_table: environment.required("REGISTRY_TABLE")?.to_owned(),
            address_policy: environment.parsed("ALLOWED_CIDRS", AddressPolicy::opening)?,
        })
    }
}
