//! The schedules of a function.

use std::{rc::Rc, time::Duration};

use futures::future::LocalBoxFuture;

/// What invokes the function with a schedule's input.
pub(crate) type Invoke = dyn Fn(String) -> LocalBoxFuture<'static, ()>;

/// Invokes the function once in each period, for ever. An outage of the pollers does not stop it.
pub(crate) async fn run(period: Duration, input: String, invoke: Rc<Invoke>) {
    loop {
        tokio::time::sleep(period).await;
        invoke(input.clone()).await;
    }
}
