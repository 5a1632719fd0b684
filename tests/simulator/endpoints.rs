//! Endpoints: what each does with a POST, on the virtual clock.
//!
//! They take the place of the sender, as a `delivery::Script`. So a simulation has no guard, no
//! connection, no TLS, no time limit and no limits of a response. An endpoint here never
//! takes longer than an attempt may.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use delivery::{Script, Scripted, Sent};
use futures::FutureExt as _;
use serde_json::{Value, json};
use storehook_domain::delivery::outcome::{FailedAttempt, Response};

use crate::{behaviour::Behaviour, clock, ledger::Ledger};

/// How an endpoint answers one POST.
struct Answer {
    after: Duration,
    status: Option<u16>,
    retry_after: Option<&'static str>,
    body: String,
}

impl Behaviour {
    fn answer(self, event_id: &str, random: &mut fastrand::Rng) -> Answer {
        let usual = Duration::from_millis(random.u64(80..300));
        let answer = |status| Answer { after: usual, status, retry_after: None, body: String::new() };
        match self {
            Self::Healthy => answer(Some(200)),
            Self::Dead => Answer { after: Duration::from_millis(50), ..answer(None) },
            Self::FailsPart(part) => answer(Some(if random.f64() < part { 500 } else { 200 })),
            Self::Accepts(after) => Answer { after, ..answer(Some(200)) },
            Self::Delays => {
                let body = json!({"event_id": event_id, "result": "delay"}).to_string();
                Answer { body, ..answer(Some(200)) }
            }
            Self::AsksFor(retry_after) => Answer { retry_after: Some(retry_after), ..answer(Some(429)) },
            Self::Flaps(period) => {
                let is_up = (clock::elapsed().as_secs() / period.as_secs().max(1)).is_multiple_of(2);
                if is_up { Self::Healthy } else { Self::Dead }.answer(event_id, random)
            }
        }
    }
}

/// The script of all endpoints. The ledger knows to whom each belongs, and notes what it gets.
pub(crate) fn script(ledger: Arc<Mutex<Ledger>>) -> Script {
    let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(fastrand::u64(..))));
    Script(Arc::new(move |request: Scripted| {
        let (ledger, random) = (ledger.clone(), random.clone());
        async move { respond(&request, &ledger, &random).await }.boxed()
    }))
}

async fn respond(request: &Scripted, ledger: &Mutex<Ledger>, random: &Mutex<fastrand::Rng>) -> Sent {
    let delivery_id = request.headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let host = request.address.as_str().trim_start_matches("https://").trim_end_matches('/');
    let known = ledger.lock().unwrap_or_else(PoisonError::into_inner).post(host, delivery_id);
    let Some((tenant, behaviour)) = known else {
        return Sent::Unanswered { reason: FailedAttempt::NotResolved, cause: None };
    };
    let event_id = match behaviour {
        Behaviour::Delays => event_id_of(&request.body),
        _ => String::new(),
    };
    let answer = behaviour.answer(&event_id, &mut random.lock().unwrap_or_else(PoisonError::into_inner));
    tokio::time::sleep(answer.after).await;
    let Some(status) = answer.status else {
        return Sent::Unanswered { reason: FailedAttempt::ConnectionRefused, cause: None };
    };
    if (200..300).contains(&status) && behaviour != Behaviour::Delays {
        ledger.lock().unwrap_or_else(PoisonError::into_inner).accepted(tenant, delivery_id);
    }
    let retry_after = answer.retry_after.map(str::to_owned);
    Sent::Responded(Response { status, retry_after, body: answer.body.into(), ..Response::default() })
}

fn event_id_of(body: &str) -> String {
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    message["event_id"].as_str().unwrap_or_default().to_owned()
}
