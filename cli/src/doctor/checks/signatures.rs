//! The checks of what an endpoint takes, and what it refuses.
//!
//! An endpoint that does not take a rightly signed delivery is not judged by what it refuses: it may
//! refuse everything.

use storehook_domain::webhook::Protocol;

use super::{
    findings::Findings,
    verdict::{Check, Verdict},
};
use crate::doctor::exchange::Exchange;

pub(super) fn right(findings: &Findings) -> Check {
    let name = "right signature";
    let told = findings.told(&findings.right);
    if findings.accepts(&findings.right) {
        return Check::new(name, Verdict::Ok, told, "");
    }
    let status = findings.right.result.as_ref().map(|answer| answer.status).ok();
    let advice = match status {
        None => "Let it respond. What must be true: docs/receiving.md, Why an attempt failed.",
        Some(300..=399) => "Respond with 2xx. Redirects are not followed.",
        Some(401 | 403) => {
            "It takes the signature for a wrong one: does it have this secret, and does it verify the bytes \
             of the body as they came?"
        }
        Some(410) => "Respond with 2xx. A 410 disables the webhook.",
        Some(_) if findings.protocol == Protocol::Integration => {
            "Respond with 200 and {\"event_id\": the event's id, \"result\": \"ok\"}."
        }
        Some(_) => "Respond with 2xx as soon as the delivery is stored, and work on it afterwards.",
    };
    Check::new(name, Verdict::Wrong, told, advice)
}

pub(super) fn duplicate(findings: &Findings) -> Check {
    let name = "duplicate";
    let Some(others) = findings.others.as_ref().filter(|_| findings.accepts(&findings.right)) else {
        return Check::skipped(name, "the first one was not accepted");
    };
    if findings.accepts(&others.again) {
        return Check::new(name, Verdict::Ok, findings.told(&others.again), "");
    }
    Check::new(
        name,
        Verdict::Wrong,
        findings.told(&others.again),
        "Respond to a delivery that you know by its webhook-id as the first time: otherwise it comes again, and \
         in the end is dead.",
    )
}

/// The checks of what an endpoint must refuse.
pub(super) fn refusals(findings: &Findings) -> [Check; 3] {
    let names = ["wrong signature", "no signature", "old timestamp"];
    let Some(others) = findings.others.as_ref().filter(|_| findings.accepts(&findings.right)) else {
        return names.map(|name| Check::skipped(name, "a right one was not accepted, either"));
    };
    let forged = "Verify the signature before anything else, and respond with 401 if it is wrong: whoever knows \
                  the address can send to it.";
    let replayed = "Refuse a webhook-timestamp that is over five minutes old, as Standard Webhooks libraries do: \
                    whoever has recorded a delivery can send it again.";
    [
        refusal(findings, "wrong signature", &others.wrong, Verdict::Wrong, forged),
        refusal(findings, "no signature", &others.unsigned, Verdict::Wrong, forged),
        // The signature of the body alone does not cover the time, so a receiver that verifies
        // nothing else cannot tell.
        refusal(findings, "old timestamp", &others.old, Verdict::Warning, replayed),
    ]
}

fn refusal(
    findings: &Findings,
    name: &'static str,
    exchange: &Exchange,
    if_taken: Verdict,
    advice: &str,
) -> Check {
    let told = findings.told(exchange);
    match &exchange.result {
        _ if findings.accepts(exchange) => Check::new(name, if_taken, format!("{told}: accepted"), advice),
        Ok(answer) if answer.status >= 500 => Check::new(
            name,
            Verdict::Warning,
            told,
            "Respond with 401: a 5xx says that the endpoint is broken.",
        ),
        Ok(_) => Check::new(name, Verdict::Ok, told, ""),
        Err(_) => Check::new(name, Verdict::Warning, told, "Respond with 401."),
    }
}
