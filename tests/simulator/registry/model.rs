//! The model: a list of webhooks, and what each request does to it.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

/// The apps, by their numbers.
pub(super) const APPS: [&str; 2] = ["one", "two"];

/// How many webhooks an app may have.
pub(super) const QUOTA: usize = 4;

/// What a webhook is about: its topic, address and format, by their numbers.
pub(super) type About = (usize, usize, usize);

/// A webhook of the model.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    app: usize,
    pub(super) about: About,
    pub(super) is_paused: bool,
    is_deleted: bool,
}

/// The model: every webhook that was ever made, and the status of the last response.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    webhooks: Vec<Webhook>,
    pub(super) status: u16,
}

/// A request of an app. A webhook is named by its number in the model, whosever it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    Create { app: usize, about: About },
    Change { app: usize, which: usize, about: About, is_paused: bool },
    Delete { app: usize, which: usize },
    Show { app: usize, which: usize },
}

impl Model {
    pub(super) fn of(&self, app: usize) -> impl Iterator<Item = (usize, &Webhook)> {
        self.webhooks.iter().enumerate().filter(move |(_, webhook)| webhook.app == app && !webhook.is_deleted)
    }

    /// The webhook, if it is one of the app.
    pub(super) fn find(&self, app: usize, which: usize) -> Option<usize> {
        let which = which.checked_rem(self.webhooks.len())?;
        self.of(app).find(|(number, _)| *number == which).map(|(number, _)| number)
    }

    pub(super) fn is_taken(&self, app: usize, about: About, but: Option<usize>) -> bool {
        self.of(app).any(|(number, webhook)| webhook.about == about && Some(number) != but)
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Call> {
        let (app, about) = (0..2_usize, (0..2_usize, 0..2_usize, 0..2_usize));
        let which = any::<usize>();
        prop_oneof![
            4 => (app.clone(), about.clone()).prop_map(|(app, about)| Call::Create { app, about }),
            3 => (app.clone(), which, about, any::<bool>())
                .prop_map(|(app, which, about, is_paused)| Call::Change { app, which, about, is_paused }),
            2 => (app.clone(), which).prop_map(|(app, which)| Call::Delete { app, which }),
            1 => (app, which).prop_map(|(app, which)| Call::Show { app, which }),
        ]
        .boxed()
    }

    fn apply(mut model: Self, call: &Call) -> Self {
        model.status = match *call {
            Call::Create { app, about } => {
                if model.is_taken(app, about, None) || model.of(app).count() >= QUOTA {
                    422
                } else {
                    model.webhooks.push(Webhook { app, about, is_paused: false, is_deleted: false });
                    201
                }
            }
            Call::Change { app, which, about, is_paused } => match model.find(app, which) {
                None => 404,
                Some(number) if model.is_taken(app, about, Some(number)) => 422,
                Some(number) => {
                    model.webhooks[number] = Webhook { about, is_paused, ..model.webhooks[number].clone() };
                    200
                }
            },
            Call::Delete { app, which } => match model.find(app, which) {
                None => 404,
                Some(number) => {
                    model.webhooks[number].is_deleted = true;
                    200
                }
            },
            Call::Show { app, which } => model.find(app, which).map_or(404, |_| 200),
        };
        model
    }
}
