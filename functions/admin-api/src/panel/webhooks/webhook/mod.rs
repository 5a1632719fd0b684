//! A webhook: how it is, what can be done with it, its settings and its latest deliveries.
//!
//! Without a history there are no numbers, no deliveries and no replays to show; the rest stays.

use axum::{
    Extension,
    extract::State,
    response::{Html, Response},
};
use jiff::Timestamp;
use maud::{Markup, html};
use storehook_domain::{history::timeline::Range, webhook::Status, words::number::count};

use crate::{
    app::App,
    deliveries::{
        stats::{StatsResponse, load_day},
        test_events::send_test_event,
    },
    http::bodies::{PathId, id_of},
    panel::{
        fields::Form,
        look::{
            chart::chart,
            form::once,
            page::{Notice, Page, Tab, done},
            state::state,
            time::when,
        },
        problem::Problem,
        session::Session,
        webhooks::{
            health::sentence,
            history::{self, History, load_recent},
            status::status_of,
        },
    },
    replays::{operations::list_replays, responses::ReplaysResponse},
    webhooks::{
        health::{HELD_COUNTED, WantedHealth, WebhookHealth},
        operations::{find_webhook, load_health},
        responses::{WebhookProperties, WebhookResponse},
    },
};

/// Shows a webhook.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Page, Problem> {
    let caller = &session.caller;
    let webhook = find_webhook(&app, caller, id_of(id, str::parse)?).await?;
    let history = match app.deliveries.table.retention.deliveries() {
        None => None,
        Some(_) => {
            let ((stats, timeline), recent, replays) = tokio::try_join!(
                load_day(&app, &webhook, session.now, &caller.time_zone),
                load_recent(&app, caller, &webhook),
                list_replays(&app, &webhook),
            )?;
            let latest = &replays[..replays.len().min(history::LATEST_REPLAYS)];
            Some(History {
                stats: StatsResponse::of(&stats, &caller.time_zone).stats,
                chart: chart(&timeline, Range::Day, &caller.time_zone),
                recent,
                replays: ReplaysResponse::of(latest, &caller.time_zone).replays,
            })
        }
    };
    let health = load_health(&app, &webhook, WantedHealth::ALL).await?;
    let shown = WebhookResponse::of(&webhook, &health, &caller.time_zone, None).webhook.properties;
    let view = View {
        webhook: &shown,
        status: webhook.status,
        health: &health,
        headers: webhook.custom_headers.iter().map(|(name, _)| name).collect(),
        history: history.as_ref(),
        now: session.now,
    };
    Ok(Page::new(Tab::Webhooks, format!("{} to {}", shown.topic, shown.address), view.body()))
}

/// Shows the latest deliveries alone: the part of the page that follows them.
pub(crate) async fn show_recent(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
) -> Result<Html<String>, Problem> {
    let webhook = find_webhook(&app, &session.caller, id_of(id, str::parse)?).await?;
    let recent = load_recent(&app, &session.caller, &webhook).await?;
    let is_active = webhook.status == Status::Active;
    Ok(Html(history::recent(webhook.id.get(), is_active, &recent, session.now).into_string()))
}

/// Sends a test event, and leads to its delivery.
pub(crate) async fn send_test(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    id: PathId,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let id = id_of(id, str::parse)?;
    let record = send_test_event(&app, &session.caller, id, fields.once()).await?;
    let id = &record.envelope.id;
    Ok(match app.deliveries.table.retention.deliveries() {
        Some(_) => done(&format!("/panel/deliveries/{id}"), Notice::Queued),
        None => done(&format!("/panel/webhooks/{}", id.webhook_id), Notice::TestSent),
    })
}

struct View<'a> {
    webhook: &'a WebhookProperties<'a>,
    status: Status,
    health: &'a WebhookHealth,
    /// The names of the custom headers.
    headers: Vec<&'a str>,
    /// `None` if the history is off.
    history: Option<&'a History>,
    now: Timestamp,
}

impl View<'_> {
    fn body(&self) -> Markup {
        let id = self.webhook.id.get();
        html! {
            h1 { (self.webhook.topic) }
            p.muted { (state(status_of(self.webhook))) " Deliveries go to " (self.webhook.address) }
            p.lead { (sentence(self.status, self.health, self.history.map(|history| &history.stats), self.now)) }
            (self.endpoint())
            (self.actions())
            @match self.history {
                Some(history) => {
                    (history::numbers(id, &history.stats, &history.chart))
                    (history::recent(id, self.status == Status::Active, &history.recent, self.now))
                    (history::replays(id, &history.replays, self.now))
                }
                None => p.empty { "The operator of this platform keeps no history, so no deliveries are shown here, and none can be replayed." }
            }
            (self.settings())
        }
    }

    /// How the endpoint is, in figures, if something is wrong with it or held.
    fn endpoint(&self) -> Markup {
        let WebhookProperties { failing_since, next_probe_at, disables_at, .. } = self.webhook;
        let held = self.health.held.filter(|held| *held > 0);
        let times =
            [("Failing since", failing_since), ("Next probe", next_probe_at), ("Disabled", disables_at)];
        let times = times.into_iter().filter_map(|(name, time)| Some((name, time.as_ref()?)));
        let times: Vec<_> = times.collect();
        html! {
            @if !times.is_empty() || held.is_some() {
                dl.facts {
                    @for (name, time) in times { dt { (name) } dd { (when(time, self.now)) } }
                    @if let Some(held) = held {
                        dt { "Held deliveries" }
                        dd {
                            a href={ "/panel/deliveries?webhook=" (self.webhook.id) "&state=held" } {
                                (count(held)) @if held >= HELD_COUNTED { " or more" }
                            }
                        }
                    }
                }
            }
        }
    }

    fn actions(&self) -> Markup {
        let path = format!("/panel/webhooks/{}", self.webhook.id);
        let is_active = self.status == Status::Active;
        let (next, label) = if is_active { ("paused", "Pause") } else { ("active", "Resume") };
        html! {
            div.actions {
                @if is_active {
                    form method="post" action={ (path) "/test" } {
                        (once())
                        button.primary type="submit" { "Send a test event" }
                    }
                }
                form method="post" action={ (path) "/status" } {
                    button class=[(!is_active).then_some("primary")] type="submit" name="status" value=(next) { (label) }
                }
                @if self.history.is_some() { a.button href={ (path) "/replays/new" } { "Replay…" } }
                a.button href={ (path) "/edit" } { "Edit" }
                a.button.danger href={ (path) "/delete" } { "Delete…" }
            }
        }
    }

    fn settings(&self) -> Markup {
        let webhook = self.webhook;
        html! {
            h2 { "Settings" }
            dl.facts {
                dt { "Id" } dd { (webhook.id) }
                dt { "Topic" } dd { code { (webhook.topic) } }
                dt { "Address" } dd { code { (webhook.address) } }
                dt { "Format" } dd { (webhook.format) }
                dt { "Protocol" } dd { (webhook.protocol) }
                dt { "Fields" } dd { (listed(webhook.fields, "all of the payload")) }
                dt { "Metafield namespaces" } dd { (listed(webhook.metafield_namespaces, "no metafields")) }
                dt { "Custom headers" }
                dd {
                    @if self.headers.is_empty() { "none" }
                    @for name in &self.headers { div { code { (name) ": ***" } } }
                }
                dt { "Created" } dd { (when(&webhook.created_at, self.now)) }
                dt { "Updated" } dd { (when(&webhook.updated_at, self.now)) }
            }
        }
    }
}

/// The names of a setting; in words what none of them means.
fn listed(names: &[String], none: &str) -> Markup {
    html! {
        @if names.is_empty() { (none) }
        @for (index, name) in names.iter().enumerate() { @if index > 0 { ", " } code { (name) } }
    }
}

#[cfg(test)]
mod tests;
