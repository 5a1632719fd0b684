//! The tenants, and what their endpoints do.

use std::collections::BTreeMap;

use storehook_domain::webhook::Protocol;

/// What the endpoints of a tenant do, or what befalls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They accept, within 80 to 300 ms.
    Healthy,
    /// The same; its webhooks subscribe by a pattern.
    Pattern,
    /// The same; the app pushes the events.
    Pushed,
    /// The same; it has many webhooks.
    Wide,
    /// The same; it has so many that an event is shared out as jobs.
    Widest,
    /// They accept, within seconds.
    Slow,
    /// They fail a third of all POSTs.
    Fails,
    /// They fail most POSTs: some deliveries die of it.
    Refuses,
    /// They are there for ten minutes, and away for ten.
    Flaps,
    /// Nobody listens for the first six hours.
    Outage,
    /// Nobody ever listens.
    Dead,
    /// They respond with 410.
    Gone,
    /// They respond to the first two POSTs of each delivery with 429.
    Busy,
    /// They are integrations that delay each delivery twice.
    Delays,
    /// Healthy, and paused in the middle.
    Paused,
    /// They fail most POSTs, and are deleted in the middle.
    Deleted,
    /// They fail most POSTs, and the app is uninstalled in the middle.
    Uninstalled,
}

impl Kind {
    /// The kinds of which there is one tenant, or as many as the seed wants. All others are healthy.
    pub const TROUBLED: [Self; 14] = [
        Self::Pattern,
        Self::Pushed,
        Self::Wide,
        Self::Slow,
        Self::Fails,
        Self::Refuses,
        Self::Flaps,
        Self::Outage,
        Self::Gone,
        Self::Busy,
        Self::Delays,
        Self::Paused,
        Self::Deleted,
        Self::Uninstalled,
    ];

    /// By which protocol its webhooks get deliveries.
    pub fn protocol(self) -> Protocol {
        if self == Self::Delays { Protocol::Integration } else { Protocol::Webhook }
    }

    /// Whether latency and order count.
    pub fn is_healthy(self) -> bool {
        matches!(self, Self::Healthy | Self::Pattern | Self::Pushed)
    }

    /// Whether it ends before the simulation does.
    pub fn ends(self) -> bool {
        matches!(self, Self::Deleted | Self::Uninstalled)
    }
}

/// A tenant: an app on a shop with its webhooks.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its number, from 1.
    pub number: u32,
    /// Its kind.
    pub kind: Kind,
    /// The URL of its endpoints, if they are on a socket.
    pub url: Option<String>,
    /// The numbers of its webhooks.
    pub webhooks: Vec<u32>,
    /// What signs its deliveries.
    pub secret: String,
    /// How often it is the one that publishes, compared with others.
    pub weight: f64,
}

/// How many tenants there are.
const TENANTS: u32 = 40;

/// From how many deliveries on there are a tenant of the widest kind and a dead one, which takes five
/// days to be disabled.
const LARGE_FROM: u64 = 20_000;

/// The tenants of a plan with so many deliveries.
pub fn all(deliveries: u64, random: &mut fastrand::Rng) -> Vec<Tenant> {
    let mut kinds = Kind::TROUBLED.to_vec();
    if deliveries >= LARGE_FROM {
        kinds.extend([Kind::Widest, Kind::Dead]);
    }
    while kinds.len() < TENANTS as usize {
        let is_troubled = random.f64() < 0.2;
        let index = random.usize(..Kind::TROUBLED.len());
        let kind = if is_troubled { Kind::TROUBLED[index] } else { Kind::Healthy };
        // A wide tenant has as many deliveries as all healthy ones.
        kinds.push(if kind == Kind::Wide { Kind::Healthy } else { kind });
    }
    let mut next = 1;
    let tenants = kinds.into_iter().zip(1..).map(|(kind, number)| {
        let width = match kind {
            Kind::Widest => 1_700,
            Kind::Wide => 40,
            _ => random.u32(1..=3),
        };
        let webhooks = (next..next + width).collect();
        next += width;
        let secret: String = std::iter::repeat_with(|| random.alphanumeric()).take(32).collect();
        Tenant { number, kind, url: None, webhooks, secret, weight: 1.0 / f64::from(width) }
    });
    tenants.collect()
}

/// The kind of each webhook's tenant, by the webhook's number.
pub fn kinds(tenants: &[Tenant]) -> BTreeMap<u32, Kind> {
    tenants.iter().flat_map(|tenant| tenant.webhooks.iter().map(|number| (*number, tenant.kind))).collect()
}

/// The tenant that publishes next. After the change in the middle, those that have ended do not.
pub fn next<'a>(tenants: &'a [Tenant], has_changed: bool, random: &mut fastrand::Rng) -> Option<&'a Tenant> {
    let takes_part = |tenant: &&Tenant| !(has_changed && tenant.kind.ends());
    let all: f64 = tenants.iter().filter(takes_part).map(|tenant| tenant.weight).sum();
    let mut at = random.f64() * all;
    let next = tenants.iter().filter(takes_part).find(|tenant| {
        at -= tenant.weight;
        at <= 0.0
    });
    next.or(tenants.first())
}
