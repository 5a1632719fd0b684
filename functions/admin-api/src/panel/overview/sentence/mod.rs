//! How things are, in a sentence: for all webhooks together, and for one that needs somebody.

use jiff::Timestamp;
use storehook_domain::{
    history::{health::Health, state::DeliveryState},
    webhook::{Status, health::failure_run::DISABLED_AFTER},
    words::{
        number::{count, counted, deliveries},
        time::span,
    },
};

use crate::{
    deliveries::activity::{Activity, WebhookActivity},
    panel::webhooks::health::failing,
};

/// The sentence at the top of the panel.
pub(super) fn overview(activity: &Activity) -> String {
    let webhooks = &activity.webhooks;
    let number = |is: &dyn Fn(&WebhookActivity) -> bool| webhooks.iter().filter(|one| is(one)).count() as u64;
    let are = |health| number(&|one| one.health() == Some(health));
    let unread = number(&|one| one.health().is_none());
    let (disabled, paused) = (are(Health::Disabled), are(Health::Paused));
    let classes = [
        (disabled, "is disabled", "are disabled"),
        (are(Health::Failing), "is failing", "are failing"),
        (paused, "is paused", "are paused"),
    ];
    let all = webhooks.len() as u64;
    if all == 0 {
        return "No webhooks yet".to_owned();
    }
    if !activity.is_recorded {
        let active = [(all - disabled - paused, "is active", "are active")];
        let listed = listed(classes.into_iter().chain(active));
        return format!("{listed}. How deliveries end is not known, because no history is kept.");
    }
    let lost = [DeliveryState::Held, DeliveryState::Dead].map(|state| (state, activity.total.of(state)));
    let lost: Vec<_> = lost
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(state, number)| format!("{} {}", are_deliveries(number), state.as_str()))
        .collect();
    if lost.is_empty() && are(Health::Working) == all {
        return match all {
            1 => "Your webhook is taking deliveries.".to_owned(),
            all => format!("All {} webhooks are taking deliveries.", count(all)),
        };
    }
    if activity.total.total() == 0 && are(Health::Idle) == all {
        return "No deliveries yet in this time.".to_owned();
    }
    let others = [
        (are(Health::Working), "is working", "are working"),
        (are(Health::Idle), "has nothing to deliver", "have nothing to deliver"),
        (unread, "was not looked at", "were not looked at"),
    ];
    let listed = listed(classes.into_iter().chain(others));
    let lost = if lost.is_empty() { String::new() } else { format!("; {}", lost.join(", ")) };
    format!("{listed}{lost}.")
}

/// `1 webhook is failing, 2 are working`: the classes that have webhooks.
fn listed(classes: impl Iterator<Item = (u64, &'static str, &'static str)>) -> String {
    let mut texts: Vec<String> = Vec::new();
    for (number, one, many) in classes.filter(|(number, ..)| *number > 0) {
        let whose = if texts.is_empty() { counted(number, "webhook", "webhooks") } else { count(number) };
        texts.push(format!("{whose} {}", if number == 1 { one } else { many }));
    }
    texts.join(", ")
}

/// Why somebody should look at a webhook, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// It is disabled.
    Disabled,
    /// Its breaker is open.
    Open,
    /// Most of its deliveries fail.
    Failing,
    /// It is paused, and deliveries wait.
    Paused,
    /// Some of its deliveries failed at every attempt.
    Dead,
    /// Deliveries wait from a pause.
    Held,
}

/// What is wrong with a webhook; `None` if nothing is.
pub(super) fn need(one: &WebhookActivity, now: Timestamp) -> Option<(Need, String)> {
    let number = |state| one.stats.as_ref().map_or(0, |stats| stats.of(state));
    let [held, dead, retrying] =
        [DeliveryState::Held, DeliveryState::Dead, DeliveryState::Retrying].map(number);
    let are_held = if held > 0 { format!(" {} held.", are_deliveries(held)) } else { String::new() };
    let them = |number| if number == 1 { "it" } else { "them" };
    let then = if held > 0 { format!(", then replay {}", them(held)) } else { String::new() };
    let are_dead = format!("{} failed at every attempt", deliveries(dead));
    match one.webhook.status {
        Status::Disabled => {
            let why = format!("Every delivery failed for {}", span(DISABLED_AFTER));
            let text = format!(
                "{why}, or its endpoint answered 410 Gone.{are_held} Mend the endpoint, and resume it{then}."
            );
            Some((Need::Disabled, text))
        }
        Status::Active if one.endpoint.is_failing() => Some((Need::Open, failing(&one.endpoint, None, now)?)),
        Status::Active if one.health() == Some(Health::Failing) => {
            let waiting = format!("{} failed and will be tried again", deliveries(retrying));
            let text = match (dead, retrying) {
                (0, _) => format!("{waiting}."),
                (_, 0) => format!("{are_dead}. Mend the endpoint, then replay {}.", them(dead)),
                _ => format!("{are_dead}, and {waiting}. Mend the endpoint, then replay what is dead."),
            };
            Some((Need::Failing, text))
        }
        Status::Paused if held > 0 => {
            let text = format!("It is paused, and {} held. Resume it{then}.", are_deliveries(held));
            Some((Need::Paused, text))
        }
        Status::Active if dead > 0 => Some((Need::Dead, format!("{are_dead}. Replay {}.", them(dead)))),
        // They come by themselves.
        Status::Active if held > 0 && one.endpoint.is_catching_up => None,
        Status::Active if held > 0 => {
            let text = format!("{} held from a pause. Replay {}.", are_deliveries(held), them(held));
            Some((Need::Held, text))
        }
        Status::Active | Status::Paused => None,
    }
}

/// `1 delivery is`, `2 deliveries are`.
fn are_deliveries(number: u64) -> String {
    format!("{} {}", deliveries(number), if number == 1 { "is" } else { "are" })
}

#[cfg(test)]
pub(super) mod tests;
