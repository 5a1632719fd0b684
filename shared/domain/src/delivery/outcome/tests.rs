//! Tests of outcomes.

use super::*;
use crate::delivery::request::UnbuildableRequest;

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn outcome(protocol: Protocol, answer: &Response) -> Result<Outcome, Box<dyn std::error::Error>> {
    let now = "1994-11-06T08:49:37Z".parse()?;
    Ok(Outcome::of(answer, protocol, &EventId::parse("e1")?, now).0)
}

#[test]
fn any_2xx_is_success_and_nothing_else_is() -> TestResult {
    for (status, is_success) in [
        (199, false),
        (200, true),
        (202, true),
        (204, true),
        (299, true),
        (300, false),
        (301, false),
        (308, false),
        (404, false),
        (410, false),
        (429, false),
        (500, false),
    ] {
        let outcome = outcome(Protocol::Webhook, &Response { status, ..Response::default() })?;
        let failed = Outcome::failed(FailedAttempt::Status(status));
        assert_eq!(outcome, if is_success { Outcome::Delivered } else { failed });
        assert_eq!(outcome.is_gone(), status == 410);
    }
    Ok(())
}

#[test]
fn a_successful_integration_responds_200_with_a_verdict() -> TestResult {
    for (status, body, expected) in [
        (200, r#"{"event_id": "e1", "result": "ok"}"#, Outcome::Delivered),
        (200, r#"{"event_id": "e1", "result": "delay"}"#, Outcome::Delayed(Duration::from_secs(60))),
        (200, r#"{"event_id": "e1", "result": "fail"}"#, Outcome::failed(FailedAttempt::Refused)),
        (200, "ok", Outcome::failed(InvalidVerdict::NotJson.into())),
        (201, r#"{"event_id": "e1", "result": "ok"}"#, Outcome::failed(FailedAttempt::Status(201))),
        (500, r#"{"event_id": "e1", "result": "ok"}"#, Outcome::failed(FailedAttempt::Status(500))),
        (410, "", Outcome::failed(FailedAttempt::Status(410))),
    ] {
        let answer = Response { status, body: body.into(), ..Response::default() };
        assert_eq!(outcome(Protocol::Integration, &answer)?, expected, "{status} {body}");
    }
    Ok(())
}

#[test]
fn retry_after_is_seconds_or_a_date_on_429_and_503() -> TestResult {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 60 * 60));
    for (status, value, wait) in [
        (429, "120", Some(Duration::from_secs(120))),
        (503, " 120 ", Some(Duration::from_secs(120))),
        (503, "Sun, 06 Nov 1994 08:51:37 GMT", Some(Duration::from_secs(120))),
        (429, "43200", hours(12)),
        (429, "43201", hours(12)),
        (429, "99999999999999999999999", hours(12)),
        (429, "Mon, 07 Nov 1994 08:49:37 GMT", hours(12)),
        (429, "0", None),
        (429, "Sun, 06 Nov 1994 08:49:37 GMT", None),
        (429, "Sun, 06 Nov 1994 08:49:36 GMT", None),
        (429, "-1", None),
        (429, "3600.0", hours(1)),
        (429, "1.5", Some(Duration::from_millis(1_500))),
        (429, "99999999999999999999999.9", hours(12)),
        (503, "Sunday, 06-Nov-94 08:51:37 GMT", Some(Duration::from_secs(120))),
        (503, "Sun Nov  6 08:51:37 1994", Some(Duration::from_secs(120))),
        (503, "Sunday, 06-Nov-33 08:49:37 GMT", hours(12)),
        (503, "Sun Nov  6 08:49:37 2033", hours(12)),
        (503, "Mon Nov 07 08:49:37 1994", hours(12)),
        (503, "Sunday, 06-Nov-94 08:49:36 GMT", None),
        (503, "Sun Nov  6 08:49:36 1994", None),
        (503, "Sunday, 06-Nov-94 08:51:37", None),
        (503, "Sun Nov 31 08:51:37 1994", None),
        (429, "0.0", None),
        (429, "1.2.3", None),
        (429, ".", None),
        (429, "1e3", None),
        (429, "inf", None),
        (429, "soon", None),
        (429, "", None),
        (500, "120", None),
        (404, "120", None),
    ] {
        let retry_after = Some(value.to_owned());
        let answer = Response { status, retry_after, ..Response::default() };
        for protocol in Protocol::ALL {
            let expected = Outcome::Failed { reason: FailedAttempt::Status(status), retry_after: wait };
            assert_eq!(outcome(protocol, &answer)?, expected, "{status} {value}");
        }
    }
    Ok(())
}

#[test]
fn only_integrations_need_the_whole_body() -> TestResult {
    for (protocol, status, end, expected) in [
        (Protocol::Webhook, 200, BodyEnd::Cut, Outcome::Delivered),
        (Protocol::Webhook, 204, BodyEnd::TimedOut, Outcome::Delivered),
        (Protocol::Webhook, 500, BodyEnd::Cut, Outcome::failed(FailedAttempt::Status(500))),
        (Protocol::Integration, 200, BodyEnd::Read, Outcome::Delivered),
        (Protocol::Integration, 200, BodyEnd::Cut, Outcome::failed(FailedAttempt::ResponseCut)),
        (Protocol::Integration, 200, BodyEnd::TimedOut, Outcome::failed(FailedAttempt::TimedOut)),
        (Protocol::Integration, 500, BodyEnd::Cut, Outcome::failed(FailedAttempt::Status(500))),
    ] {
        let body = br#"{"event_id": "e1", "result": "ok"}"#.to_vec();
        let answer = Response { status, body, end, retry_after: None };
        assert_eq!(outcome(protocol, &answer)?, expected, "{protocol:?} {status} {end:?}");
    }
    Ok(())
}

/// Codes are stored, and programs filter by them. This list may grow, but nothing in it may change.
#[test]
fn every_failure_has_a_code_that_never_changes() {
    let failures = [
        (UnbuildableRequest::Header("X".to_owned()).into(), "request_not_built"),
        (FailedAttempt::NotAllowed, "address_not_allowed"),
        (FailedAttempt::NotResolved, "host_not_found"),
        (FailedAttempt::LookUpFailed, "look_up_failed"),
        (FailedAttempt::ConnectionRefused, "connection_refused"),
        (FailedAttempt::Unreachable, "host_unreachable"),
        (FailedAttempt::ConnectTimedOut, "connect_timeout"),
        (FailedAttempt::NotConnected, "not_connected"),
        (FailedAttempt::NoTls, "no_tls"),
        (FailedAttempt::CertificateExpired, "certificate_expired"),
        (FailedAttempt::CertificateNotYetValid, "certificate_not_yet_valid"),
        (FailedAttempt::CertificateOfAnotherName, "certificate_wrong_name"),
        (FailedAttempt::CertificateNotTrusted, "certificate_not_trusted"),
        (FailedAttempt::TlsFailed, "tls_failed"),
        (FailedAttempt::ConnectionReset, "connection_reset"),
        (FailedAttempt::ConnectionClosed, "connection_closed"),
        (FailedAttempt::TimedOut, "response_timeout"),
        (FailedAttempt::ResponseHeadTooLarge, "response_head_too_large"),
        (FailedAttempt::ResponseMalformed, "response_malformed"),
        (FailedAttempt::ResponseCut, "response_cut"),
        (FailedAttempt::Status(500), "status"),
        (FailedAttempt::Refused, "verdict_fail"),
        (InvalidVerdict::NotJson.into(), "verdict_not_json"),
        (InvalidVerdict::WrongEventId.into(), "verdict_wrong_event_id"),
        (InvalidVerdict::UnknownResult.into(), "verdict_unknown_result"),
    ];
    for (failure, code) in &failures {
        assert_eq!(failure.code(), *code, "{failure}");
    }
    assert_eq!(failures.map(|(_, code)| code), FailedAttempt::CODES);
}

/// A new variant of the enum must be added to the list, too.
#[test]
fn the_list_of_codes_is_complete() {
    let (_, function) = include_str!("failed_attempt.rs").split_once("fn code(&self)").unwrap_or_default();
    let codes = function.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\","));
    assert_eq!(codes.collect::<Vec<_>>(), FailedAttempt::CODES);
}
