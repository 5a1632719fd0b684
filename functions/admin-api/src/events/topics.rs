//! The catalogue of topics, for those who are about to subscribe.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;
use storehook_domain::event::{catalogue, samples::sample_of, topic::Topic};
use utoipa::ToSchema;

use crate::{App, error::ApiError};

/// An answer with the topics that can be subscribed to.
#[derive(Serialize, ToSchema)]
pub(crate) struct TopicsAnswer {
    topics: Vec<ShownTopic>,
}

/// A topic of the catalogue.
#[derive(Serialize, ToSchema)]
#[schema(as = CatalogueTopic)]
struct ShownTopic {
    #[schema(example = "orders/create")]
    topic: &'static str,
    /// Spree's names for it.
    aliases: Vec<&'static str>,
    /// What its payload describes.
    #[schema(example = "order")]
    resource: &'static str,
    /// The root of its payload as XML.
    #[schema(example = "order")]
    xml_root: String,
    /// The header that tells the payload's id; null where there is none.
    #[schema(example = "X-Spiffy-Stores-Order-Id")]
    id_header: Option<String>,
    /// A payload as its events have it.
    #[schema(value_type = Object)]
    sample: &'static RawValue,
}

/// List topics
///
/// The topics of the catalogue, each with a sample of its payload. A `noun:verb` of the shop's own can be
/// subscribed to as well.
#[utoipa::path(
    get,
    path = "/admin/topics",
    operation_id = "listTopics",
    tag = "webhooks",
    responses((status = 200, description = "The topics.", body = TopicsAnswer)),
)]
pub(crate) async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    let topics = catalogue::TOPICS.iter().chain([&catalogue::WEBHOOK_DISABLED]);
    let shown = topics.map(|topic| {
        let parsed = Topic::parse(topic.name).ok()?;
        Some(ShownTopic {
            topic: topic.name,
            aliases: catalogue::ALIASES
                .iter()
                .filter(|(_, name)| *name == topic.name)
                .map(|(alias, _)| *alias)
                .collect(),
            resource: topic.resource,
            xml_root: topic.resource.replace('_', "-"),
            id_header: app.settings.rules.header_prefix.id_header(topic.resource),
            sample: serde_json::from_str(sample_of(&parsed)).ok()?,
        })
    });
    Ok(Json(TopicsAnswer { topics: shown.flatten().collect() }).into_response())
}
