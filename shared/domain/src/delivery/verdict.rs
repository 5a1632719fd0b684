//! Verdicts: the responses of integration endpoints (Spree Integration Guide, "Message Formats").
//!
//! A verdict is a JSON object. It has the `event_id` that was sent and a `result`: `ok`, `fail` or
//! `delay`, in any case. It may have `details`, and a byte order mark before it, as some frameworks
//! write. Any other body is an [`InvalidVerdict`], which says what is wrong.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{event::id::EventId, input::byte_order_mark::without_byte_order_mark};

/// The wait of a `delay` that does not name one.
pub const DEFAULT_DELAY: Duration = Duration::from_secs(60);

/// The longest wait of one `delay`: SQS delays a message by no more (`DelaySeconds` ≤ 900).
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// An integration endpoint's verdict on a delivery.
///
/// ```
/// use storehook_domain::{
///     delivery::verdict::{InvalidVerdict, Verdict, VerdictResult},
///     event::id::EventId,
/// };
///
/// let id = EventId::parse("e1")?;
/// let verdict = Verdict::parse(br#"{"event_id": "e1", "result": "OK"}"#, &id);
/// assert_eq!(verdict, Ok(Verdict { result: VerdictResult::Ok, details: None }));
/// let verdict = Verdict::parse(br#"{"event_id": "e1", "result": "done"}"#, &id);
/// assert_eq!(verdict, Err(InvalidVerdict::UnknownResult));
/// # Ok::<_, storehook_domain::event::id::InvalidEventId>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub result: VerdictResult,
    /// The endpoint's `details`, as JSON.
    pub details: Option<String>,
}

/// The decision of an integration endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictResult {
    /// The endpoint took the delivery.
    Ok,
    /// The endpoint did not take the delivery.
    Fail,
    /// The endpoint wants the delivery later, after this wait.
    Delay(Duration),
}

/// Why a response is not a verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVerdict {
    /// The body is not a JSON object, or is longer than the sender reads.
    #[error("the endpoint's response is not a JSON object, or is over 16 KiB")]
    NotJson,
    /// The id is missing, or is another event's.
    #[error("the endpoint's response has another event_id")]
    WrongEventId,
    /// The result is missing, or is unknown.
    #[error("the endpoint's response has no result of ok, fail or delay")]
    UnknownResult,
}

impl Verdict {
    /// Reads the verdict on a delivery of this event.
    ///
    /// # Errors
    ///
    /// The body is not a verdict, or is a verdict on another event.
    pub fn parse(body: &[u8], event_id: &EventId) -> Result<Self, InvalidVerdict> {
        let body = without_byte_order_mark(body);
        let response: ResponseBody<'_> = serde_json::from_slice(body).map_err(|_| InvalidVerdict::NotJson)?;
        if text_of(response.event_id).as_deref() != Some(event_id.as_str()) {
            return Err(InvalidVerdict::WrongEventId);
        }
        let details: Option<Value> =
            response.details.and_then(|details| serde_json::from_str(details.get()).ok());
        let result = match text_of(response.result).map(|result| result.to_ascii_lowercase()).as_deref() {
            Some("ok") => VerdictResult::Ok,
            Some("fail") => VerdictResult::Fail,
            Some("delay") => VerdictResult::Delay(wait_of(details.as_ref(), response.delay)),
            _ => return Err(InvalidVerdict::UnknownResult),
        };
        let details = response.details.map(|details| details.get().to_owned());
        Ok(Self { result, details: details.filter(|details| details != "null") })
    }
}

/// The response's members, each still raw: a member of another type counts as missing.
#[derive(Deserialize)]
struct ResponseBody<'a> {
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

/// The wait that `details.delay` or `delay` asks for, in seconds. It is at least one second.
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
    fn a_byte_order_mark_before_a_verdict_is_passed_over() -> TestResult {
        let verdict = |marks| verdict(&format!(r#"{marks}{{"event_id": "e1", "result": "ok"}}"#));
        assert_eq!(verdict("\u{feff}")?, Ok(Verdict { result: VerdictResult::Ok, details: None }));
        for marks in ["\u{feff}\u{feff}", " \u{feff}", "\u{feff}x"] {
            assert_eq!(verdict(marks)?, Err(InvalidVerdict::NotJson), "{marks:?}");
        }
        Ok(())
    }

    #[test]
    fn the_error_for_any_other_body_says_what_is_wrong() -> TestResult {
        for (body, error) in [
            ("", InvalidVerdict::NotJson),
            ("\u{feff}", InvalidVerdict::NotJson),
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
    fn a_delay_lasts_as_long_as_asked_up_to_a_quarter_of_an_hour() -> TestResult {
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
    fn details_keep_their_bytes() -> TestResult {
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
