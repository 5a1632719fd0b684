//! Verdicts: what an integration endpoint answers (Spree Integration Guide, "Message
//! Formats").
//!
//! The answer is JSON with the `event_id` that was sent and a `result`, one of `ok`, `fail`
//! and `delay` in any case, and may have `details`. What is anything else is no verdict,
//! and says which.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::event::id::EventId;

/// The wait of a `delay` that does not say one.
pub const DEFAULT_DELAY: Duration = Duration::from_secs(60);

/// The longest wait of one `delay`: what SQS lets a message be delayed (`DelaySeconds` ≤ 900).
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// An integration endpoint's word on a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What it decided.
    pub result: VerdictResult,
    /// What it says besides, as JSON.
    pub details: Option<String>,
}

/// What an integration endpoint decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictResult {
    /// It took the delivery.
    Ok,
    /// It did not.
    Fail,
    /// It wants it later.
    Delay(Duration),
}

/// Why an answer is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVerdict {
    /// No JSON object, or one that is longer than we read.
    #[error("the endpoint's answer is not a JSON object")]
    NotJson,
    /// It lacks the id, or has another one.
    #[error("the endpoint's answer has another event_id")]
    WrongEventId,
    /// It lacks a result, or has an unknown one.
    #[error("the endpoint's answer has no result of ok, fail or delay")]
    UnknownResult,
}

impl Verdict {
    /// Reads the verdict on a delivery of this event.
    pub fn parse(body: &[u8], event_id: &EventId) -> Result<Self, InvalidVerdict> {
        let answer: AnswerBody<'_> = serde_json::from_slice(body).map_err(|_| InvalidVerdict::NotJson)?;
        if text_of(answer.event_id).as_deref() != Some(event_id.as_str()) {
            return Err(InvalidVerdict::WrongEventId);
        }
        let details: Option<Value> =
            answer.details.and_then(|details| serde_json::from_str(details.get()).ok());
        let result = match text_of(answer.result).map(|result| result.to_ascii_lowercase()).as_deref() {
            Some("ok") => VerdictResult::Ok,
            Some("fail") => VerdictResult::Fail,
            Some("delay") => VerdictResult::Delay(wait_of(details.as_ref(), answer.delay)),
            _ => return Err(InvalidVerdict::UnknownResult),
        };
        let details = answer.details.map(|details| details.get().to_owned());
        Ok(Self { result, details: details.filter(|details| details != "null") })
    }
}

/// The answer's members, each still raw, so that one of another type is no worse than none.
#[derive(Deserialize)]
struct AnswerBody<'a> {
    #[serde(borrow)]
    event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
    #[serde(borrow)]
    delay: Option<&'a RawValue>,
}

fn text_of(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}

/// The wait that `details.delay` or `delay` asks for, in seconds: at least one, because the same
/// delivery at once is no delay.
fn wait_of(details: Option<&Value>, delay: Option<&RawValue>) -> Duration {
    let inner = details.and_then(|details| details.get("delay")).and_then(Value::as_f64);
    let outer = || serde_json::from_str::<f64>(delay?.get()).ok();
    match inner.or_else(outer) {
        Some(seconds) => Duration::from_secs_f64(seconds.clamp(1.0, LONGEST_DELAY.as_secs_f64())),
        None => DEFAULT_DELAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn verdict(body: &str) -> Result<Result<Verdict, InvalidVerdict>, Box<dyn std::error::Error>> {
        Ok(Verdict::parse(body.as_bytes(), &EventId::parse("e1")?))
    }

    #[test]
    fn a_verdict_is_ok_fail_or_delay_in_any_case() -> TestResult {
        for (result, expected) in [
            ("ok", VerdictResult::Ok),
            ("OK", VerdictResult::Ok),
            ("Fail", VerdictResult::Fail),
            ("DELAY", VerdictResult::Delay(DEFAULT_DELAY)),
        ] {
            let verdict = verdict(&format!(r#" {{"result": "{result}", "event_id": "e1", "more": []}} "#))?;
            assert_eq!(verdict, Ok(Verdict { result: expected, details: None }));
        }
        Ok(())
    }

    #[test]
    fn everything_else_says_what_is_wrong_with_it() -> TestResult {
        for (body, error) in [
            ("", InvalidVerdict::NotJson),
            ("ok", InvalidVerdict::NotJson),
            ("<ok/>", InvalidVerdict::NotJson),
            ("[]", InvalidVerdict::NotJson),
            ("null", InvalidVerdict::NotJson),
            (r#""ok""#, InvalidVerdict::NotJson),
            (r#"{"event_id": "e1", "result": "ok""#, InvalidVerdict::NotJson),
            (r#"{"event_id": "e1", "result": "ok"} x"#, InvalidVerdict::NotJson),
            (r#"{"event_id": "e1", "result": "ok", "result": "fail"}"#, InvalidVerdict::NotJson),
            ("{}", InvalidVerdict::WrongEventId),
            (r#"{"result": "ok"}"#, InvalidVerdict::WrongEventId),
            (r#"{"event_id": null, "result": "ok"}"#, InvalidVerdict::WrongEventId),
            (r#"{"event_id": 1, "result": "ok"}"#, InvalidVerdict::WrongEventId),
            (r#"{"event_id": "e2", "result": "ok"}"#, InvalidVerdict::WrongEventId),
            (r#"{"event_id": "E1", "result": "ok"}"#, InvalidVerdict::WrongEventId),
            (r#"{"event_id": "e1"}"#, InvalidVerdict::UnknownResult),
            (r#"{"event_id": "e1", "result": null}"#, InvalidVerdict::UnknownResult),
            (r#"{"event_id": "e1", "result": true}"#, InvalidVerdict::UnknownResult),
            (r#"{"event_id": "e1", "result": ""}"#, InvalidVerdict::UnknownResult),
            (r#"{"event_id": "e1", "result": "okay"}"#, InvalidVerdict::UnknownResult),
            (r#"{"event_id": "e1", "result": " ok"}"#, InvalidVerdict::UnknownResult),
            (r#"{"event_id": "e1", "result": ["ok"]}"#, InvalidVerdict::UnknownResult),
        ] {
            assert_eq!(verdict(body)?, Err(error), "{body}");
        }
        assert_eq!(
            Verdict::parse(b"{\"event_id\": \"\xff\"}", &EventId::parse("e1")?),
            Err(InvalidVerdict::NotJson)
        );
        Ok(())
    }

    #[test]
    fn a_delay_is_as_long_as_it_says_up_to_a_quarter_of_an_hour() -> TestResult {
        for (more, seconds) in [
            ("", 60.0),
            (r#", "delay": 120"#, 120.0),
            (r#", "details": {"delay": 120}"#, 120.0),
            (r#", "details": {"delay": 30}, "delay": 120"#, 30.0),
            (r#", "details": {"delay": "30"}, "delay": 120"#, 120.0),
            (r#", "details": "30", "delay": 120"#, 120.0),
            (r#", "details": {"delay": 2.5}"#, 2.5),
            (r#", "delay": "120""#, 60.0),
            (r#", "delay": null"#, 60.0),
            (r#", "delay": 0"#, 1.0),
            (r#", "delay": -5"#, 1.0),
            (r#", "delay": 900"#, 900.0),
            (r#", "delay": 901"#, 900.0),
            (r#", "delay": 1e300"#, 900.0),
        ] {
            let verdict = verdict(&format!(r#"{{"event_id": "e1", "result": "delay"{more}}}"#))?;
            let expected = VerdictResult::Delay(Duration::from_secs_f64(seconds));
            assert_eq!(verdict.map(|verdict| verdict.result), Ok(expected), "{more}");
        }
        Ok(())
    }

    #[test]
    fn details_are_kept_as_they_are() -> TestResult {
        for (details, kept) in [
            (r#""processed""#, Some(r#""processed""#)),
            (r#"{ "a": 1.0 }"#, Some(r#"{ "a": 1.0 }"#)),
            ("null", None),
        ] {
            let body = format!(r#"{{"event_id": "e1", "result": "ok", "details": {details}}}"#);
            assert_eq!(verdict(&body)?.map(|verdict| verdict.details), Ok(kept.map(str::to_owned)));
        }
        Ok(())
    }
}
