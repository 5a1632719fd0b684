//! States: an icon, a word and a colour, in that order of importance.

use maud::{Markup, html};

use crate::panel::look::icon::Icon;

/// The state of a delivery or a replay, or the status of a webhook, by its name in the API. The name
/// is also the class of its colour in `panel.css`. `failing` is an active webhook's state.
pub(crate) fn state(name: &str) -> Markup {
    let colour = if name == "failing" { "dead" } else { name };
    html! { span class={ "state " (colour) } { (icon(name).draw()) (name) } }
}

fn icon(name: &str) -> Icon {
    match name {
        "delivered" | "active" | "done" => Icon::Check,
        "retrying" | "running" => Icon::Turn,
        "held" | "paused" => Icon::Pause,
        "dead" | "disabled" | "failing" => Icon::Cross,
        "cancelled" | "stopped" => Icon::Dash,
        _ => Icon::Dots,
    }
}

#[cfg(test)]
mod tests {
    use storehook_domain::{
        history::state::DeliveryState, job::replay::record::ReplayStatus, webhook::Status,
    };

    use super::*;

    #[test]
    fn every_state_but_pending_has_an_icon_of_its_own_kind() {
        let states = DeliveryState::ALL.map(DeliveryState::as_str).into_iter();
        let statuses = Status::ALL.map(Status::as_str).into_iter();
        let replays = ReplayStatus::ALL.map(ReplayStatus::as_str).into_iter();
        for name in states.chain(statuses).chain(replays) {
            assert_eq!(icon(name) == Icon::Dots, name == "pending", "{name}");
            assert!(state(name).into_string().contains(&format!("</svg>{name}</span>")), "{name}");
        }
    }
}
