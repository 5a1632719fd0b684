//! The checks, on findings of many endpoints.

use std::time::Duration;

use anyhow::Result;
use rustls::CertificateError;
use storehook_domain::{
    delivery::outcome::{BodyEnd, FailedAttempt},
    event::id::EventId,
    webhook::Protocol,
};

use super::{
    findings::Others,
    verdict::Verdict::{self, Ok as Good, Skipped, Warning, Wrong},
    *,
};
use crate::doctor::{
    certificate::Certificate,
    exchange::{Answer, Exchange, Unanswered},
};

fn answered(status: u16) -> Exchange {
    let answer = Answer { status, version: "HTTP/1.1".to_owned(), body: b"ok".to_vec(), ..Answer::default() };
    Exchange { result: Ok(answer), took: Duration::from_millis(20) }
}

fn verdict_of(body: &str) -> Exchange {
    let answer = Answer { status: 200, body: body.into(), ..Answer::default() };
    Exchange { result: Ok(answer), took: Duration::from_millis(20) }
}

fn unanswered(reason: FailedAttempt) -> Exchange {
    Exchange { result: Err(Unanswered { reason, cause: "x".to_owned() }), took: Duration::from_millis(20) }
}

/// A good receiver.
fn good() -> Result<Findings> {
    Ok(Findings {
        address: "https://a.example/hook".parse()?,
        protocol: Protocol::Webhook,
        limit: Duration::from_secs(5),
        event_id: EventId::parse("doctor-1")?,
        forbidden: None,
        certificate: Some(Certificate {
            expires_at: Some("2027-01-01T00:00:00Z".parse()?),
            names: vec!["a.example".to_owned()],
            refusal: None,
        }),
        right: answered(200),
        others: Some(others()),
    })
}

fn others() -> Others {
    Others { again: answered(200), wrong: answered(401), unsigned: answered(401), old: answered(400) }
}

/// What all checks of these findings come to, as the first letters of their verdicts.
fn check(findings: &Findings, expected: &str) -> Result<()> {
    let checks = checks(findings, "2026-11-21T15:00:00Z".parse()?);
    let letter = |verdict: Verdict| match verdict {
        Good => '.',
        Warning => 'w',
        Wrong => 'W',
        Skipped => '-',
    };
    let found: String = checks.iter().map(|check| letter(check.verdict)).collect();
    assert_eq!(found, expected, "{checks:#?}");
    for check in checks {
        let needs_advice = matches!(check.verdict, Warning | Wrong);
        assert_eq!(check.advice.is_some(), needs_advice, "{check:?}");
    }
    Ok(())
}

// The letters: address, certificate, right signature, redirect, duplicate, wrong signature, no
// signature, old timestamp, latency, response size, HTTP version.

#[test]
fn a_good_receiver_passes_every_check() -> Result<()> {
    check(&good()?, "...........")
}

#[test]
fn what_is_taken_and_must_not_be_is_named() -> Result<()> {
    for (others, expected) in [
        (Others { wrong: answered(204), ..others() }, ".....W....."),
        (Others { unsigned: answered(200), ..others() }, "......W...."),
        (Others { old: answered(200), ..others() }, ".......w..."),
        (Others { again: answered(409), ..others() }, "....W......"),
        (Others { wrong: answered(500), ..others() }, ".....w....."),
        (Others { wrong: unanswered(FailedAttempt::TimedOut), ..others() }, ".....w....."),
    ] {
        check(&Findings { others: Some(others), ..good()? }, expected)?;
    }
    Ok(())
}

#[test]
fn an_endpoint_that_refuses_everything_is_not_judged_by_what_it_refuses() -> Result<()> {
    for status in [400, 401, 404, 410, 500] {
        check(&Findings { right: answered(status), ..good()? }, "..W.----...")?;
    }
    let mut moved = answered(301);
    if let Ok(answer) = &mut moved.result {
        answer.location = Some("https://b.example/".to_owned());
    }
    let findings = Findings { right: moved, ..good()? };
    check(&findings, "..WW----...")?;
    let told = checks(&findings, "2026-11-21T15:00:00Z".parse()?);
    let advice = told[3].advice.as_deref().unwrap_or_default();
    assert!(advice.starts_with("Register https://b.example/ as the address"), "{advice}");
    Ok(())
}

#[test]
fn an_endpoint_that_does_not_respond_is_told_why() -> Result<()> {
    let right = unanswered(FailedAttempt::ConnectionRefused);
    let findings = Findings { right, others: None, certificate: None, ..good()? };
    check(&findings, ".-W--------")?;
    let told = checks(&findings, "2026-11-21T15:00:00Z".parse()?);
    assert_eq!(told[2].found, "the host refused the connection (x)");
    Ok(())
}

#[test]
fn addresses_and_certificates_that_deliveries_do_not_like_are_named() -> Result<()> {
    let certificate = |expires_at: &str, refusal| -> Result<Option<Certificate>> {
        Ok(Some(Certificate { expires_at: Some(expires_at.parse()?), names: Vec::new(), refusal }))
    };
    let plain = Findings { address: "http://a.example/".parse()?, certificate: None, ..good()? };
    check(&plain, "w-.........")?;
    check(&Findings { forbidden: Some([10, 0, 0, 1].into()), ..good()? }, "w..........")?;
    for (expires_at, refusal, expected) in [
        ("2026-12-20T00:00:00Z", None, "..........."),
        ("2026-12-01T00:00:00Z", None, ".w........."),
        ("2026-11-01T00:00:00Z", Some(CertificateError::Expired), ".W........."),
        ("2027-12-01T00:00:00Z", Some(CertificateError::UnknownIssuer), ".W........."),
    ] {
        let certificate = certificate(expires_at, refusal)?;
        check(&Findings { certificate, ..good()? }, expected)?;
    }
    Ok(())
}

#[test]
fn slow_and_long_responses_are_named() -> Result<()> {
    let slow = Exchange { took: Duration::from_millis(1_500), ..answered(200) };
    check(&Findings { right: slow.clone(), ..good()? }, "........w..")?;
    let others = Others { again: slow, ..others() };
    check(&Findings { others: Some(others), ..good()? }, "........w..")?;
    let mut long = answered(200);
    if let Ok(answer) = &mut long.result {
        answer.is_longer = true;
    }
    check(&Findings { right: long, ..good()? }, ".........w.")
}

#[test]
fn an_integration_is_judged_by_its_verdicts() -> Result<()> {
    let accepted = verdict_of(r#"{"event_id": "doctor-1", "result": "ok"}"#);
    let refused = verdict_of(r#"{"event_id": "doctor-1", "result": "fail"}"#);
    let others = Others {
        again: accepted.clone(),
        wrong: refused.clone(),
        unsigned: answered(401),
        old: answered(401),
    };
    let good = Findings { protocol: Protocol::Integration, right: accepted, others: Some(others), ..good()? };
    check(&good, "...........")?;
    let later = verdict_of(r#"{"event_id": "doctor-1", "result": "delay"}"#);
    check(&Findings { right: later, ..good.clone() }, "...........")?;
    for right in [answered(200), refused, verdict_of(r#"{"event_id": "other", "result": "ok"}"#)] {
        check(&Findings { right, ..good.clone() }, "..W.----...")?;
    }
    let mut cut = verdict_of(r#"{"event_id": "doctor-1", "result": "ok"}"#);
    if let Ok(answer) = &mut cut.result {
        answer.end = BodyEnd::Cut;
    }
    check(&Findings { right: cut, ..good }, "..W.----...")
}
