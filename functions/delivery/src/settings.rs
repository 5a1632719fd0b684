//! The function's settings.

use std::time::Duration;

use storehook_aws::{Environment, SettingError};
use storehook_domain::{AddressPolicy, HeaderPrefix, RetrySchedule};

/// What the template sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The registry table's name: `REGISTRY_TABLE`.
    pub registry_table: String,
    /// The delivery queue: `DELIVERY_QUEUE_ARN` and `DELIVERY_QUEUE_URL`.
    pub delivery_queue: QueueAddress,
    /// The retry queue: `RETRY_QUEUE_ARN` and `RETRY_QUEUE_URL`.
    pub retry_queue: QueueAddress,
    /// The addresses that deliveries may reach: public ones, and `ALLOWED_CIDRS`.
    pub address_policy: AddressPolicy,
    /// What the platform's header names begin with: `HEADER_PREFIX`.
    pub header_prefix: HeaderPrefix,
    /// When failed deliveries are tried again, compressed by `RETRY_TIME_SCALE`.
    pub schedule: RetrySchedule,
    /// How long a connection may take: `CONNECT_TIMEOUT_SECONDS`, 2 unless set.
    pub connect_timeout: Duration,
    /// How long an attempt may take in all: `ATTEMPT_TIMEOUT_SECONDS`, 5 unless set.
    pub attempt_timeout: Duration,
}

/// A queue, by the name that events give it and the one that calls to it need.
#[derive(Debug, Clone)]
pub struct QueueAddress {
    /// Its ARN.
    pub arn: String,
    /// Its URL.
    pub url: String,
}

impl Settings {
    /// Reads the settings.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let queue = |arn, url| {
            Ok(QueueAddress {
                arn: environment.required(arn)?.to_owned(),
                url: environment.required(url)?.to_owned(),
            })
        };
        Ok(Self {
            registry_table: environment.required("REGISTRY_TABLE")?.to_owned(),
            delivery_queue: queue("DELIVERY_QUEUE_ARN", "DELIVERY_QUEUE_URL")?,
            retry_queue: queue("RETRY_QUEUE_ARN", "RETRY_QUEUE_URL")?,
            address_policy: environment.parsed("ALLOWED_CIDRS", AddressPolicy::opening)?,
            header_prefix: environment.parsed("HEADER_PREFIX", HeaderPrefix::parse)?,
            schedule: RetrySchedule::new(environment.number("RETRY_TIME_SCALE", 1.0)?)
                .ok_or(SettingError::invalid("RETRY_TIME_SCALE", "it must be over 0 and at most 1"))?,
            connect_timeout: Duration::from_secs(environment.number("CONNECT_TIMEOUT_SECONDS", 2)?),
            attempt_timeout: Duration::from_secs(environment.number("ATTEMPT_TIMEOUT_SECONDS", 5)?),
        })
    }
}
