//! The whole system over the wire: real API requests, real stream records, real SQS redrive,
//! real receivers, on the template as it is deployed.

mod admin_api;
mod admin_api_access;
mod admin_api_bad_input;
mod admin_api_clients;
mod admin_api_http;
mod admin_api_lists;
mod admin_api_page;
mod admin_api_races;
mod architecture;
mod cost;
mod crash;
mod dead_letters;
mod deliveries;
mod documents;
mod endpoints;
mod events;
mod gaps;
mod history;
mod lifecycle;
mod openapi;
mod permissions;
mod pushes;
mod redrive;
mod rejected_events;
mod replays;
mod replays_interrupted;
mod secrets;
mod template;
mod test_events;
