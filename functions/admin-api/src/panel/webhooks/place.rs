//! Where somebody is in the list: the filter and the page, in the query, so a link can be shared.

use maud::{Markup, html};
use storehook_domain::{
    input::query_parameters::PAGE_LIMIT,
    webhook::{Status, WebhookId, filter::WebhookFilter, query::WebhookQuery},
};

use crate::panel::{fields::Fields, session::encoded};

/// The path of the list.
pub(crate) const LIST: &str = "/panel/webhooks";

/// The hidden field of the status. The button that changes a webhook has the name `status`.
const HIDDEN_STATUS: &str = "listed_status";

/// A place in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// A part of the topic; empty for all.
    pub(crate) topic: String,
    /// A part of the host; empty for all.
    pub(crate) host: String,
    /// The status; `None` for all.
    pub(crate) status: Option<Status>,
    /// The page begins after this id.
    pub(crate) since_id: Option<WebhookId>,
}

impl Place {
    /// Reads the place from a query, or from a form with [`Self::hidden`] fields.
    pub(crate) fn read(fields: &Fields) -> Self {
        let text = |name| fields.get(name).trim().to_owned();
        let name_of_status = if fields.has("from") { HIDDEN_STATUS } else { "status" };
        Self {
            topic: text("topic"),
            host: text("host"),
            status: Status::ALL.into_iter().find(|status| status.as_str() == fields.get(name_of_status)),
            since_id: fields.get("since_id").parse().ok(),
        }
    }

    /// Whether a filter is set.
    pub(crate) fn is_filtered(&self) -> bool {
        !self.topic.is_empty() || !self.host.is_empty() || self.status.is_some()
    }

    /// The same filter, on the page after this id.
    pub(crate) fn after(&self, since_id: Option<WebhookId>) -> Self {
        Self { since_id, ..self.clone() }
    }

    /// The path that leads here.
    pub(crate) fn path(&self) -> String {
        let since_id = self.since_id.map(|id| id.to_string()).unwrap_or_default();
        let status = self.status.map_or("", Status::as_str);
        let fields =
            [("topic", &*self.topic), ("host", &*self.host), ("status", status), ("since_id", &*since_id)];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if query.is_empty() { LIST.to_owned() } else { format!("{LIST}?{}", query.join("&")) }
    }

    /// The place as hidden fields of a form, which leads back here.
    pub(crate) fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="from" value="list";
            @if !self.topic.is_empty() { input type="hidden" name="topic" value=(self.topic); }
            @if !self.host.is_empty() { input type="hidden" name="host" value=(self.host); }
            @if let Some(status) = self.status { input type="hidden" name=(HIDDEN_STATUS) value=(status.as_str()); }
            @if let Some(id) = self.since_id { input type="hidden" name="since_id" value=(id.to_string()); }
        }
    }

    /// The query of the page.
    pub(crate) fn query(&self) -> WebhookQuery {
        let part = |text: &String| (!text.is_empty()).then(|| text.clone());
        let filter = WebhookFilter {
            topic_part: part(&self.topic),
            host_part: part(&self.host),
            status: self.status,
            since_id: self.since_id,
            ..WebhookFilter::default()
        };
        WebhookQuery::first(filter, PAGE_LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_its_own_path() {
        for (query, path) in [
            ("", "/panel/webhooks"),
            ("topic=+&since_id=x&done=saved&status=x", "/panel/webhooks"),
            ("since_id=7&status=disabled", "/panel/webhooks?status=disabled&since_id=7"),
            ("from=list&status=paused", "/panel/webhooks"),
            ("from=list&status=paused&listed_status=active", "/panel/webhooks?status=active"),
            ("topic=orders/*&host=a.example", "/panel/webhooks?topic=orders%2F%2A&host=a%2Eexample"),
            ("since_id=7&host=%26x=", "/panel/webhooks?host=%26x%3D&since_id=7"),
        ] {
            let place = Place::read(&Fields::parse(query.as_bytes()));
            assert_eq!(place.path(), path, "{query}");
            let query = path.split_once('?').map_or("", |(_, query)| query);
            assert_eq!(Place::read(&Fields::parse(query.as_bytes())), place, "{path}");
        }
    }

    #[test]
    fn hidden_fields_escape_what_was_typed() {
        let place =
            Place { topic: "\"><script>".to_owned(), status: Some(Status::Paused), ..Place::default() };
        let hidden = place.hidden().into_string();
        assert!(hidden.contains("name=\"listed_status\" value=\"paused\""), "{hidden}");
        assert!(hidden.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{hidden}");
    }
}
