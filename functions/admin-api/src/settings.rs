//! The function's settings.

use crate::panel::look::brand::Brand;
use axum::http::HeaderName;
use storehook_aws::{Environment, Retention, SettingError, metrics};
use storehook_domain::{
    delivery::request::platform::{ApiVersion, Platform},
    event::push_quota::PushQuota,
    installation::rate_limit::RateLimit,
    webhook::{
        address_policy::AddressPolicy, header_prefix::HeaderPrefix, new_webhook::WebhookRules,
        quota::WebhookQuota,
    },
};

/// The settings of the template.
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
    /// The delivery queue's URL: `DELIVERY_QUEUE_URL`.
    pub delivery_queue_url: String,
    /// The jobs queue's URL: `JOBS_QUEUE_URL`.
    pub jobs_queue_url: String,
    /// The limits of webhooks: their addresses are public or in `ALLOWED_CIDRS`, and their custom
    /// headers do not begin with `HEADER_PREFIX`. `ADDRESS_HINT` helps where an address is refused.
    pub rules: WebhookRules,
    /// How many webhooks an installation may have: `WEBHOOKS_PER_INSTALLATION`; 0 is no quota.
    pub webhook_quota: WebhookQuota,
    /// How many calls an installation may make: `RATE_LIMIT_BURST` at once and
    /// `RATE_LIMIT_PER_SECOND`. Unlimited if either is 0.
    pub rate_limit: Option<RateLimit>,
    /// How many events an installation may push: `PUSH_BURST` at once and `PUSH_PER_SECOND`.
    /// Unlimited if either is 0.
    pub push_quota: Option<PushQuota>,
    /// Where clients reach the API, without a path: `PUBLIC_URL`. `None` is the gateway's own URL.
    pub public_url: Option<String>,
    /// What deliveries say of the platform: `HEADER_PREFIX` and `API_VERSION`.
    pub platform: Platform,
    /// The brand of the control panel.
    pub brand: Brand,
    /// The header that tells the level of the bucket: `HEADER_PREFIX` and `-Api-Call-Limit`.
    pub call_limit_header: HeaderName,
    /// The namespace of the metrics: `METRICS_NAMESPACE`.
    pub metrics_namespace: String,
}

impl Settings {
    /// Reads the settings.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let header_prefix = environment.parsed("HEADER_PREFIX", HeaderPrefix::parse)?;
        let call_limit_header = header_prefix.name("Api-Call-Limit").parse();
        Ok(Self {
            metrics_namespace: metrics::namespace(environment),
            registry_table: environment.required("REGISTRY_TABLE")?.to_owned(),
            history_table: environment.required("HISTORY_TABLE")?.to_owned(),
            retention: Retention::read(environment)?,
            stream_name: environment.required("STREAM_NAME")?.to_owned(),
            delivery_queue_url: environment.required("DELIVERY_QUEUE_URL")?.to_owned(),
            jobs_queue_url: environment.required("JOBS_QUEUE_URL")?.to_owned(),
            call_limit_header: call_limit_header.map_err(
                |error: axum::http::header::InvalidHeaderName| SettingError::invalid("HEADER_PREFIX", error),
            )?,
            public_url: environment.parsed("PUBLIC_URL", public_url)?,
            brand: Brand::read(environment)?,
            platform: Platform {
                header_prefix: header_prefix.clone(),
                api_version: environment.parsed("API_VERSION", ApiVersion::parse)?,
            },
            rules: WebhookRules {
                address_policy: environment.parsed("ALLOWED_CIDRS", AddressPolicy::opening)?,
                address_hint: environment.optional("ADDRESS_HINT").map(str::to_owned),
                header_prefix,
            },
            webhook_quota: WebhookQuota::new(environment.count("WEBHOOKS_PER_INSTALLATION", 1_000)?),
            push_quota: PushQuota::new(
                environment.count("PUSH_BURST", 1_000)?,
                environment.count("PUSH_PER_SECOND", 50)?,
            ),
            rate_limit: RateLimit::new(
                environment.count("RATE_LIMIT_BURST", 40)?,
                environment.count("RATE_LIMIT_PER_SECOND", 2)?,
            ),
        })
    }
}

/// The URL is not one that paths can be appended to.
#[derive(Debug, thiserror::Error)]
#[error("must be http:// or https:// and a host, without a path")]
struct InvalidPublicUrl;

fn public_url(text: &str) -> Result<Option<String>, InvalidPublicUrl> {
    let text = text.trim_end_matches('/');
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        _ if text.is_empty() => Ok(None),
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(InvalidPublicUrl),
    }
}
