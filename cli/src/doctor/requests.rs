//! The requests that a doctor sends: test events, built by the code that builds deliveries.
//!
//! All of them are of one event. So the second one with a right signature is a duplicate, and those
//! that must be refused hold nothing new if they are taken.

use anyhow::Result;
use jiff::{Timestamp, ToSpan as _};
use storehook_domain::{
    delivery::{
        message::DeliveryMessage,
        request::{DeliveryRequest, UnbuildableRequest, platform::Platform},
        test_event::test_delivery,
    },
    event::{
        id::EventId,
        topic::{Topic, TopicPattern},
    },
    installation::{Installation, app::AppId, secret::SharedSecret, shop::ShopDomain},
    webhook::{
        Format, Protocol, Webhook, WebhookId, WebhookKey, address::Address, header_prefix::HeaderPrefix,
    },
};

/// Which request to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With right signatures.
    Right,
    /// With the signatures of another secret.
    Wrong,
    /// Without any signature.
    Unsigned,
    /// With right signatures of a day ago.
    Old,
}

/// A webhook that exists only here, with the installation that it would belong to.
pub struct TestWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// The installation, with the receiver's secret.
    pub installation: Installation,
    /// How the platform's headers begin.
    pub platform: Platform,
    /// Another secret, which the receiver does not know.
    pub other: SharedSecret,
}

/// What a test webhook has besides its address and its secret.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// How its endpoint is to respond.
    pub protocol: Protocol,
    /// The format of the bodies.
    pub format: Format,
    /// The topic of the events; `None` is orders/create.
    pub topic: Option<Topic>,
    /// How the platform's headers begin.
    pub header_prefix: HeaderPrefix,
}

impl TestWebhook {
    /// A webhook at this address, whose deliveries this secret signs. The other one must be unknown to
    /// its receiver.
    ///
    /// # Errors
    ///
    /// Never: its names are constants.
    pub fn new(address: Address, secret: SharedSecret, other: SharedSecret, shape: Shape) -> Result<Self> {
        let (shop, app) = (ShopDomain::parse("doctor.example")?, AppId::parse("storehook-doctor")?);
        let topic = shape.topic.as_ref().map_or("orders/create", Topic::as_str);
        let key = WebhookKey { id: WebhookId::new(1), shop: shop.clone(), app: app.clone() };
        let webhook = Webhook::new(key, TopicPattern::parse(topic)?, address, Timestamp::UNIX_EPOCH);
        let installation = Installation {
            shop,
            app,
            store_id: "00000000-0000-0000-0000-000000000000".to_owned(),
            time_zone: "UTC".to_owned(),
            scopes: Vec::new(),
            secrets: vec![secret.into()],
            uninstalled_at: None,
        };
        Ok(Self {
            webhook: Webhook { protocol: shape.protocol, format: shape.format, ..webhook },
            installation,
            platform: Platform { header_prefix: shape.header_prefix, ..Platform::default() },
            other,
        })
    }

    /// The request of this kind, of an event with this id.
    ///
    /// # Errors
    ///
    /// As in [`DeliveryRequest::build`].
    pub fn request(
        &self,
        kind: Kind,
        event_id: &EventId,
        now: Timestamp,
    ) -> Result<DeliveryRequest<'static>, UnbuildableRequest> {
        let message = test_delivery(&self.webhook, event_id.clone(), now);
        let installation = match kind {
            Kind::Wrong => {
                &Installation { secrets: vec![self.other.clone().into()], ..self.installation.clone() }
            }
            Kind::Right | Kind::Unsigned | Kind::Old => &self.installation,
        };
        let at = if kind == Kind::Old { now - 24.hours() } else { now };
        let mut request = self.build(&message, installation, at)?;
        if kind == Kind::Unsigned {
            let prefix = &self.platform.header_prefix;
            for name in [&prefix.name("HMAC-SHA256"), "X-Spiffy-HMAC-SHA256", "webhook-signature"] {
                request.headers.remove(name);
            }
        }
        Ok(request)
    }

    fn build(
        &self,
        message: &DeliveryMessage<'static>,
        installation: &Installation,
        at: Timestamp,
    ) -> Result<DeliveryRequest<'static>, UnbuildableRequest> {
        DeliveryRequest::build(message, &self.webhook, installation, &self.platform, at)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use storehook_domain::delivery::signature::{verify_body_signature, verify_standard_signatures};

    use super::*;

    #[test]
    fn only_the_right_request_is_signed_right_and_now() -> Result<()> {
        let secret = SharedSecret::parse(&"a".repeat(32))?;
        let (address, other) = ("https://a.example/".parse()?, SharedSecret::parse(&"b".repeat(32))?);
        let patient = TestWebhook::new(address, secret.clone(), other, Shape::default())?;
        let now: Timestamp = "2026-11-21T15:00:00Z".parse()?;
        let event_id = EventId::parse("doctor-1")?;
        for (kind, is_signed, is_now) in [
            (Kind::Right, true, true),
            (Kind::Wrong, false, true),
            (Kind::Unsigned, false, true),
            (Kind::Old, true, false),
        ] {
            let request = patient.request(kind, &event_id, now)?;
            let header = |name: &str| {
                request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
            };
            let body = request.body.as_bytes();
            let timestamp = header("webhook-timestamp");
            let (id, signature) = (header("webhook-id"), header("webhook-signature"));
            let standard = verify_standard_signatures(&secret, id, timestamp, body, signature);
            let family = verify_body_signature(&secret, body, header("x-spiffy-stores-hmac-sha256"));
            assert_eq!((standard, family), (is_signed, is_signed), "{kind:?}");
            let signed_at: i64 = timestamp.parse().context("no time")?;
            assert_eq!(signed_at == now.as_second(), is_now, "{kind:?}");
            assert_eq!(header("x-spiffy-stores-test"), "true");
            assert_eq!(header("webhook-signature").is_empty(), kind == Kind::Unsigned);
        }
        Ok(())
    }
}
