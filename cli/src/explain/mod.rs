//! What became of an event: at each webhook that might have heard of it, and why.
//!
//! 1. The webhooks that might have heard of it come from the registry, and the ids of deleted ones from
//!    its counter (`candidates`).
//! 2. The history has a record of each delivery that was attempted, or that ended without an attempt.
//!    `fates` tells from them what became of the event at every webhook of its shop.
//! 3. If that leaves a question open, the dead letters, the rejected events and the given-up records are
//!    looked through (`queues`, `stuck`).
//!
//! Some things nobody can know, and the explanation says which: what happened before the history began
//! or after it expired, and copies of a message, which end without a record.

mod candidates;
mod fates;
mod outcome;
mod queues;
mod report;
mod stuck;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use storehook_aws::history::HistoryTable;
use storehook_domain::{event::id::EventId, installation::shop::ShopDomain, webhook::WebhookId};

use self::{candidates::Candidates, fates::Read, queues::Found, report::Explanation};
use crate::{
    exit::Wrong, global::Global, installation::Registry, stack::connection::Connection,
    webhook_now::WebhookNow,
};

const EXAMPLES: &str = "\
Examples:
  storehook explain 6f0b54d6-4f7c-4b0f-9d5e-0c2a1f3b7e11
  storehook --stack storehook explain 01JD4Q --shop mynewstore.spiffystores.com
  storehook --stack storehook explain 01JD4Q --json | jq -r '.webhooks[] | [.webhook_id, .outcome, .why] | @tsv'";

/// The options of `storehook explain`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The event's id.
    #[arg(value_parser = EventId::parse)]
    event_id: EventId,
    /// Only the webhooks of this shop.
    #[arg(long)]
    shop: Option<ShopDomain>,
    /// Only this webhook.
    #[arg(long, value_name = "ID")]
    webhook: Option<WebhookId>,
    /// Do not look through the dead letters, the rejected events and the given-up records.
    #[arg(long)]
    no_queues: bool,
}

/// `storehook explain`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let connection = global.connect().await?;
    let explanation = explain(&connection, &args).await?;
    let is_known = explanation.is_known;
    global.show(&explanation)?;
    if is_known { Ok(()) } else { Err(Wrong.into()) }
}

async fn explain(connection: &Connection, args: &Args) -> Result<Explanation> {
    let history = connection.history().await?;
    let registry = Registry::of(connection);
    let candidates = Candidates::find(&registry, args.shop.as_ref(), args.webhook).await?;
    let mut notes = notes(&history, &candidates);
    let read = read(&registry, &history, candidates, args).await?;
    let known = read.known(&args.event_id);
    let named = || args.shop.iter().cloned().chain(read.shop_of(args.webhook));
    let mut shops: BTreeSet<_> = known.keys().cloned().chain(named()).collect();
    let mut webhooks = read.rows(&args.event_id, &shops);
    let has_question = known.is_empty() || webhooks.iter().any(|row| row.outcome.is_open());
    let found = match (has_question, args.no_queues) {
        (false, _) => Found::default(),
        (true, true) => {
            notes.push(
                "The dead letters, the rejected events and the given-up records were not looked through."
                    .to_owned(),
            );
            Found::default()
        }
        (true, false) => queues::look(connection, &args.event_id).await?,
    };
    notes.extend(found.notes.iter().cloned());
    if known.is_empty() {
        shops.extend(found.stuck().filter_map(|stuck| stuck.shop.clone()));
        shops.extend(found.dead_letters.iter().filter_map(|letter| read.shop_of(Some(letter.webhook_id))));
        webhooks = read.rows(&args.event_id, &shops);
    }
    read.settle(&mut webhooks, &found);
    let advice = found.advice(|command| connection.command(command));
    let topics = known.values().flat_map(|known| &known.topics).map(ToString::to_string);
    let topics = topics.chain(found.stuck().filter_map(|stuck| stuck.topic.clone()));
    Ok(Explanation {
        event_id: args.event_id.to_string(),
        is_known: !known.is_empty() || !found.is_empty(),
        topics: topics.collect::<BTreeSet<_>>().into_iter().collect(),
        shops: shops.iter().map(ToString::to_string).collect(),
        webhooks,
        dead_letters: found.dead_letters,
        rejected: found.rejected,
        given_up: found.given_up,
        advice,
        notes,
    })
}

/// Reads what the history has of the event, and the webhooks that have deliveries of it as they are now.
async fn read(
    registry: &Registry,
    history: &HistoryTable,
    candidates: Candidates,
    args: &Args,
) -> Result<Read> {
    let mut records =
        if history.is_on() { candidates.records(history, &args.event_id).await? } else { BTreeMap::new() };
    if let Some(shop) = &args.shop {
        records.retain(|_, records| records.iter().all(|record| record.envelope.shop == *shop));
    }
    let mut now = BTreeMap::new();
    for (id, item) in &candidates.webhooks {
        if records.contains_key(id) {
            now.extend(WebhookNow::load(registry, &item.webhook.key()).await?.map(|webhook| (*id, webhook)));
        }
    }
    Ok(Read { webhooks: candidates.webhooks, now, records })
}

/// What nobody can know.
fn notes(history: &HistoryTable, candidates: &Candidates) -> Vec<String> {
    let days = history.retention.deliveries().map(|kept| kept.as_hours() / 24);
    let kept = match days {
        Some(days) => format!(
            "Records of deliveries are kept for {days} days. Copies of a message end without a record, so an event that \
             was published twice under one id shows once."
        ),
        None => {
            "The history of this stack is off (HistoryDeliveryDays=0): nobody knows what was sent.".to_owned()
        }
    };
    let left_out = (candidates.left_out > 0).then(|| {
        format!(
            "{} webhooks that were deleted long ago were not looked at: name one with --webhook.",
            candidates.left_out
        )
    });
    [kept].into_iter().chain(left_out).collect()
}
