//! The function's settings.

use std::time::Duration;

use storehook_aws::{Environment, Retention, SettingError, metrics};
use storehook_domain::{
    delivery::{
        request::platform::{ApiVersion, Platform},
        schedule::RetrySchedule,
    },
    job::recovery::{DEFAULT_WAITING_LIMIT, RecoveryRules, pass::DEFAULT_MOST_PER_SECOND},
    webhook::{
        address_policy::AddressPolicy,
        header_prefix::HeaderPrefix,
        health::breaker::{BreakerRules, DEFAULT_FAILURES},
    },
};

/// What the template sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The registry table's name: `REGISTRY_TABLE`.
    pub registry_table: String,
    /// The history table's name: `HISTORY_TABLE`.
    pub history_table: String,
    /// How long the history is kept: `HISTORY_DELIVERY_DAYS` and `HISTORY_PAYLOAD_DAYS`.
    pub retention: Retention,
    /// The event stream's name: `STREAM_NAME`.
    pub stream_name: String,
    /// The delivery queue: `DELIVERY_QUEUE_ARN` and `DELIVERY_QUEUE_URL`.
    pub delivery_queue: QueueAddress,
    /// The retry queue: `RETRY_QUEUE_ARN` and `RETRY_QUEUE_URL`.
    pub retry_queue: QueueAddress,
    /// The addresses that deliveries may reach: public ones, and `ALLOWED_CIDRS`.
    pub address_policy: AddressPolicy,
    /// What the platform's header names begin with, and the version of its API: `HEADER_PREFIX` and
    /// `API_VERSION`.
    pub platform: Platform,
    /// The jobs queue's URL: `JOBS_QUEUE_URL`.
    pub jobs_queue_url: String,
    /// When breakers open: `BREAKER_FAILURES`, 100 unless set.
    pub breaker: BreakerRules,
    /// How what is held comes back: `WAITING_LIMIT`, 2,000 unless set.
    pub recovery: RecoveryRules,
    /// From which mean latency on an endpoint is slow: `SLOW_AFTER_SECONDS`, 1 unless set.
    pub slow_after: Duration,
    /// When failed deliveries are tried again, compressed by `RETRY_TIME_SCALE`.
    pub schedule: RetrySchedule,
    /// How long a connection may take: `CONNECT_TIMEOUT_SECONDS`, 2 unless set.
    pub connect_timeout: Duration,
    /// How long an attempt may take in all: `ATTEMPT_TIMEOUT_SECONDS`, 5 unless set.
    pub attempt_timeout: Duration,
    /// The port of Lambda's own Runtime API, which no delivery may reach whatever the operator
    /// opens: `AWS_LAMBDA_RUNTIME_API`, set by Lambda.
    pub runtime_api_port: Option<u16>,
    /// Whether a delivery that the endpoint took, or wants later, has a line in the log:
    /// `LOG_SUCCESSES`.
    pub logs_successes: bool,
    /// The namespace of the metrics: `METRICS_NAMESPACE`.
    pub metrics_namespace: String,
}

/// A queue, by the name that events use and the name that calls need.
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
        let time_scale = environment.number("RETRY_TIME_SCALE", 1.0)?;
        Ok(Self {
            registry_table: environment.required("REGISTRY_TABLE")?.to_owned(),
            history_table: environment.required("HISTORY_TABLE")?.to_owned(),
            retention: Retention::read(environment)?,
            stream_name: environment.required("STREAM_NAME")?.to_owned(),
            runtime_api_port: environment.parsed("AWS_LAMBDA_RUNTIME_API", port_of)?,
            delivery_queue: queue("DELIVERY_QUEUE_ARN", "DELIVERY_QUEUE_URL")?,
            retry_queue: queue("RETRY_QUEUE_ARN", "RETRY_QUEUE_URL")?,
            address_policy: environment.parsed("ALLOWED_CIDRS", AddressPolicy::opening)?,
            platform: Platform {
                header_prefix: environment.parsed("HEADER_PREFIX", HeaderPrefix::parse)?,
                api_version: environment.parsed("API_VERSION", ApiVersion::parse)?,
            },
            jobs_queue_url: environment.required("JOBS_QUEUE_URL")?.to_owned(),
            breaker: BreakerRules {
                failures: environment.count("BREAKER_FAILURES", DEFAULT_FAILURES)?,
                time_scale,
            },
            recovery: RecoveryRules {
                waiting_limit: environment.count("WAITING_LIMIT", DEFAULT_WAITING_LIMIT)?,
                most_per_second: DEFAULT_MOST_PER_SECOND,
                time_scale,
            },
            slow_after: seconds(environment, "SLOW_AFTER_SECONDS", 1, 30)?,
            schedule: RetrySchedule::new(time_scale)
                .ok_or(SettingError::invalid("RETRY_TIME_SCALE", "it must be over 0 and at most 1"))?,
            connect_timeout: seconds(environment, "CONNECT_TIMEOUT_SECONDS", 2, 10)?,
            attempt_timeout: seconds(environment, "ATTEMPT_TIMEOUT_SECONDS", 5, 30)?,
            logs_successes: logs_successes(environment)?,
            metrics_namespace: metrics::namespace(environment),
        })
    }
}

/// `yes`, `no`, or `auto`: only where the history is off, because nothing else would tell of them.
fn logs_successes(environment: &Environment) -> Result<bool, SettingError> {
    match environment.optional("LOG_SUCCESSES").unwrap_or("auto") {
        "yes" => Ok(true),
        "no" => Ok(false),
        "auto" => Ok(Retention::read(environment)?.deliveries().is_none()),
        _ => Err(SettingError::invalid("LOG_SUCCESSES", "it must be yes, no or auto")),
    }
}

/// A time limit of 1 second to `most`: the function has a minute for a whole batch.
fn seconds(
    environment: &Environment,
    name: &'static str,
    default: u64,
    most: u64,
) -> Result<Duration, SettingError> {
    match environment.count(name, default)? {
        seconds if (1..=most).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(SettingError::invalid(name, format!("it must be 1 to {most}"))),
    }
}

/// The port of `host:port`.
fn port_of(authority: &str) -> Result<Option<u16>, std::num::ParseIntError> {
    authority.rsplit_once(':').map_or("", |(_, port)| port).parse().map(Some)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const REQUIRED: [(&str, &str); 8] = [
        ("REGISTRY_TABLE", "t"),
        ("HISTORY_TABLE", "h"),
        ("STREAM_NAME", "s"),
        ("DELIVERY_QUEUE_ARN", "a"),
        ("DELIVERY_QUEUE_URL", "u"),
        ("RETRY_QUEUE_ARN", "a2"),
        ("RETRY_QUEUE_URL", "u2"),
        ("JOBS_QUEUE_URL", "u3"),
    ];

    /// The required settings and these.
    pub(crate) fn settings<const N: usize>(more: [(&str, &str); N]) -> Result<Settings, SettingError> {
        Settings::read(&REQUIRED.into_iter().chain(more).collect())
    }

    #[test]
    fn missing_settings_have_their_defaults() -> Result<(), SettingError> {
        let settings = settings([])?;
        assert_eq!(
            (settings.connect_timeout, settings.attempt_timeout),
            (Duration::from_secs(2), Duration::from_secs(5))
        );
        assert_eq!(settings.address_policy, AddressPolicy::default());
        assert_eq!(settings.platform, Platform::default());
        assert_eq!(settings.schedule, RetrySchedule::default());
        assert_eq!(settings.runtime_api_port, None);
        Ok(())
    }

    /// The guard refuses this port whatever the operator opens.
    #[test]
    fn the_port_of_the_runtime_api_is_read() -> Result<(), SettingError> {
        for (authority, port) in [("127.0.0.1:9001", 9_001), ("[::1]:80", 80)] {
            assert_eq!(settings([("AWS_LAMBDA_RUNTIME_API", authority)])?.runtime_api_port, Some(port));
        }
        Ok(())
    }

    /// Without the history, a success would leave no trace.
    #[test]
    fn successes_are_logged_where_asked_for_or_where_there_is_no_history() -> Result<(), SettingError> {
        for (setting, days, logs) in [
            ("", "30", false),
            ("auto", "30", false),
            ("auto", "0", true),
            ("yes", "30", true),
            ("no", "0", false),
        ] {
            let settings = settings([("LOG_SUCCESSES", setting), ("HISTORY_DELIVERY_DAYS", days)])?;
            assert_eq!(settings.logs_successes, logs, "{setting:?}, {days} days");
        }
        Ok(())
    }

    #[test]
    fn the_longest_time_limits_are_accepted() -> Result<(), SettingError> {
        let settings = settings([("CONNECT_TIMEOUT_SECONDS", "10"), ("ATTEMPT_TIMEOUT_SECONDS", "30")])?;
        assert_eq!((settings.connect_timeout.as_secs(), settings.attempt_timeout.as_secs()), (10, 30));
        Ok(())
    }

    #[test]
    fn missing_and_malformed_settings_stop_the_function_from_starting() {
        for missing in REQUIRED {
            let rest = REQUIRED.into_iter().filter(|setting| *setting != missing);
            assert!(
                matches!(Settings::read(&rest.collect()), Err(SettingError::Missing(name)) if name == missing.0)
            );
        }
        for (name, value) in [
            ("ALLOWED_CIDRS", "localhost"),
            ("HEADER_PREFIX", "X Y"),
            ("API_VERSION", "2026 10"),
            ("RETRY_TIME_SCALE", "0"),
            ("RETRY_TIME_SCALE", "fast"),
            ("CONNECT_TIMEOUT_SECONDS", "-1"),
            ("CONNECT_TIMEOUT_SECONDS", "11"),
            ("ATTEMPT_TIMEOUT_SECONDS", "0"),
            ("ATTEMPT_TIMEOUT_SECONDS", "31"),
            ("HISTORY_DELIVERY_DAYS", "-1"),
            ("LOG_SUCCESSES", "true"),
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1"),
        ] {
            let error = settings([(name, value)]).err();
            assert!(
                matches!(error, Some(SettingError::Invalid { name: told, .. }) if told == name),
                "{name}={value}"
            );
        }
    }
}
