//! The function's settings.

use storehook_aws::{Environment, SettingError};
use storehook_domain::{AddressPolicy, HeaderPrefix, WebhookRules};

/// What the template sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The registry table's name: `REGISTRY_TABLE`.
    pub registry_table: String,
    /// What webhooks may name: public addresses and `ALLOWED_CIDRS`, and no header that begins
    /// with `HEADER_PREFIX`.
    pub rules: WebhookRules,
}

impl Settings {
    /// Reads the settings.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            registry_table: environment.required("REGISTRY_TABLE")?.to_owned(),
            rules: WebhookRules {
                address_policy: environment.parsed("ALLOWED_CIDRS", AddressPolicy::opening)?,
                header_prefix: environment.parsed("HEADER_PREFIX", HeaderPrefix::parse)?,
            },
        })
    }
}
