//! What a redrive prints: a line or a table, or JSON with the same facts; and an error if something is
//! left undone.

use std::fmt;

use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use storehook_domain::{
    installation::{app::AppId, shop::ShopDomain},
    webhook::WebhookId,
};

use super::summary::Summary;
use crate::{
    drain::{source::HIDDEN_MINUTES, taken::End},
    table::{Column::*, table},
    time,
};

impl Summary {
    /// Fails if something was left undone, and says what.
    pub fn check(&self) -> Result<()> {
        let mut complaints = Vec::new();
        let reason = self.refusal.as_deref().unwrap_or("no reason was given");
        if self.unsent > 0 {
            let unsent = counted(self.unsent, "dead letter");
            complaints.push(format!("{unsent} could not be sent again and stay in the queue: {reason}"));
        }
        if self.undeleted > 0 {
            let undeleted = counted(self.undeleted, "dead letter");
            complaints.push(format!(
                "{undeleted} could not be deleted after the send; the next redrive sends them again, \
                 in the same run: {reason}"
            ));
        }
        let unshown = self.unshown.as_deref();
        complaints.extend(self.end.complaints(
            "run the redrive again for the rest",
            "SQS took no message",
            unshown,
        ));
        if complaints.is_empty() { Ok(()) } else { bail!(complaints.join("; ")) }
    }

    fn write_table(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.found.iter().map(|(id, found)| {
            let oldest = time::short(found.oldest);
            [id.to_string(), found.shop.to_string(), found.app.to_string(), found.count.to_string(), oldest]
        });
        let columns = [Right("webhook"), Left("shop"), Left("app"), Right("dead letters"), Left("oldest")];
        writeln!(formatter, "{}", table(columns, rows))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // If it ended early, there may be more.
        let least = if self.end == End::Complete { "" } else { "at least " };
        if self.is_dry_run {
            if !self.found.is_empty() {
                self.write_table(formatter)?;
            }
            let found = counted(self.found(), "dead letter");
            write!(formatter, "would redrive {least}{found}; {least}{} would be left", self.left)?;
        } else {
            write!(
                formatter,
                "redrove {}; {least}{} left",
                counted(self.redriven, "dead letter"),
                self.left
            )?;
        }
        if self.of_other_webhooks > 0 {
            write!(formatter, "\n  of other webhooks: {}", self.of_other_webhooks)?;
        }
        if self.later > 0 {
            write!(formatter, "\n  queued since this redrive began: {}", self.later)?;
        }
        for id in &self.no_deliveries {
            write!(formatter, "\n  no delivery: message {id}")?;
        }
        if self.hidden > 0 {
            write!(
                formatter,
                "\nabout {} more were hidden by another redrive, which still works or was killed; \
                 run it again in {HIDDEN_MINUTES} minutes",
                self.hidden
            )?;
        }
        Ok(())
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            webhook_id: WebhookId,
            shop: &'a ShopDomain,
            app: &'a AppId,
            dead_letters: usize,
            oldest: Timestamp,
        }
        let rows = self.found.iter().map(|(id, found)| Row {
            webhook_id: *id,
            shop: &found.shop,
            app: &found.app,
            dead_letters: found.count,
            oldest: found.oldest,
        });
        let mut fields = serializer.serialize_struct("Summary", 11)?;
        fields.serialize_field("dry_run", &self.is_dry_run)?;
        fields.serialize_field("end", &self.end)?;
        fields.serialize_field("found", &rows.collect::<Vec<_>>())?;
        fields.serialize_field("redriven", &self.redriven)?;
        fields.serialize_field("unsent", &self.unsent)?;
        fields.serialize_field("undeleted", &self.undeleted)?;
        fields.serialize_field("left", &self.left)?;
        fields.serialize_field("of_other_webhooks", &self.of_other_webhooks)?;
        fields.serialize_field("later", &self.later)?;
        fields.serialize_field("no_deliveries", &self.no_deliveries)?;
        fields.serialize_field("hidden", &self.hidden)?;
        fields.end()
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use storehook_domain::delivery::message::DeliveryMessage;

    use super::*;
    use crate::redrive::stand_in::dead_letter;
    use crate::redrive::summary::Found;

    fn found(letters: &[(u64, &str)]) -> Result<BTreeMap<WebhookId, Found>> {
        let mut summary = Summary::default();
        for (webhook_id, enqueued_at) in letters {
            summary.find(&DeliveryMessage::parse(dead_letter(*webhook_id, "e", enqueued_at).as_bytes())?);
        }
        Ok(summary.found)
    }

    #[test]
    fn a_dry_run_prints_a_table() -> Result<()> {
        let letters =
            [(7, "2026-11-21T15:00:00.5Z"), (7, "2026-11-19T15:00:00Z"), (12, "2026-11-20T15:00:00Z")];
        let summary = Summary {
            is_dry_run: true,
            found: found(&letters)?,
            left: 2,
            later: 1,
            no_deliveries: vec!["m-1".to_owned()],
            ..Summary::default()
        };
        let expected = "\
webhook  shop       app   dead letters  oldest
      7  a.example  demo             2  2026-11-19T15:00:00Z
     12  a.example  demo             1  2026-11-20T15:00:00Z
would redrive 3 dead letters; 2 would be left
  queued since this redrive began: 1
  no delivery: message m-1";
        assert_eq!(summary.to_string(), expected);
        let json = serde_json::to_value(&summary)?;
        let first = serde_json::json!({
            "webhook_id": 7, "shop": "a.example", "app": "demo", "dead_letters": 2,
            "oldest": "2026-11-19T15:00:00Z",
        });
        assert_eq!((&json["found"][0], &json["left"], &json["later"]), (&first, &2.into(), &1.into()));
        assert_eq!((&json["dry_run"], &json["end"]), (&true.into(), &"complete".into()));
        Ok(())
    }

    #[test]
    fn a_redrive_prints_a_line_and_fails_if_something_is_left_undone() {
        let complete =
            Summary { redriven: 1, left: 5, of_other_webhooks: 5, hidden: 2, ..Summary::default() };
        let expected = "redrove 1 dead letter; 5 left\n  of other webhooks: 5\nabout 2 more were hidden by another redrive";
        assert!(complete.to_string().starts_with(expected), "{complete}");
        assert!(complete.check().is_ok());
        let interrupted = Summary { end: End::Interrupted, ..complete.clone() };
        assert!(interrupted.to_string().starts_with("redrove 1 dead letter; at least 5 left"));
        let refusal = Some("AccessDenied".to_owned());
        for (summary, expected) in [
            (
                Summary { unsent: 2, refusal: refusal.clone(), ..complete.clone() },
                "2 dead letters could not be sent again and stay in the queue: AccessDenied",
            ),
            (
                Summary { undeleted: 1, refusal, end: End::InVain, ..complete.clone() },
                "1 dead letter could not be deleted after the send; the next redrive sends them again, \
                 in the same run: AccessDenied; gave up, because SQS took no message",
            ),
            (
                Summary { end: End::Interrupted, ..complete.clone() },
                "interrupted: run the redrive again for the rest",
            ),
            (
                Summary { end: End::TooManyHidden, ..complete.clone() },
                "so many messages stay that SQS shows no others: there may be more",
            ),
            (
                Summary { unshown: Some("no route".to_owned()), ..complete },
                "messages that stayed may be hidden for 15 minutes: no route",
            ),
        ] {
            assert_eq!(
                summary.check().map_err(|error| error.to_string()),
                Err(expected.to_owned()),
                "{summary:?}"
            );
        }
    }
}
