//! The limit of pushed events: a leaky bucket for each installation, in its token's item of the
//! registry, beside the one of its calls.
//!
//! What an event costs depends on the number of the installation's webhooks ([`PushQuota`]). The
//! request has read the token's item, so the number is kept there, too. When it is older than
//! [`SEEN_FOR`], a push reads it anew from the installation and writes it with the bucket. So a push
//! costs one write more than other calls, and one read a minute.
//!
//! Events are poured into the bucket before they are put onto the stream. They stay poured if the
//! stream does not take them: a client that cannot be served must not come back faster.

use jiff::{SignedDuration, Timestamp};
use storehook_aws::{
    registry::{TokenItem, WebhooksSeen},
    table,
};
use storehook_domain::{event::push_quota::PushQuota, input::field_errors::FieldErrors};

use crate::{
    error::ApiError,
    http::{
        bucket::{Bucket, Buckets, Count, Owner},
        caller::Caller,
    },
    quotas::webhooks::WebhookCounts,
};

/// How old the number of webhooks may be.
const SEEN_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Counts the events that installations push.
#[derive(Clone)]
pub(crate) struct PushLimit {
    pub(crate) buckets: Buckets,
    pub(crate) webhooks: WebhookCounts,
    /// `None` if events are not limited.
    pub(crate) quota: Option<PushQuota>,
}

impl PushLimit {
    /// Counts the caller's events, or refuses them all.
    pub(crate) async fn count(&self, caller: &Caller, events: usize, now: Timestamp) -> Result<(), ApiError> {
        let Some(quota) = self.quota else { return Ok(()) };
        let known = caller.pushed.webhooks.filter(|seen| {
            let age = now.as_microsecond().saturating_sub(seen.at);
            SignedDuration::from_micros(age) < SEEN_FOR
        });
        let (seen, beside) = match known {
            Some(seen) => (seen, None),
            None => {
                let webhooks = self.webhooks.number(caller).await?.ok_or(ApiError::Unauthorized)?;
                let seen = WebhooksSeen { webhooks, at: now.as_microsecond() };
                (seen, Some(("webhooks_seen", table::to_value(seen)?)))
            }
        };
        let drops = quota.drops(events, seen.webhooks);
        let drops =
            drops.map_err(|refusal| ApiError::Invalid(FieldErrors::one("events", refusal.to_string())))?;
        let bucket = Bucket {
            key: TokenItem::key_of(&caller.token),
            member: "push_bucket_empty_at",
            limit: quota.bucket(),
            drops,
            beside,
            owner: Owner::Another,
        };
        match self.buckets.count(&bucket, caller.pushed.empty_at, now).await? {
            Count::Unlimited | Count::Admitted { .. } => Ok(()),
            Count::Full { seconds, .. } => Err(ApiError::TooManyEvents { seconds }),
            Count::Gone => Err(ApiError::Unauthorized),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};
    use storehook_aws::{
        registry::{TokenItem, WebhooksSeen},
        stand_in::json_of,
    };
    use storehook_domain::installation::token::TokenHash;

    use crate::stand_in::{Api, TestResult, installation};

    /// How long a bucket takes to leak a drop, in microseconds.
    const DROP: i64 = 20_000;

    /// An API that limits pushes to 1,000 at once and 50 a second. Its token has pushed before.
    async fn api(
        seen: Option<(u64, i64)>,
        webhooks: u64,
        drops: i64,
    ) -> Result<Api, Box<dyn std::error::Error>> {
        let api = Api::start().await?;
        let now = storehook_aws::now().as_microsecond();
        let token = TokenHash::of("shtk_t");
        let mut item = TokenItem::of(&token, &installation()?);
        item.push_bucket_empty_at = Some(now + drops * DROP);
        item.webhooks_seen =
            seen.map(|(webhooks, seconds)| WebhooksSeen { webhooks, at: now - seconds * 1_000_000 });
        api.put(item)?;
        let mut installation = api.item("INSTALLATION").ok_or("no installation")?;
        installation["webhook_count"] = json!({"N": webhooks.to_string()});
        api.put_json(installation);
        Ok(api)
    }

    fn events(count: usize) -> Value {
        let event = |index| json!({"topic": "orders/create", "payload": {"id": index}});
        json!({"events": (0..count).map(event).collect::<Vec<_>>()})
    }

    #[tokio::test]
    async fn events_are_poured_by_the_number_of_webhooks_that_was_last_seen() -> TestResult {
        for (seen, webhooks, count, drops, reads) in [
            (Some((5, 1)), 500, 3, 3, 1),
            (Some((500, 30)), 5, 3, 150, 1),
            (Some((5, 90)), 500, 3, 150, 2),
            (None, 11, 3, 6, 2),
            (None, 0, 1, 1, 2),
        ] {
            let api = api(seen, webhooks, 700).await?;
            let (status, ..) = api.send("POST /events", events(count)).await?;
            assert_eq!(status, StatusCode::ACCEPTED);
            assert_eq!(api.calls("GetItem").len(), reads, "{seen:?}");
            let [pour] = &api.calls("UpdateItem")[..] else { return Err("one write".into()) };
            assert_eq!(pour["ExpressionAttributeNames"]["#empty_at"], "push_bucket_empty_at");
            let values = &pour["ExpressionAttributeValues"];
            assert_eq!(values[":micros"], json!({"N": (drops * DROP).to_string()}), "{seen:?}");
            let is_kept = pour["UpdateExpression"].as_str().is_some_and(|set| set.contains(":beside"));
            assert_eq!(is_kept, reads == 2, "what was read is kept");
            let kept = is_kept.then(|| webhooks.to_string());
            assert_eq!(values[":beside"]["M"]["webhooks"]["N"].as_str(), kept.as_deref());
        }
        Ok(())
    }

    #[tokio::test]
    async fn events_that_do_not_fit_now_or_ever_are_refused_and_not_put() -> TestResult {
        let told =
            "[API] Too many pushed events of this app on this shop. Push again after the time in Retry-After";
        let never =
            json!({"events": ["must be at most 10 events at once, with the 1000 webhooks of this app"]});
        for (webhooks, drops, count, status, errors) in [
            (1, 3_000, 1, StatusCode::TOO_MANY_REQUESTS, json!(told)),
            (10_000, 500, 1, StatusCode::TOO_MANY_REQUESTS, json!(told)),
            (1_000, 0, 11, StatusCode::UNPROCESSABLE_ENTITY, never),
        ] {
            let api = api(Some((webhooks, 1)), webhooks, drops).await?;
            let (refused, headers, body) = api.send("POST /events", events(count)).await?;
            assert_eq!((refused, &body["errors"]), (status, &errors));
            let waits = headers.get("retry-after").is_some_and(|value| value != "0");
            assert_eq!(waits, status == StatusCode::TOO_MANY_REQUESTS);
            assert_eq!((api.calls("UpdateItem").len(), api.calls("PutRecords").len()), (0, 0));
        }
        Ok(())
    }

    /// Two pushes that saw the same bucket are both poured.
    #[tokio::test]
    async fn a_push_that_another_one_overtook_looks_at_the_bucket_again() -> TestResult {
        let api = api(Some((1, 1)), 1, 0).await?;
        let now = storehook_aws::now().as_microsecond();
        let mut item = TokenItem::of(&TokenHash::of("shtk_t"), &installation()?);
        item.push_bucket_empty_at = Some(now + 3_000 * DROP);
        api.refuse("UpdateItem", json_of(item)?);
        let (status, ..) = api.send("POST /events", events(1)).await?;
        assert_eq!((status, api.calls("UpdateItem").len()), (StatusCode::TOO_MANY_REQUESTS, 1));
        assert!(api.calls("PutRecords").is_empty());
        Ok(())
    }

    #[tokio::test]
    async fn a_quota_of_zero_is_no_quota() -> TestResult {
        for setting in ["PUSH_BURST", "PUSH_PER_SECOND"] {
            let api = Api::with(&[("RATE_LIMIT_BURST", "0"), (setting, "0")]).await?;
            let (status, ..) = api.send("POST /events", events(500)).await?;
            assert_eq!(status, StatusCode::ACCEPTED);
            assert_eq!((api.calls("GetItem").len(), api.calls("UpdateItem").len()), (1, 0));
        }
        Ok(())
    }

    #[tokio::test]
    async fn an_app_that_was_uninstalled_meanwhile_pushes_nothing() -> TestResult {
        let api = Api::start().await?;
        api.take("INSTALLATION");
        let (status, ..) = api.send("POST /events", events(1)).await?;
        assert_eq!((status, api.calls("PutRecords").len()), (StatusCode::UNAUTHORIZED, 0));
        Ok(())
    }
}
