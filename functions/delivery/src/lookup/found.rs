//! What was loaded for a delivery.

use std::sync::Arc;

use storehook_aws::{registry::HealthItem, table::TableError};
use storehook_domain::{
    delivery::lane::Lane, history::decision::Known, installation::Installation, job::recovery::Recovery,
    webhook::Webhook,
};

/// What could be loaded for a delivery.
#[derive(Debug)]
pub(crate) struct Found {
    /// The target; `None` if the webhook or the installation does not exist any more. The messages of
    /// a webhook share it.
    pub(crate) target: Result<Option<Arc<Target>>, TargetError>,
    /// Its history.
    pub(crate) history: Known,
}

/// A delivery's webhook and installation.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) webhook: Webhook,
    pub(crate) installation: Installation,
    /// The lane that the webhook's deliveries are queued into.
    pub(crate) lane: Lane,
    /// When that lane last changed, in seconds since the Unix epoch.
    pub(crate) lane_since: Option<i64>,
    /// The webhook's health: empty if it has never failed.
    pub(crate) health: HealthItem,
}

impl Target {
    /// The webhook's recovery, if it has one.
    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.health.recovery.as_ref()
    }
}

/// Why a delivery's target is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("the registry could not be read")]
    Registry(#[source] Arc<TableError>),
    #[error("DynamoDB left a key unread, or took too long")]
    Unread,
}
