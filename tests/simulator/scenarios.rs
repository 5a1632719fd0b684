//! The scenarios: who publishes at what rate, and what endpoints do. Rates are those before scaling.
//!
//! Every scenario has [`TENANTS`] tenants: those in trouble, and healthy ones for the rest. Its
//! baseline is the same without the trouble: all tenants are healthy, under the same outage.

use std::{ops::Range, time::Duration};

use storehook_domain::webhook::Protocol;

use crate::{
    behaviour::Behaviour,
    faults::{Fault, Rates},
};

/// How many tenants there are: installations of an app on a shop.
pub(crate) const TENANTS: usize = 50;

/// What a healthy tenant publishes a second.
const HEALTHY_RATE: f64 = 2.0;

/// A scenario.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// The first cell of its row in the tables.
    pub(crate) title: &'static str,
    /// The tenants in trouble.
    pub(crate) trouble: Option<Trouble>,
    /// When AWS's pollers stop, counted from the beginning.
    pub(crate) outage: Option<Range<Duration>>,
    pub(crate) faults: Rates,
}

/// Tenants in trouble.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) tenants: usize,
    pub(crate) group: Group,
}

/// Tenants of one kind: how each publishes, and what its endpoint does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// What each of them publishes a second.
    pub(crate) per_second: f64,
    /// How many events each of them publishes at the beginning.
    pub(crate) burst: usize,
    /// How many webhooks each of them has, scaled like a rate.
    pub(crate) webhooks: f64,
    pub(crate) behaviour: Behaviour,
    pub(crate) protocol: Protocol,
    /// Whether the app pushes the events.
    pub(crate) is_pushed: bool,
}

impl Group {
    /// Tenants with one webhook each.
    const fn of(per_second: f64, behaviour: Behaviour) -> Self {
        let protocol = match behaviour {
            Behaviour::Delays => Protocol::Integration,
            _ => Protocol::Webhook,
        };
        Self { per_second, burst: 0, webhooks: 1.0, behaviour, protocol, is_pushed: false }
    }

    /// A healthy tenant.
    pub(crate) const HEALTHY: Self = Self::of(HEALTHY_RATE, Behaviour::Healthy);
}

impl Scenario {
    const fn of(name: &'static str, title: &'static str, trouble: Option<Trouble>) -> Self {
        Self { name, title, trouble, outage: None, faults: Rates::NONE }
    }

    /// The same scenario with all tenants healthy.
    pub(crate) fn alone(&self) -> Self {
        Self { trouble: None, ..self.clone() }
    }

    /// What each tenant is, those in trouble first.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = (&Group, bool)> {
        let troubled = self.trouble.iter().flat_map(|trouble| vec![(&trouble.group, true); trouble.tenants]);
        troubled.chain(std::iter::repeat((&Group::HEALTHY, false))).take(TENANTS)
    }
}

const fn tenants(tenants: usize, group: Group) -> Option<Trouble> {
    Some(Trouble { tenants, group })
}

/// All scenarios, in the order of the tables.
pub(crate) fn all() -> Vec<Scenario> {
    const HOUR: Duration = Duration::from_secs(3_600);
    let dead = |per_second| Group::of(per_second, Behaviour::Dead);
    // The quota is 1,000 events at once and 50 a second; with 1,000 webhooks an event counts a
    // hundred times.
    let pusher =
        Group { webhooks: 1_000.0, burst: 10, is_pushed: true, ..Group::of(0.5, Behaviour::Healthy) };
    let lossy = Rates::NONE.with(Fault::Untaken, 0.01).with(Fault::JobLost, 0.2).with(Fault::Killed, 0.01);
    vec![
        Scenario::of("dead", "one endpoint is dead, 300/s", tenants(1, dead(300.0))),
        Scenario::of("dead-40", "40 endpoints are dead, 10/s each", tenants(40, dead(10.0))),
        Scenario::of(
            "fails-part",
            "one fails 5 % of 100/s",
            tenants(1, Group::of(100.0, Behaviour::FailsPart(0.05))),
        ),
        Scenario::of(
            "tarpit",
            "a tarpit accepts in 4.9 s, 400/s",
            tenants(1, Group::of(400.0, Behaviour::Accepts(Duration::from_millis(4_900)))),
        ),
        Scenario::of(
            "delays",
            "an integration says `delay` for ever, 10/s",
            tenants(1, Group::of(10.0, Behaviour::Delays)),
        ),
        Scenario::of("pushes", "an app with 1,000 webhooks pushes at its limit", tenants(1, pusher)),
        Scenario {
            outage: Some(HOUR..6 * HOUR),
            ..Scenario::of(
                "outage",
                "one endpoint is dead, 100/s; AWS's pollers stop for 5 hours",
                tenants(1, dead(100.0)),
            )
        },
        Scenario::of(
            "retry-after",
            "one answers 429 with `Retry-After: 43200`, 100/s",
            tenants(1, Group::of(100.0, Behaviour::AsksFor("43200"))),
        ),
        Scenario::of(
            "flaps",
            "one is up and down for 10 minutes each, 100/s",
            tenants(1, Group::of(100.0, Behaviour::Flaps(Duration::from_secs(600)))),
        ),
        Scenario {
            faults: lossy,
            ..Scenario::of(
                "lossy",
                "one is dead, 100/s; a fifth of the jobs is lost, 1 % of all invocations crash",
                tenants(1, dead(100.0)),
            )
        },
    ]
}
