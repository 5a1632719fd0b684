//! The registry of webhooks as a state machine: the real admin API over the simulator's DynamoDB, beside a
//! model that is a list.
//!
//! Two apps of one shop create, change, delete, show, list and count webhooks. The model knows what they may:
//! no app sees another's webhooks, no two webhooks of an app are equal, and no app has more than its quota.
//! After each request both lists are compared with the model.

mod api;
mod model;

use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use serde_json::{Value, json};

use api::Api;
use model::{APPS, About, Call, Model};

const TOPICS: [&str; 2] = ["orders/create", "orders/*"];
const ADDRESSES: [&str; 2] = ["https://example.com/a", "https://example.com/b"];
const FORMATS: [&str; 2] = ["json", "xml"];

fn body_of((topic, address, format): About, is_paused: bool) -> Value {
    let status = if is_paused { "paused" } else { "active" };
    json!({"topic": TOPICS[topic], "address": ADDRESSES[address], "format": FORMATS[format], "status": status})
}

struct Registers;

impl StateMachineTest for Registers {
    type SystemUnderTest = Api;
    type Reference = Model;

    fn init_test(_: &Model) -> Api {
        Api::start().unwrap()
    }

    fn apply(mut api: Api, model: &Model, call: Call) -> Api {
        let (app, request, body) = match call {
            Call::Create { app, about } => (app, "POST webhooks".to_owned(), body_of(about, false)),
            Call::Change { app, which, about, is_paused } => {
                (app, format!("PUT webhooks/{}", api.id(which)), body_of(about, is_paused))
            }
            Call::Delete { app, which } => (app, format!("DELETE webhooks/{}", api.id(which)), Value::Null),
            Call::Show { app, which } => (app, format!("GET webhooks/{}", api.id(which)), Value::Null),
        };
        let body = if body.is_null() { body } else { json!({"webhook": body}) };
        let (status, response) = api.call(app, &request, &body).unwrap();
        assert_eq!(status, model.status, "{call:?}: {response}");
        if status == 201 {
            api.ids.push(response["webhook"]["id"].as_u64().unwrap());
            assert!(api.ids.is_sorted(), "ids grow: {:?}", api.ids);
        }
        api
    }

    fn check_invariants(api: &Api, model: &Model) {
        for app in 0..APPS.len() {
            let expected: Vec<_> = model
                .of(app)
                .map(|(number, webhook)| {
                    let mut expected = body_of(webhook.about, webhook.is_paused);
                    expected["id"] = api.ids[number].into();
                    expected
                })
                .collect();
            let (_, listed) = api.call(app, "GET webhooks", &Value::Null).unwrap();
            let listed: Vec<_> = listed["webhooks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|webhook| {
                    let member = |name: &str| webhook[name].clone();
                    json!({"topic": member("topic"), "address": member("address"), "format": member("format"),
                        "status": member("status"), "id": member("id")})
                })
                .collect();
            assert_eq!(listed, expected);
            let (_, count) = api.call(app, "GET webhooks/count", &Value::Null).unwrap();
            assert_eq!(count, json!({"count": expected.len()}));
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_registry_is_what_the_apps_made_of_it(sequential 1..40 => Registers);
}
