//! The catalogue of topics, for apps that are about to subscribe.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;
use storehook_domain::{
    event::{catalogue, samples::sample_of, topic::Topic},
    webhook::header_prefix::HeaderPrefix,
};
use utoipa::ToSchema;

use crate::{app::App, error::ApiError};

/// The topics of the catalogue.
#[derive(Serialize, ToSchema)]
pub(crate) struct TopicsResponse {
    pub(crate) topics: Vec<ShownTopic>,
}

/// A topic of the catalogue.
#[derive(Serialize, ToSchema)]
#[schema(as = CatalogueTopic)]
pub(crate) struct ShownTopic {
    #[schema(example = "orders/create")]
    pub(crate) topic: &'static str,
    /// Spree's names for the topic.
    pub(crate) aliases: Vec<&'static str>,
    /// The kind of resource that the payload holds.
    #[schema(example = "order")]
    pub(crate) resource: &'static str,
    /// The root element of the payload in XML.
    #[schema(example = "order")]
    pub(crate) xml_root: String,
    /// The header with the payload's id; null if there is none.
    #[schema(example = "X-Spiffy-Stores-Order-Id")]
    pub(crate) id_header: Option<String>,
    /// A sample payload.
    #[schema(value_type = Object)]
    pub(crate) sample: &'static RawValue,
}

/// List topics
///
/// Lists the topics of the catalogue, each with a sample payload. Apps can also subscribe to the
/// shop's own topics, which are named `noun:verb`.
#[utoipa::path(
    get,
    path = "/admin/topics",
    operation_id = "listTopics",
    tag = "webhooks",
    responses((status = 200, description = "The topics.", body = TopicsResponse)),
)]
pub(crate) async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    let topics = catalogue_topics(&app.settings.rules.header_prefix).collect();
    Ok(Json(TopicsResponse { topics }).into_response())
}

/// The topics of the catalogue, with the platform's headers.
pub(crate) fn catalogue_topics(header_prefix: &HeaderPrefix) -> impl Iterator<Item = ShownTopic> {
    catalogue::all().filter_map(move |topic| {
        let parsed = Topic::parse(topic.name).ok()?;
        let aliases = catalogue::ALIASES.iter().filter(|(_, name)| *name == topic.name);
        Some(ShownTopic {
            topic: topic.name,
            aliases: aliases.map(|(alias, _)| *alias).collect(),
            resource: topic.resource,
            xml_root: topic.resource.replace('_', "-"),
            id_header: header_prefix.id_header(topic.resource),
            sample: serde_json::from_str(sample_of(&parsed)).ok()?,
        })
    })
}
